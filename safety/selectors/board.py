"""The DLT board: every window with its episodes and candidates, in a constant number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from safety.domain.dlt import TIME_AT_GRADE
from safety.models import AdverseEvent, Assessment, DltCandidate, DltWindow, Episode
from safety.policies import SEES, visible
from trials.models import Infusion, Participant, Study
from trials.records.domain.actors import Actor
from trials.records.services import clock

OUT = (Participant.State.SCREENING, Participant.State.SCREEN_FAILED, Participant.State.TAKEN_BACK)
HIGHEST = 5
Candidate, Pending = DltCandidate.State.CANDIDATE, DltCandidate.State.PENDING


@dataclass(frozen=True, slots=True)
class EpisodeBar:
    """One episode on the axis of days; ``last`` is the last day that is known, ``ongoing`` without an end.

    ``grade`` is the highest that is certain; while it is not ``settled``, an assessment with a blank could raise it.
    """

    scale: str
    grade: int
    first: int
    last: int
    ongoing: bool
    working: str
    settled: bool = True

    @property
    def shown(self) -> str:
        """The grade as it stands on the page."""
        return str(self.grade) if self.settled else f"≥{self.grade}?"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event that rules may still match: ``kind`` is "duration" when all that is open is how long a grade lasts."""

    kind: Literal["duration", "fact"]
    event_kind: str
    day: int | None
    rules: tuple[str, ...]
    waits_for: str
    workings: tuple[str, ...]


@dataclass(slots=True)
class BoardRow:
    """One window: ``day`` counts from the first infusion, None before it; ``status`` is a key of the vocabulary."""

    participant: Participant
    window: DltWindow
    today: date
    status: str = ""
    day: int | None = None
    length: int | None = None
    episodes: list[EpisodeBar] = field(default_factory=list)
    candidates: list[tuple[DltCandidate, int | None]] = field(default_factory=list)

    @property
    def found(self) -> list[tuple[DltCandidate, int | None]]:
        """What waits for a person."""
        return [pair for pair in self.candidates if pair[0].state == Candidate]

    @property
    def waiting(self) -> list[Waiting]:
        """What waits for facts, one line per event."""
        return waiting_lines(self.candidates)

    @property
    def left(self) -> int | None:
        """Days until the window closes; None when it has no end yet."""
        return None if self.window.closes is None else (self.window.closes - self.today).days


@dataclass(frozen=True, slots=True)
class BoardGroup:
    """The windows at one dose level of one arm, those with a candidate first."""

    label: str
    level: int
    rows: tuple[BoardRow, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many windows are treated, evaluable, pending, not evaluable, and how many candidates wait."""
        started = [row for row in self.rows if row.day is not None]
        return {
            "treated": len(started),
            "evaluable": sum(row.window.evaluable is True for row in started),
            "pending": sum(row.window.evaluable is None for row in started),
            "not_evaluable": sum(row.window.evaluable is False for row in started),
            "candidates": sum(found.state == Candidate for row in self.rows for found, _ in row.candidates),
        }


def dlt_board(actor: Actor, study: Study) -> tuple[BoardGroup, ...]:
    """Return the board of a study as far as the actor may see it, highest dose level first."""
    partly = Infusion.objects.filter(participant=OuterRef("participant"), whole=False)
    windows = visible(actor, DltWindow.objects.filter(study=study), SEES)
    windows = windows.exclude(opens=None, participant__state__in=OUT).annotate(partly=Exists(partly))
    windows = windows.select_related("participant__site", "participant__arm", "participant__dose_level")
    episodes = visible(actor, Episode.objects.filter(study=study, scale__in=["CRS", "ICANS"]), SEES)
    candidates = visible(actor, DltCandidate.objects.filter(study=study), SEES)
    candidates = candidates.exclude(state=DltCandidate.State.WITHDRAWN)
    bars: defaultdict[UUID, list[Episode]] = defaultdict(list)
    may_be = _highest_possible(visible(actor, Assessment.objects.filter(study=study), SEES))
    for episode in episodes.order_by("number"):
        bars[episode.participant_id].append(episode)
    found: defaultdict[UUID, list[DltCandidate]] = defaultdict(list)
    for candidate in candidates.order_by("found_at", "id"):
        found[candidate.participant_id].append(candidate)
    events = visible(actor, AdverseEvent.objects.filter(study=study), SEES)
    onsets: dict[UUID, str] = {
        pk: started.isoformat()
        for pk, started, latest in events.filter(pk__in=candidates.values("event_id"))
        .order_by()
        .values_list("record_id", "started_earliest", "started_latest")
        if started is not None and started == latest
    }
    rows = [_row(study, window, bars[window.pk], found[window.pk], onsets, may_be) for window in windows]
    return _grouped(rows)


def _highest_possible(assessments: QuerySet[Assessment]) -> dict[UUID, int]:
    """The highest grade that assessments with a blank still allow, by episode."""
    highest: dict[UUID, int] = {}
    blank = assessments.filter(evaluable=False, episode__isnull=False).order_by()
    for episode, at_most in blank.values_list("episode_id", "findings__at_most"):
        highest[episode] = max(highest.get(episode, 0), HIGHEST if at_most is None else int(at_most))
    return highest


def _row(
    study: Study,
    window: DltWindow,
    episodes: list[Episode],
    candidates: list[DltCandidate],
    onsets: Mapping[UUID, str],
    may_be: Mapping[UUID, int],
) -> BoardRow:
    person = window.participant
    today = clock.local_today(study, person.site.time_zone)
    row = BoardRow(person, window, today)
    if window.opens is not None and today >= window.opens:
        row.length = None if window.closes is None else (window.closes - window.opens).days
        lived = (today - window.opens).days
        row.day = lived if row.length is None else min(lived, row.length)
        row.episodes = [bar for each in episodes if (bar := _bar(each, window.opens, lived, may_be)) is not None]
    starts = {**onsets, **{each.pk: each.started for each in episodes}}
    row.candidates = [(each, _day(starts.get(each.event_id, ""), window.opens)) for each in candidates]
    row.status = status_of(window, candidates, at_risk=bool(getattr(window, "partly", False)))
    return row


def status_of(window: DltWindow, candidates: Iterable[DltCandidate], *, at_risk: bool) -> str:
    """Return the one status that shows; a window with something undecided never reads "closed, no DLT"."""
    states = {each.state for each in candidates}
    if window.state == DltWindow.State.DLT:
        return "dlt"
    if Candidate in states:
        return "candidate"
    if window.state == DltWindow.State.CLOSED and Pending in states:
        return "pending"
    if window.evaluable is False:
        return "not_evaluable"
    if at_risk and window.state in {DltWindow.State.OPEN, DltWindow.State.CLOSING}:
        return "at_risk"
    return str(window.state)


def waiting_lines(pairs: Iterable[tuple[DltCandidate, int | None]]) -> list[Waiting]:
    """Return what waits for facts among candidates and the study days of their events, one line per event."""
    by_event: defaultdict[tuple[str, UUID], list[tuple[DltCandidate, int | None]]] = defaultdict(list)
    for each, day in pairs:
        if each.state == Pending:
            by_event[each.event_kind, each.event_id].append((each, day))
    return [_waiting(found) for found in by_event.values()]


def _waiting(pairs: list[tuple[DltCandidate, int | None]]) -> Waiting:
    rows = sorted((row for row, _ in pairs), key=lambda row: row.rule)
    waits = dict.fromkeys(row.waits_for for row in rows if row.waits_for)
    return Waiting(
        kind="duration" if all(TIME_AT_GRADE in row.waits_for for row in rows) else "fact",
        event_kind=rows[0].event_kind,
        day=pairs[0][1],
        rules=tuple(row.rule for row in rows),
        waits_for="; ".join(waits),
        workings=tuple(row.working for row in rows),
    )


def _day(wall: str, opens: date | None) -> int | None:
    return None if opens is None or not wall else (date.fromisoformat(wall[:10]) - opens).days


def _bar(episode: Episode, opens: date, lived: int, may_be: Mapping[UUID, int]) -> EpisodeBar | None:
    first = _day(episode.started, opens)
    if first is None:
        return None
    ended = _day(episode.ended, opens)
    last = max(first, lived if ended is None else ended)
    settled = may_be.get(episode.pk, 0) <= episode.grade
    return EpisodeBar(episode.scale, episode.grade, first, last, ended is None, episode.working, settled)


def _grouped(rows: Iterable[BoardRow]) -> tuple[BoardGroup, ...]:
    groups: defaultdict[tuple[str, int], list[BoardRow]] = defaultdict(list)
    for row in rows:
        arm, level = row.participant.arm, row.participant.dose_level
        groups[arm.code if arm else "", level.number if level else 0].append(row)
    ordered = sorted(groups.items(), key=lambda pair: (pair[0][0], -pair[0][1]))
    return tuple(
        BoardGroup(_label(found[0].participant), level, tuple(sorted(found, key=_order)))
        for (_, level), found in ordered
    )


def _order(row: BoardRow) -> tuple[bool, date, str]:
    return row.status != "candidate", row.window.opens or date.max, row.participant.number


def _label(person: Participant) -> str:
    level = person.dose_level
    if level is None:
        return ""
    amounts = " + ".join(str(amount) for amount in level.amounts.values())
    return f"{person.arm.code if person.arm else ''} · {amounts} {level.unit}"
