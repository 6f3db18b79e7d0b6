"""The checker of addresses: every named URL needs a row in url_policy.toml, and must keep to it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.admin.world import CANARY, UNKNOWN, World
from trials.domain.roles import Permission, Role, allows

FILE = Path(__file__).with_name("url_policy.toml")
METHODS = ("get", "post")
READING = {"SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "PRAGMA", "EXPLAIN"}
IGNORED_TABLES = {"session", "accessattempt", "accesslog", "chain", "auditevent", "logentry"}
_MASKS = (
    (re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"'), b"CSRF"),
    (re.compile(rb'"X-CSRFToken": "[^"]*"|data-csrf="[^"]*"'), b"CSRF"),
    (re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), b"ID"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one address allows: to whom, and which objects it names."""

    name: str
    access: str
    kwargs: tuple[tuple[str, str], ...]
    methods: tuple[str, ...]
    note: str
    own: str = "works"

    def admits(self, role: Role | None) -> bool:
        """Say whether a role is let in at all; which rows it sees is another question."""
        if self.access == "public":
            return True
        if role is None or self.access == "nobody":
            return False
        return self.access == "member" or allows(role, Permission(self.access))


def read_policy() -> dict[str, Row]:
    """Read the file, in its own order."""
    rows = {}
    for name, given in tomllib.loads(FILE.read_text()).items():
        kwargs = tuple((str(key), str(kind)) for key, kind in given.get("kwargs", {}).items())
        methods = tuple(given.get("methods", METHODS))
        rows[name] = Row(
            name, str(given["access"]), kwargs, methods, str(given.get("note", "")), str(given.get("own", "works"))
        )
    return rows


def url_names(patterns: Sequence[URLPattern | URLResolver] | None = None, space: str = "") -> Iterator[str]:
    """Yield every address of the house: its name, or its pattern when it has none."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(each, URLResolver):
            inner = f"{space}{each.namespace}:" if each.namespace else space
            yield from url_names(each.url_patterns, inner)
        elif each.name or "static" not in str(each.pattern):
            yield f"{space}{each.name}" if each.name else f"{space}unnamed {each.pattern}"


def missing_rows(names: Iterator[str], policy: dict[str, Row]) -> list[str]:
    """Return, for each address without a row, the lines to add."""
    return [_lines(name) for name in sorted(set(names) - set(policy))]


def _lines(name: str) -> str:
    return f'["{name}"]\naccess = "view records"   # the head of the file names the others\nkwargs = {{}}'


def address(row: Row, world: World, place: str) -> str:
    """Build the address of an object at a place (own, foreign_site, foreign_study) or of one that does not exist."""
    return reverse(row.name, kwargs={key: value(world, kind, place) for key, kind in row.kwargs})


def value(world: World, kind: str, place: str) -> str:
    """Make a parameter: ``participant`` is its key, ``study.oid`` a field, ``=text`` the text itself."""
    if kind.startswith("="):
        return kind[1:]
    noun, _, attribute = kind.partition(".")
    if place == "unknown":
        return "NOSUCHST" if attribute == "oid" else "ZZ" if attribute else str(UNKNOWN)
    found = world.corner(place).rows[noun]
    return str(getattr(found, attribute or "pk"))


def is_scoped(row: Row) -> bool:
    """Say whether the address names an object of a study at all."""
    return any(not kind.startswith("=") for _key, kind in row.kwargs)


def places(row: Row) -> tuple[str, ...]:
    """Return the foreign places that an address can name; a study is the same one at another of its sites."""
    study_only = all(
        kind.startswith("=") or kind.split(".")[0] in {"study", "version", "arm", "dose_level"}
        for _, kind in row.kwargs
    )
    return ("foreign_study",) if study_only else ("foreign_site", "foreign_study")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client can tell apart: status, target, and the body without ids and CSRF token."""

    status: int
    target: str
    body: bytes

    @classmethod
    def of(cls, response: Any, url: str, parameters: Sequence[str]) -> Answer:
        body = response.getvalue() if response.streaming else response.content
        target = response.headers.get("Location", "") + response.headers.get("HX-Redirect", "")
        for part in sorted([url, *parameters] if parameters else [], key=len, reverse=True):
            body, target = body.replace(part.encode(), b"ID"), target.replace(part, "ID")
        for pattern, mask in _MASKS:
            body = pattern.sub(mask, body)
        return cls(response.status_code, target, body)


def ask(client: Client, row: Row, world: World, place: str, method: str) -> Answer:
    """Send one request; whatever is raised counts as a refusal that the client would see as 500."""
    url = address(row, world, place)
    parameters = [value(world, kind, place) for _key, kind in row.kwargs if not kind.startswith("=")]
    data = {"study": value(world, "study", place)} if method == "post" else None
    client.raise_request_exception = False
    return Answer.of(getattr(client, method)(url, data), url, parameters)


class Watch:
    """Says whether foreign rows differ from before; reads them only after a statement that could have changed one."""

    def __init__(self, world: World) -> None:
        self._world, self._wrote = world, False
        self._digest = digest_of_foreign_rows(world)

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Take note of every statement that is no plain reading; the session's rows are nobody's."""
        verb = sql.lstrip(" (").split(None, 1)[0].upper()
        self._wrote |= verb not in READING and "django_session" not in sql
        return execute(sql, params, many, context)

    def is_changed(self) -> bool:
        """Compare, and start anew from what is there now."""
        if not self._wrote:
            return False
        before, self._digest, self._wrote = self._digest, digest_of_foreign_rows(self._world), False
        return before != self._digest


def find_all_leaks(rows: Iterable[Row], world: World, role: Role | None) -> list[str]:
    """Return every way in which addresses break their rows for one role."""
    client, watch = world.client(role), Watch(world)
    found: list[str] = []
    with connection.execute_wrapper(watch):
        for row in rows:
            world.sign_in(client, role)
            found += find_leaks(row, world, role, client, watch)
    return found


def find_leaks(row: Row, world: World, role: Role | None, client: Client, watch: Watch) -> list[str]:
    """Return every way in which an address breaks its row for one role."""
    found: list[str] = []
    for method in row.methods:
        who = f"{method.upper()} {row.name} as {role or 'nobody'}"
        if is_scoped(row):
            watch.is_changed()  # what the last row wrote at home is not this one's doing
            unknown = ask(client, row, world, "unknown", method)
            for place in places(row):
                answer = ask(client, row, world, place, method)
                if answer != unknown:
                    found.append(f"{who}: {place} is told from unknown ({answer.status} and {unknown.status})")
                if CANARY.encode() in answer.body or CANARY in answer.target:
                    found.append(f"{who}: {place} shows a canary")
            if watch.is_changed():
                found.append(f"{who}: something foreign was written")
        own = ask(client, row, world, "own", method)
        if CANARY.encode() in own.body:
            found.append(f"{who}: own shows a canary")
        if own.status >= 500 and row.own == "works":
            found.append(f"{who}: own fails with {own.status}")
        refused = own.status in (401, 403, 404, 405) or "/admin/login/" in own.target
        if not row.admits(role) and not refused:
            found.append(f"{who}: not refused ({own.status})")
        if row.admits(role) and row.own == "works" and method == "get" and own.status in (401, 403, 404):
            found.append(f"{who}: refused although the row admits it ({own.status})")
    return found


def digest_of_foreign_rows(world: World) -> str:
    """Hash all rows of our tables that are not at the first site; sessions and the trail of log-ins are left out."""
    own = str(world.own.site.pk)
    lines = []
    for model in apps.get_models():
        if model._meta.app_label not in {"trials", "capture", "safety", "records"}:
            continue
        if model._meta.model_name in IGNORED_TABLES:
            continue
        for row in model._default_manager.order_by("pk").values():
            if str(row.get("site_id", "")) != own:
                lines.append(f"{model._meta.label}{sorted(row.items(), key=str)}")
    return sha256("\n".join(lines).encode()).hexdigest()
