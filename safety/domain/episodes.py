"""Assessments of CRS and ICANS joined to episodes, with start, end, highest grade and time at a grade.

An episode of CRS starts with the first qualifying fever, one of ICANS with the first feature. It ends when every sign
that led to it is gone: fever gone after tocilizumab, with oxygen still running, is no end. A new start after at least
``gap`` free of signs is a new episode; the gap of 24 hours is our reading [R] and a setting of the study.
Source: Lee 2019 (see ``astct``), text [M].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from safety.domain.astct.crs import grade_crs
from safety.domain.astct.crs_tables import CrsFindings, Treatment
from safety.domain.astct.forms import stronger
from safety.domain.courses import Course, Segment, Unit, time_at
from safety.domain.grading import Grading, Notice
from trials.records.domain.expressions import Range

GAP: Final = timedelta(hours=24)
"""Shortest time free of signs between two episodes [R]."""
LATE_ONSET: Final = 14
"""Day after the infusion from which an onset needs a careful look for other causes [M]."""


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall time at the site. A wall time that occurs twice is the first of the two.

    Differences of clinical times are taken between instants: subtracting wall times is wrong by an hour when the
    clocks change in between.

    >>> instant(datetime(2026, 10, 25, 2, 30), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-10-25T00:30:00+00:00'
    """
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Assessment:
    """One graded assessment: when (UTC), what, and the record it stands in."""

    at: datetime
    grading: Grading
    record: str = ""


@dataclass(frozen=True, slots=True)
class Episode:
    """Assessments that belong together, in order of time.

    ``ended``: the assessment that first found no sign (UTC); None while the episode goes on. ``at_least`` and
    ``at_most`` bound its grade, which is the highest of its assessments.
    """

    number: int
    assessments: tuple[Assessment, ...]
    ended: datetime | None

    @property
    def started(self) -> datetime:
        """The first assessment with the sign that begins an episode."""
        return self.assessments[0].at

    @property
    def at_least(self) -> int:
        """The highest grade that is certain."""
        return max(each.grading.at_least for each in self.assessments)

    @property
    def at_most(self) -> int:
        """The highest grade that blanks still allow."""
        return max(each.grading.at_most for each in self.assessments)

    @property
    def grade(self) -> int | None:
        """The grade of the episode; None while a blank could make it higher."""
        return self.at_least if self.at_least == self.at_most else None

    @property
    def peak(self) -> Assessment:
        """The first assessment of the highest certain grade."""
        return next(each for each in self.assessments if each.grading.at_least == self.at_least)

    @property
    def course(self) -> Course:
        """The grades on a line of seconds."""
        segments = tuple(
            Segment(_second(each.at), _second(each.at), each.grading.at_least, each.grading.at_most, number == 0)
            for number, each in enumerate(self.assessments)
        )
        return Course("hours", segments, segments[-1].latest, None if self.ended is None else _second(self.ended))

    def time_at(self, grade: int, unit: Unit = "hours") -> Decimal | Range:
        """Longest unbroken time at the grade or above, as known so far."""
        return time_at(self.course, grade, unit)


@dataclass(frozen=True, slots=True)
class CrsCourse:
    """All assessments of CRS of one participant, graded in order of time, and the episodes they make."""

    assessments: tuple[Assessment, ...]
    episodes: tuple[Episode, ...]


@dataclass(slots=True)
class _Running:
    rows: list[Assessment]
    waiting: list[Assessment] = field(default_factory=list)
    free_since: datetime | None = None
    treatment: Treatment | None = None


def _second(at: datetime) -> int:
    return int(at.timestamp())


def _add(episodes: list[_Running], row: Assessment, *, starts: bool, gap: timedelta) -> bool:
    """Put one assessment where it belongs; return whether it belongs to an episode."""
    grading = row.grading
    starts = starts or grading.at_least == 5  # a death is never left outside every episode
    running = episodes[-1] if episodes else None
    long_free = running is not None and running.free_since is not None and row.at - running.free_since >= gap
    if starts and (running is None or long_free):
        episodes.append(_Running([row]))
        return True
    if running is None:
        return False
    if running.free_since is not None:
        if not (starts or (grading.active and grading.at_least > 0) or (grading.active and not long_free)):
            running.waiting.append(row)
            return False
        running.rows.extend(running.waiting)
        running.waiting, running.free_since = [], None
    running.rows.append(row)
    if grading.active is False:
        running.free_since = row.at
    return True


def _finished(episodes: Sequence[_Running]) -> tuple[Episode, ...]:
    return tuple(Episode(number, tuple(each.rows), each.free_since) for number, each in enumerate(episodes, start=1))


def build_episodes(assessments: Iterable[Assessment], *, gap: timedelta = GAP) -> tuple[Episode, ...]:
    """Join graded assessments to episodes; the order of entry does not matter, only the time of assessment.

    An assessment that is not evaluable neither starts nor ends an episode.
    """
    episodes: list[_Running] = []
    for row in sorted(assessments, key=lambda each: (each.at, each.record)):
        _add(episodes, row, starts=row.grading.begins is True, gap=gap)
    return _finished(episodes)


def grade_crs_course(rows: Iterable[tuple[datetime, CrsFindings, str]], *, gap: timedelta = GAP) -> CrsCourse:
    """Grade the assessments of one participant in order of time and join them to episodes.

    Each row is (UTC instant, findings, record). What an assessment cannot know by itself is carried on from its
    episode: that it began with fever, and that treatment was given before. ``began_with_fever`` of a finding is kept
    when it is true (fever that no assessment here shows).
    """
    episodes: list[_Running] = []
    graded: list[Assessment] = []
    for at, findings, record in sorted(rows, key=lambda row: (row[0], row[2])):
        running = episodes[-1] if episodes else None
        in_context = replace(
            findings,
            began_with_fever=bool(findings.began_with_fever) or running is not None,
            treatment=stronger(running.treatment if running else None, findings.treatment),
        )
        row = Assessment(at, grade_crs(in_context), record)
        graded.append(row)
        earlier_fever = running is None and in_context.began_with_fever is True and row.grading.at_least > 0
        if _add(episodes, row, starts=row.grading.begins is True or earlier_fever, gap=gap):
            own = findings.treatment if episodes[-1] is not running else in_context.treatment
            episodes[-1].treatment = own
    return CrsCourse(tuple(graded), _finished(episodes))


@dataclass(frozen=True, slots=True)
class DayGrade:
    """The worst grade of one local day: at least ``at_least``, at most ``at_most``; ``day`` counted from Day 0."""

    day: int
    on: date
    at_least: int
    at_most: int

    @property
    def grade(self) -> int | None:
        """The worst grade; None while a blank could make it worse."""
        return self.at_least if self.at_least == self.at_most else None


def worst_by_day(assessments: Iterable[Assessment], *, day_0: date, zone: ZoneInfo) -> tuple[DayGrade, ...]:
    """Worst grade of each study day with an assessment, by the local dates of the site; other days are left out."""
    days: dict[date, list[Grading]] = {}
    for each in assessments:
        days.setdefault(each.at.astimezone(zone).date(), []).append(each.grading)
    return tuple(
        DayGrade((on - day_0).days, on, max(g.at_least for g in found), max(g.at_most for g in found))
        for on, found in sorted(days.items())
    )


def late_onset(started_on: date, infused_on: date) -> tuple[Notice, ...]:
    """A notice when CRS begins more than 14 days after the infusion [M]."""
    day = (started_on - infused_on).days
    if day <= LATE_ONSET:
        return ()
    text = f"CRS began on Day {day}, later than usual: please look for another cause."
    return (Notice("crs-late-onset", text, query=True, certainty="M"),)


def episode_of(episodes: Sequence[Episode]) -> Mapping[str, int]:
    """Number of the episode by record, for the records that belong to one."""
    return {row.record: episode.number for episode in episodes for row in episode.assessments}
