"""Graded events as the facts that DLT and stopping rules read.

An event is seen through a window: its grade is the highest that began inside it, and its time at a grade counts
stretches that began inside it, however long they last. A grade that is not certain is given as several possible worlds:
a rule is judged in each, and only an answer that all share is an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

from safety.domain.adverse_events import FIRST_DAY, LAST_DAY, AdverseEvent, Phase
from safety.domain.causality import is_due_to, is_related
from safety.domain.courses import Course, Holds, Segment, Unit, peak, time_at
from safety.domain.episodes import Episode
from safety.domain.grading import Grading
from safety.domain.windows import DltWindow
from trials.records.domain.dates import PartialDate
from trials.records.domain.expressions import UNKNOWN, Blank, MappingContext, Range, Value

Kind = Literal["AE", "CRS", "ICANS", "GVHD"]
Known = Value | Blank
UNITS: Final[tuple[Unit, Unit]] = ("hours", "days")


@dataclass(frozen=True, slots=True)
class GradedEvent:
    """An event as rules see it: its kind, its identity, its course of grades and its other facts."""

    kind: Kind
    id: str
    course: Course
    facts: Mapping[str, Known]
    phase: Phase | None = None

    def holds(self, window: DltWindow | None) -> Holds:
        """Whether a segment of this event begins in the window; everything does when there is no window."""
        if window is None:
            return lambda _: True
        if self.course.line == "hours":
            return lambda segment: window.holds_instant(datetime.fromtimestamp(segment.earliest, UTC))
        return lambda segment: _holds_days(window, segment, self.phase if segment.first else None)

    def grades(self, window: DltWindow | None = None) -> tuple[int, int] | None:
        """The least and the most possible grade in the window; None when the event does not begin or worsen in it."""
        return peak(self.course, self.holds(window))

    def worlds(
        self, window: DltWindow | None = None, others: Mapping[str, Known] | None = None
    ) -> tuple[MappingContext, ...]:
        """One context for each possible grade, with the facts of the event and of its participant (``others``)."""
        bounds = self.grades(window)
        if bounds is None:
            return ()
        times = self.times(window)
        return tuple(
            MappingContext(facts={**(others or {}), **self.facts, "grade": Decimal(grade)}, times=times)
            for grade in range(bounds[0], bounds[1] + 1)
        )

    def times(self, window: DltWindow | None = None) -> Mapping[tuple[int, str], Decimal | Range]:
        """Time at each grade or above, in hours and days, as known so far."""
        holds = self.holds(window)
        return {(grade, unit): time_at(self.course, grade, unit, holds) for grade in range(1, 6) for unit in UNITS}


def _holds_days(window: DltWindow, segment: Segment, phase: Phase | None) -> bool | None:
    earliest = date.fromordinal(max(segment.earliest, FIRST_DAY))
    return window.holds_days(earliest, date.fromordinal(min(segment.latest, LAST_DAY)), phase)


def _known(value: Value | None) -> Known:
    return UNKNOWN if value is None else value


def adverse_event_facts(
    event: AdverseEvent, event_id: str, *, today: date, haematological: Callable[[str | None], bool | None]
) -> GradedEvent:
    """The facts of an adverse event on a local date. ``haematological`` looks a term up in the catalogue."""
    facts: dict[str, Known] = {
        "started": _known(event.started),
        "ended": _known(event.ended),
        "serious": _known(event.seriousness.serious),
        "related": _known(is_related(event.causes)),
        "haematological": _known(haematological(event.term)),
        "due_to_lymphodepletion": _known(is_due_to(event.causes, "LYMPHODEPLETION")),
        "due_to_disease": _known(is_due_to(event.causes, "DISEASE")),
        "term": _known(event.term),
    }
    return GradedEvent("AE", event_id, event.course(today), facts, event.phase)


def episode_facts(kind: Literal["CRS", "ICANS"], episode: Episode, episode_id: str, *, zone: ZoneInfo) -> GradedEvent:
    """The facts of an episode of CRS or ICANS; its dates are local dates of the site."""
    ended = None if episode.ended is None else episode.ended.astimezone(zone).date()
    facts: dict[str, Known] = {"started": episode.started.astimezone(zone).date(), "ended": _known(ended)}
    return GradedEvent(kind, episode_id, episode.course, facts)


def gvhd_facts(assessments: Mapping[date, Grading], event_id: str) -> GradedEvent:
    """The facts of graft-versus-host disease from its assessments by local date; there must be one.

    >>> from safety.domain.gvhd import GvhdStages, grade_gvhd
    >>> gvhd_facts({date(2026, 11, 20): grade_gvhd(GvhdStages(3, 0, 0, 0))}, "g").grades()
    (2, 2)
    """
    ordered = sorted(assessments.items())
    segments = tuple(
        Segment(on.toordinal(), on.toordinal(), grading.at_least, grading.at_most) for on, grading in ordered
    )
    present = [on for on, grading in ordered if grading.at_least > 0]
    over = ordered[-1][1].grade == 0
    last = segments[-1].latest
    facts: dict[str, Known] = {
        "started": PartialDate.of(present[0]) if present else UNKNOWN,
        "ended": PartialDate.of(ordered[-1][0]) if over else UNKNOWN,
    }
    return GradedEvent("GVHD", event_id, Course("days", segments, last, last if over else None), facts)
