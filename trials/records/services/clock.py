"""The two clocks: system time for audit, leases and signatures; study time for windows, reminders and ages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from django.db import connection

TOLERATED_DIFFERENCE = timedelta(seconds=5)
"""Beyond it nobody signs and the house is not ready."""


class HasClock(Protocol):
    """A study, as far as its time goes: ``clock`` is set for a simulated study only."""

    clock: datetime | None


def _system() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the one place


_source: ContextVar[Callable[[], datetime]] = ContextVar("clock_source", default=_system)


def now() -> datetime:
    """Return the system's instant, aware, in UTC."""
    return _source.get()()


def study_now(study: HasClock) -> datetime:
    """Return the study's instant: its own clock when it is simulated and set, else the system's."""
    return study.clock if study.clock is not None else now()


def local_today(study: HasClock, time_zone: str) -> date:
    """Return today's date at a site, by study time and the site's time zone."""
    return study_now(study).astimezone(ZoneInfo(time_zone)).date()


def difference_to_database() -> timedelta:
    """Return how far this machine's clock and the database server's are apart; SQLite reads this machine's own.

    Signatures, leases and the audit trail take this machine's time: two machines that disagree put them in no order.
    """
    if connection.vendor == "sqlite":
        return timedelta()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return abs(found - _system())


@contextmanager
def set_source(source: Callable[[], datetime]) -> Iterator[None]:
    """Replace the system clock within a block, for tests and for simulated conduct."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)
