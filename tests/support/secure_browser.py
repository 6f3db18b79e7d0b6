"""A browser for a house in production: cookies by TLS only, as behind a proxy, with the token of its form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

HOST = "edc.invalid"


@dataclass(slots=True)
class Page:
    """What came back last."""

    status: int
    address: str
    text: str


@dataclass(slots=True)
class SecureBrowser:
    """Keeps its cookies, follows redirects, and sends the CSRF token of the page it stands on."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    page: Page = field(default_factory=lambda: Page(0, "", ""))

    def open(self, address: str) -> Page:
        """Go to an address and where it leads."""
        return self._ask("GET", address, None)

    def send(self, address: str, **fields: str) -> Page:
        """Post a form of the page that is open."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page.text)
        assert token is not None, f"{self.page.address} has no form"
        return self._ask("POST", address, urlencode({"csrfmiddlewaretoken": token[1], **fields}))

    def find(self, pattern: str) -> str:
        """Return what a pattern's group matches on the page that is open."""
        found = re.search(pattern, self.page.text)
        assert found is not None, f"{pattern} is not on {self.page.address}: {self.page.text[-3000:]}"
        return unescape(found[1])

    def _ask(self, method: str, address: str, body: str | None, *, hops: int = 10) -> Page:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, address, body=body, headers=self._headers(body))
            answer = connection.getresponse()
            self._keep(answer)
            text = answer.read().decode()
            target = answer.headers.get("Location")
        finally:
            connection.close()
        if target is not None and hops:
            parts = urlsplit(target)
            return self._ask("GET", f"{parts.path}{f'?{parts.query}' if parts.query else ''}", None, hops=hops - 1)
        self.page = Page(answer.status, address, text)
        return self.page

    def _headers(self, body: str | None) -> dict[str, str]:
        headers = {"Host": HOST, "X-Forwarded-Proto": "https", "Referer": f"https://{HOST}/"}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return headers if body is None else {**headers, "Content-Type": "application/x-www-form-urlencoded"}

    def _keep(self, answer: HTTPResponse) -> None:
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                if not morsel.value:  # a cookie that ends carries nothing, and is sent without the mark
                    self.cookies.pop(name, None)
                    continue
                assert morsel["secure"], f"{name} would travel without TLS"
                self.cookies[name] = morsel.value
