"""All assessments of one participant and scale, graded together and joined to episodes.

Together, because an earlier row of CRS may say that the episode began with fever or that tocilizumab was given, which
changes the grades of later rows. Pure: from the records' values to rows, whatever the order of entry.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from capture.projections.registry import RecordValues
from safety.domain.episodes import Assessment, Episode, build_episodes, grade_crs_course, instant
from safety.domain.grading import Grading
from safety.services.readings import assessed_at, grade_alone, read_crs, score_of
from trials.records.domain.expressions import Blank

NAMESPACE = UUID("5c1f2f0e-6d0b-4f6c-9a52-2b7a3f1f9d10")
NO_TIME = "the time of the assessment"


@dataclass(frozen=True, slots=True)
class GradedRow:
    """One assessment: local wall time (empty while not recorded), its grading, its episode if it belongs to one."""

    record: UUID
    at: str
    grading: Grading
    score: int | None
    episode: int | None
    findings: dict[str, object]


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One episode: local wall times of start and end (empty while it goes on) and the highest certain grade."""

    id: UUID
    number: int
    started: str
    ended: str
    at_least: int
    working: str


@dataclass(frozen=True, slots=True)
class ScaleCourse:
    """Everything one scale says of a participant; ``built`` are the episodes as rules judge them."""

    rows: tuple[GradedRow, ...]
    episodes: tuple[EpisodeRow, ...]
    built: tuple[tuple[UUID, Episode], ...] = ()
    by_day: tuple[tuple[date, Grading], ...] = ()


def episode_id(participant: UUID, scale: str, number: int) -> UUID:
    """The identity of an episode: its participant, scale and number, so that a rebuild gives the same."""
    return uuid.uuid5(NAMESPACE, f"{participant}:{scale}:{number}")


def grade_course(
    participant: UUID, kind: str, scale: str, records: Iterable[tuple[UUID, RecordValues]], zone: ZoneInfo
) -> ScaleCourse:
    """Grade the records of one scale and join them to episodes."""
    entered = [(record, values, assessed_at(values)) for record, values in records]
    timed = [each for each in entered if each[2]]
    lost = [_without_time(kind, scale, record, values) for record, values, at in entered if not at]
    if kind == "gvhd":
        return _gvhd(participant, scale, timed, lost)
    graded, episodes = _graded(kind, timed, zone)
    local = {record: at for record, _, at in timed}
    numbers = {row.record: each.number for each in episodes for row in each.assessments}
    rows = [_row(kind, record, values, at, graded[record], numbers.get(str(record))) for record, values, at in timed]
    shown = tuple(_episode_row(participant, scale, each, local) for each in episodes)
    built = tuple((row.id, each) for row, each in zip(shown, episodes, strict=True))
    return ScaleCourse(tuple(sorted([*rows, *lost], key=_order)), shown, built)


Timed = Sequence[tuple[UUID, RecordValues, str]]


def _graded(kind: str, timed: Timed, zone: ZoneInfo) -> tuple[dict[UUID, Grading], tuple[Episode, ...]]:
    placed = [(instant(datetime.fromisoformat(at), zone), record, values) for record, values, at in timed]
    if kind == "crs":
        course = grade_crs_course((at, read_crs(values), str(record)) for at, record, values in placed)
        return {UUID(row.record): row.grading for row in course.assessments}, course.episodes
    rows = [Assessment(at, grade_alone(kind, values), str(record)) for at, record, values in placed]
    return {UUID(row.record): row.grading for row in rows}, build_episodes(rows)


def _gvhd(participant: UUID, scale: str, timed: Timed, lost: list[GradedRow]) -> ScaleCourse:
    graded = [(record, values, at, grade_alone("gvhd", values)) for record, values, at in timed]
    by_day: dict[date, Grading] = {}
    for _, _, at, grading in graded:
        on = date.fromisoformat(at[:10])
        held = by_day.get(on)
        by_day[on] = grading if held is None or grading.at_least > held.at_least else held
    present = [on for on, grading in sorted(by_day.items()) if grading.at_least > 0]
    number = 1 if present else None
    rows = [_row("gvhd", record, values, at, grading, number) for record, values, at, grading in graded]
    episodes: tuple[EpisodeRow, ...] = ()
    if present:
        peak = max(by_day.values(), key=lambda each: each.at_least)
        last, final = max(by_day.items())
        ended = last.isoformat() if final.grade == 0 else ""
        identity = episode_id(participant, scale, 1)
        episodes = (EpisodeRow(identity, 1, present[0].isoformat(), ended, peak.at_least, peak.working),)
    return ScaleCourse(tuple(sorted([*rows, *lost], key=_order)), episodes, by_day=tuple(sorted(by_day.items())))


def _order(row: GradedRow) -> tuple[str, str]:
    return row.at, str(row.record)


def _without_time(kind: str, scale: str, record: UUID, values: RecordValues) -> GradedRow:
    """An assessment whose time is not recorded has no place in the course: not evaluable, whatever it shows."""
    alone = grade_alone(kind, values)
    words = f"{scale} not evaluable, at least grade {alone.at_least}: {NO_TIME} not recorded; known: {alone.working}"
    grading = replace(alone, grade=None, evaluable=False, working=words, missing=(NO_TIME, *alone.missing))
    return _row(kind, record, values, "", grading, None)


def _row(kind: str, record: UUID, values: RecordValues, at: str, grading: Grading, episode: int | None) -> GradedRow:
    return GradedRow(record, at, grading, score_of(kind, values), episode, _findings(values, grading))


def _findings(values: RecordValues, grading: Grading) -> dict[str, object]:
    """What was found, as text, beside what the grading says of itself."""
    entered = {name: str(value) for name, value in values.items.items() if not isinstance(value, Blank)}
    return {
        "entered": entered,
        "at_least": grading.at_least,
        "at_most": grading.at_most,
        "missing": list(grading.missing),
        "would_raise": list(grading.would_raise),
        "warnings": [str(notice) for notice in grading.warnings],
        "source": grading.source,
        "certainty": grading.certainty,
    }


def _episode_row(participant: UUID, scale: str, episode: Episode, local: dict[UUID, str]) -> EpisodeRow:
    ended = "" if episode.ended is None else _text_at(episode, episode.ended, local)
    return EpisodeRow(
        episode_id(participant, scale, episode.number),
        episode.number,
        local[UUID(episode.assessments[0].record)],
        ended,
        episode.at_least,
        episode.peak.grading.working,
    )


def _text_at(episode: Episode, at: datetime, local: dict[UUID, str]) -> str:
    """The wall time as it was entered at the assessment that ended the episode."""
    return next(local[UUID(row.record)] for row in reversed(episode.assessments) if row.at == at)
