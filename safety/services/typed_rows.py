"""Writing the typed rows of adverse events and assessments, inside the act that saved the record.

The rows are rebuildable from the records, so their contents are not noted a second time. One thing is: that saving one
record changed the grade of another one, since nobody touched that other record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Model

from capture.models import FormRecord
from capture.projections.registry import RecordValues
from safety.domain.causality import is_related
from safety.models import AdverseEvent, AeGrade, Assessment, Episode
from safety.services.courses import EpisodeRow, GradedRow, ScaleCourse, grade_course
from safety.services.readings import KINDS, Raised, course_rows, onset, plain_items, read_adverse_event, span, text_of
from safety.services.records import read_bound
from safety.terms.ctcae import find_term, is_haematological
from trials.models import Participant
from trials.records.services.act import Act

Row = TypeVar("Row", bound=Model)
EPISODE_FIELDS = ("study_id", "site_id", "started", "ended", "grade", "working")
ASSESSMENT_FIELDS = (
    "study_id", "site_id", "episode_id", "at", "time_zone", "grade", "evaluable", "score", "working", "rule",
    "findings",
)  # fmt: skip


def replace_adverse_event(record: FormRecord, values: RecordValues) -> None:
    """Replace the typed row of one adverse event and the periods of its course; a removed record leaves none."""
    held = AdverseEvent.objects.filter(pk=record.pk).first()
    if values.removed:
        if held is not None:
            held.delete()
        return
    row = AdverseEvent(record_id=record.pk, **_event_fields(record, values))
    if held is None:
        row.save(force_insert=True)
    elif _differs(held, row):
        row.save(force_update=True)
    _replace_course(record.pk, course_rows(values), known=held is not None)


def _event_fields(record: FormRecord, values: RecordValues) -> dict[str, Any]:
    event = read_adverse_event(values, complete=record.state == FormRecord.State.COMPLETE)
    items = plain_items(values)
    term = find_term(event.term) if event.term else None
    started, ended = span(items.get("START")), span(items.get("END"))
    return {
        "study_id": record.study_id,
        "site_id": record.site_id,
        "participant_id": record.participant_id,
        "number": record.row or 0,
        "text": text_of(items.get("TERM"))[:400],
        "term": (event.term or "")[:200],
        "organ_class": term.organ_class if term else "",
        "started": onset(values),
        "started_earliest": started[0],
        "started_latest": started[1],
        "phase": event.phase or "",
        "ended": text_of(items.get("END")),
        "ended_earliest": ended[0],
        "ended_latest": ended[1],
        "ongoing": event.ongoing,
        "outcome": text_of(items.get("OUTCOME")),
        "grade": event.grade,
        "serious": event.seriousness.serious,
        "serious_because": [criterion.name for criterion in event.seriousness.criteria],
        "causes": {agent: None if cause is None else cause.name for agent, cause in event.causes.items()},
        "related": is_related(event.causes),
        "haematological": is_haematological(event.term),
        "working": event_working(event.grade, course_rows(values), blank=_blank_rows(values)),
    }


def _blank_rows(values: RecordValues) -> int:
    return len(values.row_list("GRADE")) - len(course_rows(values))


def event_working(grade: int | None, course: Sequence[Raised], *, blank: int = 0) -> str:
    """One sentence: the highest grade of the course, and what is missing; never a grade where none is recorded.

    >>> event_working(None, ())
    'Grade not recorded'
    """
    missing = f"; {blank} grade{'s' if blank > 1 else ''} of the course not recorded" if blank else ""
    if grade is None:
        return f"Grade not recorded{missing}"
    steps = ", ".join(f"{row.grade} from {row.since or 'a date not recorded'}" for row in course)
    return f"Grade {grade}: the highest of its course ({steps}){missing}"


def _replace_course(event: UUID, course: Sequence[Raised], *, known: bool) -> None:
    held = {row.row: row for row in AeGrade.objects.filter(event_id=event)} if known else {}
    fresh: list[AeGrade] = []
    changed: list[AeGrade] = []
    for each in course:
        row = AeGrade(
            event_id=event, row=each.row, grade=each.grade,
            since=each.since, since_earliest=each.earliest, since_latest=each.latest,
        )  # fmt: skip
        old = held.pop(each.row, None)
        if old is None:
            fresh.append(row)
            continue
        row.pk = old.pk
        if _differs(old, row):
            changed.append(row)
    AeGrade.objects.bulk_create(fresh)
    if changed:
        AeGrade.objects.bulk_update(changed, ["grade", "since", "since_earliest", "since_latest"])
    if held:
        AeGrade.objects.filter(pk__in=[row.pk for row in held.values()]).delete()


def regrade(participant: Participant, kind: str, form: str, *, act: Act, saved: UUID) -> None:
    """Grade all assessments of one scale again and replace its rows and episodes; one read of the records."""
    scale = KINDS[kind]
    records = read_bound([participant.pk], [], forms=[form]).get(participant.pk, [])
    zone = ZoneInfo(participant.site.time_zone)
    course = grade_course(participant.pk, kind, scale, [(each.id, each.values) for each in records], zone)
    _replace_scale(participant, scale, course, act=act, saved=saved)


def _replace_scale(participant: Participant, scale: str, course: ScaleCourse, *, act: Act, saved: UUID) -> None:
    episodes = [_episode(participant, scale, row) for row in course.episodes]
    held_episodes = {row.pk: row for row in Episode.objects.filter(participant=participant, scale=scale)}
    _upsert(Episode, episodes, held_episodes, EPISODE_FIELDS)
    ids = {row.number: row.id for row in course.episodes}
    rows = [_assessment(participant, scale, row, ids) for row in course.rows]
    held = {row.pk: row for row in Assessment.objects.filter(participant=participant, scale=scale)}
    before = dict(held)
    _upsert(Assessment, rows, held, ASSESSMENT_FIELDS)
    if held:
        Assessment.objects.filter(pk__in=list(held)).delete()
    if held_episodes:
        Episode.objects.filter(pk__in=list(held_episodes)).delete()
    _note_others(rows, before, act, saved=saved)


def _upsert(model: type[Row], rows: Iterable[Row], held: dict[UUID, Row], fields: Sequence[str]) -> None:
    """Insert what is new and update what differs; what remains in ``held`` is no longer stated by any record."""
    fresh: list[Row] = []
    changed: list[Row] = []
    for row in rows:
        old = held.pop(row.pk, None)
        if old is None:
            fresh.append(row)
        elif _differs(old, row):
            changed.append(row)
    manager = model._default_manager
    if fresh:
        manager.bulk_create(fresh)
    if changed:
        manager.bulk_update(changed, [name.removesuffix("_id") for name in fields])


def _differs(old: Model, new: Model) -> bool:
    names = [field.attname for field in new._meta.concrete_fields]
    return any(getattr(old, name) != getattr(new, name) for name in names)


def _episode(participant: Participant, scale: str, row: EpisodeRow) -> Episode:
    return Episode(
        id=row.id,
        study_id=participant.study_id,
        site_id=participant.site_id,
        participant_id=participant.pk,
        scale=scale,
        number=row.number,
        started=row.started,
        ended=row.ended,
        grade=row.at_least,
        working=row.working,
    )


def _assessment(participant: Participant, scale: str, row: GradedRow, episodes: Mapping[int, UUID]) -> Assessment:
    return Assessment(
        record_id=row.record,
        study_id=participant.study_id,
        site_id=participant.site_id,
        participant_id=participant.pk,
        episode_id=episodes[row.episode] if row.episode is not None else None,
        scale=scale,
        at=row.at,
        time_zone=participant.site.time_zone,
        grade=row.grading.grade,
        evaluable=row.grading.evaluable,
        score=row.score,
        working=row.grading.working,
        rule=row.grading.rule_id,
        findings=row.findings,
    )


def _note_others(rows: Sequence[Assessment], before: Mapping[UUID, Assessment], act: Act, *, saved: UUID) -> None:
    for row in rows:
        old = before.get(row.pk)
        if old is None or row.pk == saved or old.grade == row.grade:
            continue
        delta = {"grade": [_text(old.grade), _text(row.grade)], "working": [old.working, row.working]}
        act.note(
            "Assessment", row.pk, "grade", delta=delta, site=row.site_id, participant=row.participant_id,
            reason="follows another assessment of the same participant",
        )  # fmt: skip


def _text(grade: int | None) -> str:
    return "not evaluable" if grade is None else str(grade)
