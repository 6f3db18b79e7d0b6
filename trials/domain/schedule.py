"""Visits, their targets and windows, and how a visit stands on a day.

Day 0 is the first infusion. A visit names its anchor (consent, first or last infusion); its target is the anchor's date
plus its day, its window runs from ``first`` to ``last``, both days included. Months never appear here: a study's month
table has turned them into days before. Nothing here reads a clock: whoever asks brings today's date at the site.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

CLOSING_DAYS = 3
"""A window is closing when this many days or fewer are left and no date was entered (status vocabulary)."""


class Anchor(StrEnum):
    """The event from which a visit is counted; the words are those of the study files."""

    CONSENT = "consent"
    FIRST_INFUSION = "first infusion"
    LAST_INFUSION = "last infusion"


class VisitKind(StrEnum):
    """Scheduled visits exist from consent, the end visit too; unscheduled ones appear when they happen."""

    SCHEDULED = "scheduled"
    UNSCHEDULED = "unscheduled"
    END = "end"


class WindowState(StrEnum):
    """How a visit stands on a day; the keys are those of the status vocabulary, ``in_window`` apart."""

    NOT_APPLICABLE = "not_applicable"
    NOT_DUE = "not_due"
    PLANNED = "planned"
    WINDOW_OPEN = "window_open"
    CLOSING = "closing"
    OVERDUE = "overdue"
    IN_WINDOW = "in_window"
    OUT_OF_WINDOW = "out_of_window"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """One visit of a study version's schedule.

    ``day`` is the target in days from the anchor (None for a range, where any day is as good as another); ``first`` and
    ``last`` bound the window in the same count (None for a visit without a window). Raises ValueError when the window
    runs backwards or the day lies outside it.

    >>> PlannedVisit.on_day("D28", 28, before=3, after=3, alias="M1").last
    31
    """

    code: str
    label: str = ""
    kind: VisitKind = VisitKind.SCHEDULED
    anchor: Anchor = Anchor.FIRST_INFUSION
    day: int | None = None
    first: int | None = None
    last: int | None = None
    alias: str = ""

    def __post_init__(self) -> None:
        if (self.first is None) != (self.last is None):
            raise ValueError(f"{self.code}: expected both ends of the window or none")
        if self.first is None or self.last is None:
            return
        if self.first > self.last:
            raise ValueError(f"{self.code}: the window {self.first}..{self.last} runs backwards")
        if self.day is not None and not self.first <= self.day <= self.last:
            raise ValueError(f"{self.code}: day {self.day} lies outside its window {self.first}..{self.last}")

    @classmethod
    def on_day(
        cls,
        code: str,
        day: int,
        *,
        before: int = 0,
        after: int = 0,
        label: str = "",
        anchor: Anchor = Anchor.FIRST_INFUSION,
        alias: str = "",
    ) -> PlannedVisit:
        """Return a visit on one day, with ``before`` and ``after`` days of window (both 0 or more)."""
        return cls(code, label, VisitKind.SCHEDULED, anchor, day, day - before, day + after, alias)

    def answers_to(self, name: str) -> bool:
        """Say whether the visit is called ``name``, by code or by alias (M1 is D28)."""
        return name == self.code or (bool(self.alias) and name == self.alias)


@dataclass(frozen=True, slots=True)
class Anchors:
    """The dates from which visits are counted, as far as they are known, local to the site."""

    consented_on: date | None = None
    infused_on: date | None = None
    last_infused_on: date | None = None
    planned_infusion_on: date | None = None

    def of(self, anchor: Anchor) -> tuple[date | None, bool]:
        """Return an anchor's date and whether it is only planned.

        Between the first and the last infusion of a course the last one known counts. A plan serves only until the
        first infusion is known.
        """
        if anchor is Anchor.CONSENT:
            return self.consented_on, False
        known = self.infused_on if anchor is Anchor.FIRST_INFUSION else self.last_infused_on or self.infused_on
        return (known, False) if known is not None else (self.planned_infusion_on, self.planned_infusion_on is not None)


@dataclass(frozen=True, slots=True)
class Window:
    """Target and window of one participant's visit as dates; all None while the anchor is unknown."""

    target: date | None = None
    opens: date | None = None
    closes: date | None = None
    provisional: bool = False


UNKNOWN_WINDOW = Window()


def window_of(visit: PlannedVisit, anchors: Anchors) -> Window:
    """Return target and window of a visit; unknown while its anchor is, and for visits that have none.

    >>> window_of(PlannedVisit.on_day("D14", 14, before=2, after=2), Anchors(infused_on=date(2026, 2, 1)))
    Window(target=datetime.date(2026, 2, 15), opens=datetime.date(2026, 2, 13), closes=datetime.date(2026, 2, 17), \
provisional=False)
    """
    anchor, provisional = anchors.of(visit.anchor)
    if anchor is None or visit.first is None or visit.last is None:
        return UNKNOWN_WINDOW
    return Window(
        target=None if visit.day is None else anchor + timedelta(days=visit.day),
        opens=anchor + timedelta(days=visit.first),
        closes=anchor + timedelta(days=visit.last),
        provisional=provisional,
    )


def days_outside(window: Window, on: date) -> int:
    """Return how many days ``on`` lies outside the window: negative before it, positive after it, 0 within or unknown.

    >>> window = Window(date(2026, 2, 15), date(2026, 2, 13), date(2026, 2, 17))
    >>> [days_outside(window, date(2026, 2, day)) for day in (12, 13, 17, 18)]
    [-1, 0, 0, 1]
    """
    if window.opens is None or window.closes is None:
        return 0
    if on < window.opens:
        return (on - window.opens).days
    return max((on - window.closes).days, 0)


@dataclass(frozen=True, slots=True)
class VisitStatus:
    """A visit's state and its days: left when closing, past when overdue, signed days outside when out of window."""

    state: WindowState
    days: int = 0


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """What is known of one visit: dates local to the site."""

    window: Window = UNKNOWN_WINDOW
    planned: date | None = None
    actual: date | None = None
    missed: bool = False
    cancelled: bool = False


def status_on(facts: VisitFacts, today: date) -> VisitStatus:
    """Say how a visit stands on a day at the site.

    A visit with a date is in or out of its window, whatever day it is. A provisional window is judged like a known one
    until it closes, but nothing is overdue by a plan alone.

    >>> window = Window(date(2026, 2, 15), date(2026, 2, 13), date(2026, 2, 17))
    >>> status_on(VisitFacts(window), date(2026, 2, 18))
    VisitStatus(state=<WindowState.OVERDUE: 'overdue'>, days=1)
    """
    if facts.actual is not None:
        outside = days_outside(facts.window, facts.actual)
        return VisitStatus(WindowState.OUT_OF_WINDOW if outside else WindowState.IN_WINDOW, outside)
    if facts.missed:
        return VisitStatus(WindowState.MISSED)
    if facts.cancelled:
        return VisitStatus(WindowState.NOT_APPLICABLE)
    return _awaited_on(facts, today)


def _awaited_on(facts: VisitFacts, today: date) -> VisitStatus:
    opens, closes = facts.window.opens, facts.window.closes
    if opens is None or closes is None or today < opens:
        return VisitStatus(WindowState.NOT_DUE if facts.planned is None else WindowState.PLANNED)
    left = (closes - today).days
    if left < 0 and not facts.window.provisional:
        return VisitStatus(WindowState.OVERDUE, -left)
    if left <= CLOSING_DAYS:
        return VisitStatus(WindowState.CLOSING, max(left, 0))
    return VisitStatus(WindowState.WINDOW_OPEN, left)


def find_visit(visits: tuple[PlannedVisit, ...], name: str) -> PlannedVisit | None:
    """Return the visit of that code or alias.

    >>> find_visit((PlannedVisit.on_day("D28", 28, alias="M1"),), "M1").code
    'D28'
    """
    return next((visit for visit in visits if visit.answers_to(name)), None)
