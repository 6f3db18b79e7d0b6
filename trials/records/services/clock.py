"""The two clocks: system time for audit, leases and signatures; study time for windows, reminders and ages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


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


@contextmanager
def set_source(source: Callable[[], datetime]) -> Iterator[None]:
    """Replace the system clock within a block, for tests and for simulated conduct."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)
