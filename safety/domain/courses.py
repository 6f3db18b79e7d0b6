"""The course of one graded event: which grade from when on, with everything that is not known kept as a range.

A position is a whole number on a line of time: seconds since 1970 in UTC for assessments, day numbers
(``date.toordinal``) for adverse events, whose dates may be partial. A grade holds until the next position [R]: between
two assessments nobody looked, so the time at a grade is counted up to the assessment that found it lower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from trials.records.domain.expressions import Range

Unit = Literal["hours", "days"]
Holds = Callable[["Segment"], bool | None]
"""Whether a segment begins inside a window: True, False or None (not known)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A grade and when it began: between ``earliest`` and ``latest``, at least ``at_least`` and at most ``at_most``.

    ``first``: this is where the event itself began.
    """

    earliest: int
    latest: int
    at_least: int
    at_most: int
    first: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """The segments of an event in order of time.

    ``known_until``: the event is known to have lasted up to here. ``over_by``: it was over here at the latest; None
    while it goes on or its end is not known. ``line`` is the unit of the positions: "hours" (seconds) or "days".
    """

    line: Unit
    segments: tuple[Segment, ...]
    known_until: int
    over_by: int | None

    def merged(self) -> Course:
        """The same course with neighbouring segments of equal grade as one, so that a repeated row is no new start."""
        kept: list[Segment] = []
        for segment in self.segments:
            if kept and (kept[-1].at_least, kept[-1].at_most) == (segment.at_least, segment.at_most):
                continue
            kept.append(segment)
        return Course(self.line, tuple(kept), self.known_until, self.over_by)


def _anywhere(_: Segment) -> bool | None:
    return True


def peak(course: Course, holds: Holds = _anywhere) -> tuple[int, int] | None:
    """The least and the most possible highest grade of segments that begin in the window; None if none can.

    >>> peak(Course("days", (Segment(1, 1, 2, 2, True), Segment(3, 4, 3, 3)), 9, None))
    (3, 3)
    """
    segments = course.merged().segments
    possible = [segment for segment in segments if holds(segment) is not False]
    certain = [segment for segment in segments if holds(segment) is True]
    if not possible:
        return None
    return max((s.at_least for s in certain), default=0), max(s.at_most for s in possible)


def time_at(course: Course, grade: int, unit: Unit, holds: Holds = _anywhere) -> Decimal | Range:
    """Longest unbroken time at ``grade`` or above, of stretches that begin in the window.

    A number when it is certain, else a range; ``Range(so_far, None)`` while it can still grow. An event known by dates
    gives whole days (date of improvement minus date of onset); its hours are a day less and a day more.

    >>> time_at(Course("days", (Segment(1, 1, 3, 3, True),), 6, None), 3, "days")
    Range(lo=Decimal('5'), hi=None)
    >>> time_at(Course("days", (Segment(1, 1, 3, 3, True), Segment(9, 9, 2, 2)), 12, 12), 3, "days")
    Decimal('8')
    """
    ends = list(_possible(course, grade, holds))
    if not ends:
        return Decimal(0)
    lowest = max((max(0, end - start) for start, end in _certain(course, grade, holds)), default=0)
    low = _in(course, lowest, unit, -1)
    if any(end is None for _, end in ends):
        return Range(low, None)
    high = _in(course, max(max(0, end - start) for start, end in ends if end is not None), unit, 1)
    return low if low == high else Range(low, high)


def _in(course: Course, length: int, unit: Unit, side: int) -> Decimal:
    """A length of the line in hours or days; for hours between two dates, ``side`` gives the least or the most."""
    if course.line == "hours":
        return Decimal(length) / (3600 if unit == "hours" else 86400)
    return Decimal(length) if unit == "days" else Decimal(max(0, length + side) * 24)


def _certain(course: Course, grade: int, holds: Holds) -> Iterator[tuple[int, int]]:
    """Latest start and earliest end of each stretch that is certainly at the grade."""
    start: Segment | None = None
    for segment in course.segments:
        if segment.at_least >= grade:
            start = start or segment
        elif start is not None:
            if holds(start) is True:
                yield start.latest, segment.earliest
            start = None
    if start is not None and holds(start) is True:
        yield start.latest, course.known_until


def _possible(course: Course, grade: int, holds: Holds) -> Iterator[tuple[int, int | None]]:
    """Earliest start and latest end (None = open) of each stretch that may be at the grade."""
    starts: list[Segment] = []
    before: Segment | None = None
    for segment in course.segments:
        if segment.at_most >= grade:
            if not starts or before is None or before.at_least < grade:
                starts.append(segment)
        else:
            yield from ((start.earliest, segment.latest) for start in starts if holds(start) is not False)
            starts = []
        before = segment
    yield from ((start.earliest, course.over_by) for start in starts if holds(start) is not False)
