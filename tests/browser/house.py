"""A whole house for a browser: its own database, a seeded study of two sites, the real server, and Chromium.

In C-CAR168 as it is seeded, participant 01-001 stands on the morning of Day 14 and 02-001 is in screening; the users
are those of seeding (coordinator, monitor: site 01; coordinator2, monitor2: site 02), all with ``PASSWORD``.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.conftest import chromium, wait_for_port
from tests.support.own_database import own_database, rows, run, start

PASSWORD = "a quiet ward at four in the morning"
STUDY = "C-CAR168"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass
class House:
    """The running server with its database and a browser; ``trouble`` collects what no page may do."""

    url: str
    database: str
    browser: Browser
    trouble: list[str] = field(default_factory=list)

    def person(self, username: str, *, phone: bool = False, dark: bool = False) -> tuple[BrowserContext, Page]:
        """Open a browser of one's own and sign in."""
        context = self.browser.new_context(
            viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
            is_mobile=phone,
            has_touch=phone,
            color_scheme="dark" if dark else "light",
        )
        page = context.new_page()
        self.watch(page)
        page.goto(f"{self.url}/admin/login/")
        page.fill("#id_username", username)
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-page='my_work']")
        return context, page

    def watch(self, page: Page) -> None:
        """Note script errors, breaches of the content policy and requests to any other host."""

        def asked(request: Request) -> None:
            if not request.url.startswith((self.url, "data:", "blob:")):
                self.trouble.append(f"asked another host: {request.url}")

        def said(message: Any) -> None:
            if message.type == "error" and "Failed to load resource" not in message.text:
                self.trouble.append(f"console: {message.text}")

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: self.trouble.append(f"script: {error}"))
        page.on("response", lambda each: self.trouble.append(each.url) if each.status >= 500 else None)

    def row(self, sql: str) -> Any:
        """Return the first value of a query, read past the application."""
        return rows(self.database, sql)[0][0]

    def visit(self, number: str, code: str) -> str:
        """Return the path of a participant's visit sheet."""
        sql = (
            "SELECT visit.id FROM trials_visit AS visit JOIN trials_participant AS person"
            f" ON person.id = visit.participant_id WHERE person.number = '{number}' AND visit.code = '{code}'"
        )
        return f"/admin/visits/{dashed(self.row(sql))}/"

    def participant(self, number: str) -> str:
        found = self.row(f"SELECT id FROM trials_participant WHERE number = '{number}'")
        return f"/admin/participants/{dashed(found)}/"


def dashed(key: object) -> str:
    """Return a key as addresses have it; SQLite keeps it without dashes."""
    text = str(key).replace("-", "")
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


@contextmanager
def running_house(folder: Path, port: int) -> Iterator[House]:
    """Seed, serve and open a browser; stop everything at the end."""
    with own_database(folder) as database:
        run(database, "tests.browser.prepare", REDIS_URL="")
        server = start(database, "manage", "serve", "--port", str(port), REDIS_URL="")
        try:
            wait_for_port(port, seconds=60)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
                yield House(f"http://127.0.0.1:{port}", database, browser)
                browser.close()
        finally:
            stop(server)


def stop(server: subprocess.Popen[str]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.communicate()
