"""The window in which a participant is watched for dose-limiting toxicity, in local dates of the site.

From the start of the first infusion to Day N after the last infusion of the course, inclusive; 28 days for one infusion
are 29 calendar dates. N and the day from which a window is closing are settings of the study.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from safety.domain.adverse_events import Phase

DAYS: Final = 28
CLOSING_FROM: Final = 21


class WindowState(StrEnum):
    """Where a window stands on a local date."""

    NOT_STARTED = "not_started"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    DLT = "dlt"


@dataclass(frozen=True, slots=True)
class DltWindow:
    """The window of one participant.

    ``first_on`` and ``last_on``: local dates of the first and the last infusion so far. ``first_at``: the instant at
    which the first began (UTC), None when only its date is known. ``complete``: no further infusion of the course is
    planned; until then the window has no end. ``days``: N. ``closing_from``: day after the last infusion from which
    the window is closing.
    """

    first_on: date | None
    last_on: date | None
    zone: ZoneInfo
    first_at: datetime | None = None
    complete: bool = True
    days: int = DAYS
    closing_from: int = CLOSING_FROM

    @property
    def closes(self) -> date | None:
        """The last local date of the window; None before the last infusion of the course."""
        if self.last_on is None or not self.complete:
            return None
        return self.last_on + timedelta(days=self.days)

    @property
    def closing_on(self) -> date | None:
        """The first local date on which the window is closing."""
        if self.last_on is None or not self.complete:
            return None
        return self.last_on + timedelta(days=self.closing_from)

    @property
    def length(self) -> int | None:
        """Study day of the last date of the window, counted from the first infusion; None while it has no end."""
        return (self.closes - self.first_on).days if self.closes and self.first_on else None

    def day(self, today: date) -> int | None:
        """Day of the window: 0 on the date of the first infusion, at most its length; None before it starts.

        >>> DltWindow(date(2026, 11, 2), date(2026, 11, 2), ZoneInfo("Europe/Berlin")).day(date(2026, 11, 9))
        7
        """
        if self.first_on is None or today < self.first_on:
            return None
        lived = (today - self.first_on).days
        return lived if self.length is None else min(lived, self.length)

    def state(self, today: date, *, had_dlt: bool = False) -> WindowState:
        """The state on a local date. ``had_dlt``: a person adjudicated a DLT; a candidate alone changes no state."""
        if had_dlt:
            return WindowState.DLT
        if self.first_on is None or today < self.first_on:
            return WindowState.NOT_STARTED
        if self.closes is None or self.closing_on is None or today < self.closing_on:
            return WindowState.OPEN
        return WindowState.CLOSING if today <= self.closes else WindowState.CLOSED

    def words(self, today: date, *, had_dlt: bool = False) -> str:
        """The state in words: "open, day 7 of 28"."""
        state = self.state(today, had_dlt=had_dlt)
        if state in {WindowState.OPEN, WindowState.CLOSING}:
            length = "an unfinished course" if self.length is None else self.length
            return f"{state.value}, day {self.day(today)} of {length}"
        named = {WindowState.NOT_STARTED: "not started", WindowState.CLOSED: f"closed after {self.closes}"}
        return named.get(state, "DLT")

    def holds_instant(self, at: datetime) -> bool | None:
        """Whether an instant lies in the window; None when the start of the infusion would have to be known."""
        if self.first_on is None:
            return False
        on = at.astimezone(self.zone).date()
        if on < self.first_on or (self.closes is not None and on > self.closes):
            return False
        if on > self.first_on:
            return True
        return None if self.first_at is None else at >= self.first_at

    def holds_days(self, earliest: date, latest: date, phase: Phase | None = None) -> bool | None:
        """Whether an onset between two dates lies in the window; ``phase`` settles the day of the first infusion.

        None when some of the possible dates lie in the window and some do not.
        """
        if self.first_on is None or phase == "before":
            return False
        close = self.closes or date.max
        if latest < self.first_on or earliest > close:
            return False
        known_after = phase in {"during", "after"}
        if latest > close or (earliest < self.first_on and not known_after):
            return None
        return None if earliest <= self.first_on and not known_after else True
