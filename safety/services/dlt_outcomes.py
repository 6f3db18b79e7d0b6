"""What one participant's picture says: the window, the candidates, the alerts that should stand. Writes nothing.

The sweep and the work done after an event both judge through here, and so meet in the same keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from capture.selectors.surroundings import participant_facts
from safety.definition.compiled import DltPlan, safety_plan
from safety.domain.alerts import Alert, AlertKind, alerts_due, withdrawn
from safety.domain.dlt import (
    DltRule,
    Evaluability,
    Judgement,
    Verdict,
    evaluability,
    evaluability_facts,
    judge_all,
)
from safety.domain.episodes import instant
from safety.domain.facts import GradedEvent, Kind, adverse_event_facts, episode_facts, gvhd_facts
from safety.domain.windows import CLOSING_FROM, DAYS, DltWindow, WindowState
from safety.models import DltCandidate
from safety.services.courses import episode_id, grade_course
from safety.services.dlt_pictures import Picture
from safety.services.readings import read_adverse_event
from safety.terms.ctcae import is_haematological
from trials.definition.compiled import trial_definition
from trials.domain.dates_local import local_date, local_minute
from trials.models import Participant
from trials.records.domain.expressions import MappingContext, Range
from trials.records.models import Notification

CLAUSE = re.compile(r"(hours|days)_at_grade\((\d)\)")
NO_LONGER = "the alert no longer holds"
OUT_OF_STUDY = frozenset({Participant.State.TAKEN_BACK, Participant.State.SCREEN_FAILED})


@dataclass(frozen=True, slots=True)
class Found:
    """One rule that matches, or may still match, one event."""

    rule: str
    kind: str
    event: UUID
    state: str
    occurrence: str
    working: str
    waits_for: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What should stand on ``today``: ``gone`` are the keys of alerts to withdraw, by kind."""

    today: date
    window: DltWindow
    state: WindowState
    evaluability: Evaluability
    found: tuple[Found, ...]
    alerts: tuple[Alert, ...]
    gone: tuple[tuple[str, str], ...]

    @property
    def evaluable(self) -> bool | None:
        """True, False, or None while it is open."""
        return {Evaluability.EVALUABLE: True, Evaluability.NOT_EVALUABLE: False}.get(self.evaluability)


def outcome_of(picture: Picture, today: date) -> Outcome:
    """Judge one participant on a local date of the site."""
    person = picture.participant
    plan = safety_plan(person.version).dlt
    window = window_of(picture, plan)
    judgements: tuple[Judgement, ...] = ()
    graded: dict[str, GradedEvent] = {}
    if person.state not in OUT_OF_STUDY:
        events = tuple(events_of(picture, today))
        graded = {event.id: event for event in events}
        rules = [DltRule(rule.name, rule.of, rule.when, frozenset(rule.excepted)) for rule in plan.rules]
        judgements = judge_all(rules, events, window, participant_facts(person, person.version))
    raised = raised_keys(picture)
    alerts = alerts_due(window, today, has_day_28_assessment=picture.assessed, candidates=judgements, raised=raised)
    found = tuple(_found(judgements, graded, window, alerts))
    ended = person.died_on or person.ended_on
    dose = whole(picture)
    facts = evaluability_facts(window, today=today, had_dlt=False, dose=dose, followed_until=ended)
    return Outcome(
        today=today,
        window=window,
        state=window.state(today),
        evaluability=evaluability(
            plan.evaluable.evaluate(MappingContext(facts=facts)),
            window.state(today),
            had_dlt=False,
            left=ended is not None and ended <= today,
            dose=dose,
            undecided=bool(found),
        ),
        found=found,
        alerts=alerts,
        gone=tuple(_gone(picture, alerts, raised, found)),
    )


def window_of(picture: Picture, plan: DltPlan) -> DltWindow:
    """The DLT window from the participant's infusions."""
    person = picture.participant
    last = plan.starts == "last infusion"
    minute = _last_minute(picture) if last else person.infused_at
    zone = ZoneInfo(person.site.time_zone)
    out = person.state in OUT_OF_STUDY
    return DltWindow(
        first_on=None if out else (person.last_infused_on if last else person.infused_on),
        last_on=None if out else person.last_infused_on,
        zone=zone,
        first_at=instant(datetime.fromisoformat(minute), zone) if "T" in minute else None,
        complete=is_complete(picture),
        days=plan.days_after_last,
        closing_from=max(0, plan.days_after_last - (DAYS - CLOSING_FROM)),
    )


def _last_minute(picture: Picture) -> str:
    on = picture.participant.last_infused_on
    return min((local_minute(each[0]) for each in picture.infusions if local_date(each[0]) == on), default="")


def is_complete(picture: Picture) -> bool:
    """Whether every product of the arm was infused; until then the window has no end.

    An infusion whose product is not recorded is none of them. The number of infusions in a study file is the most there
    may be, so a further one of the same product moves the end of the window when it happens, and is not waited for [R].
    """
    person = picture.participant
    given = [product for started, product, _ in picture.infusions if local_date(started) is not None]
    arm = trial_definition(person.version).arms.get(person.arm.code) if person.arm is not None else None
    if arm is None:
        return True
    return set(arm.products) <= set(given)


def whole(picture: Picture) -> bool | None:
    """Whether the whole planned dose was given, by what was answered for each infusion; None while one is blank."""
    answers = [answer for _, _, answer in picture.infusions]
    if not answers:
        return None
    return False if False in answers else (None if None in answers else True)


def events_of(picture: Picture, today: date) -> Iterator[GradedEvent]:
    """Every graded event of a participant as rules see it."""
    person = picture.participant
    zone = ZoneInfo(person.site.time_zone)
    infused_at = datetime.fromisoformat(person.infused_at) if "T" in person.infused_at else None
    for record in picture.records:
        if record.kind == "adverse_event":
            event = read_adverse_event(record.values, infused_at=infused_at, complete=record.complete)
            yield adverse_event_facts(event, str(record.id), today=today, haematological=is_haematological)
    scales: tuple[tuple[str, Kind], ...] = (("crs", "CRS"), ("icans", "ICANS"), ("gvhd", "GVHD"))
    for kind, scale in scales:
        rows = [(record.id, record.values) for record in picture.records if record.kind == kind]
        course = grade_course(person.pk, kind, scale, rows, zone) if rows else None
        if course is None:
            continue
        if kind == "gvhd" and course.by_day:
            yield gvhd_facts(dict(course.by_day), str(episode_id(person.pk, scale, 1)))
        for identity, episode in course.built:
            yield episode_facts("CRS" if kind == "crs" else "ICANS", episode, str(identity), zone=zone)


def raised_keys(picture: Picture) -> dict[str, bool]:
    """Keys of alerts raised so far, True when withdrawn.

    A candidate's row holds the occurrence that stands; what its other notifications say is past. A window's alert is
    past when a row of it was withdrawn by us, not when a recipient lost his scope.
    """
    current = {
        f"{AlertKind.CANDIDATE}:{row.event_id}:{row.rule}:{row.occurrence}": row.state != DltCandidate.State.CANDIDATE
        for row in picture.candidates
        if row.occurrence
    }
    found = dict(current)
    for row in picture.raised:
        if row.kind == AlertKind.CANDIDATE:
            found.setdefault(row.key, True)
        else:
            ours = row.state == Notification.State.WITHDRAWN and row.because == NO_LONGER
            found[row.key] = found.get(row.key, False) or ours
    return found


def times_of(working: str, event: GradedEvent, window: DltWindow) -> str:
    """The times at a grade that the sentence of a rule speaks of; of an event known by dates only once it is over.

    An ongoing event known by dates grows every day, which would rewrite the sentence every day.
    """
    times = event.times(window)
    said = []
    for unit, grade in dict.fromkeys(CLAUSE.findall(working)):
        found = times[int(grade), unit]
        if isinstance(found, Range) and event.course.line == "days":
            said.append(f"at grade {grade} or above, not yet over")
            continue
        low = found.lo if isinstance(found, Range) else found
        open_end = " so far" if isinstance(found, Range) else ""
        amount = f"{low or 0:.2f}".rstrip("0").rstrip(".")
        said.append(f"{amount} {unit} at grade {grade} or above{open_end}")
    return "; ".join(said)


def _found(
    judgements: tuple[Judgement, ...],
    events: Mapping[str, GradedEvent],
    window: DltWindow,
    alerts: tuple[Alert, ...],
) -> Iterator[Found]:
    occurrences = {alert.key.rpartition(":")[0]: alert.key.rpartition(":")[2] for alert in alerts}
    for each in judgements:
        if each.verdict is Verdict.NO:
            continue
        is_candidate = each.verdict is Verdict.CANDIDATE
        waits = "the rule could not be evaluated" if each.verdict is Verdict.FAULT else ", ".join(each.waits_for)
        event = events[each.event]
        times = times_of(each.working, event, window)
        yield Found(
            rule=each.rule,
            kind=event.kind,
            event=UUID(each.event),
            state=DltCandidate.State.CANDIDATE if is_candidate else DltCandidate.State.PENDING,
            occurrence=occurrences.get(f"{AlertKind.CANDIDATE}:{each.pair}", "") if is_candidate else "",
            working=f"{each.working} ({times})" if times else each.working,
            waits_for="" if is_candidate else waits[:200],
        )


def _gone(
    picture: Picture, alerts: tuple[Alert, ...], raised: Mapping[str, bool], found: tuple[Found, ...]
) -> Iterator[tuple[str, str]]:
    """Keys that still stand unread in somebody's inbox although the alert no longer holds."""
    unread = {
        (row.kind, row.key)
        for row in picture.raised
        if row.state != Notification.State.WITHDRAWN and not row.acknowledged
    }
    stale = set(withdrawn(alerts, raised))
    matching = {f"{each.event}:{each.rule}" for each in found if each.state == DltCandidate.State.CANDIDATE}
    for kind, key in sorted(unread):
        pair = key.removeprefix(f"{AlertKind.CANDIDATE}:").rpartition(":")[0]
        if (key in stale) if kind != AlertKind.CANDIDATE else (pair not in matching):
            yield kind, key
