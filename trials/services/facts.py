"""Facts that form records state, projected inside the act that saves the record.

Each function replaces what one record states, so applying it twice changes nothing and None (or no rows) takes it back.
A fact is recorded even when it should not have happened: that makes a deviation draft, never a refusal.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from trials.domain.dates_local import local_date, local_minute
from trials.domain.facts import (
    ConsentFact,
    DeathFact,
    DemographicsFact,
    DeviationFact,
    DispositionFact,
    InfusionFact,
    LymphodepletionFact,
)
from trials.models import Consent, Infusion, Participant, Visit
from trials.records.services.act import Act
from trials.services.anchoring import judge_visits, save_participant
from trials.services.deviations import Ground, Key, judge_deviations, record_deviation
from trials.services.noting import Shown, note_created, note_removed, save_changes, shown
from trials.services.participants import settle_state

LYMPHODEPLETION = "LYMPHODEPLETION"


def apply_consent(participant: Participant, record_id: uuid.UUID, fact: ConsentFact | None, *, act: Act) -> None:
    """Replace what one consent record states; the participant consented on the earliest day signed."""
    row, before = _begin(participant)
    _replace_consent(row, record_id, fact, act)
    signed = [local_date(each) for each in Consent.objects.filter(participant=row).values_list("signed", flat=True)]
    row.consented_on = min((day for day in signed if day is not None), default=None)
    _finish(participant, row, before, act, "consent")


def _replace_consent(participant: Participant, record_id: uuid.UUID, fact: ConsentFact | None, act: Act) -> None:
    row = Consent.objects.filter(pk=record_id, participant=participant).first()
    if fact is None:
        if row is not None:
            row.participant = participant
            note_removed(act, row)
            row.delete()
        return
    before = shown(row) if row is not None else None
    row = row or Consent(record_id=record_id, time_zone=participant.site.time_zone)
    row.participant, row.document, row.signed = participant, fact.document, fact.signed
    if before is None:
        row.save(force_insert=True)
        note_created(act, row)
    else:
        save_changes(act, row, before)


def apply_demographics(
    participant: Participant, record_id: uuid.UUID, fact: DemographicsFact | None, *, act: Act
) -> None:
    """Replace sex and date of birth."""
    del record_id
    row, before = _begin(participant)
    row.sex, row.birth_date = (fact.sex, fact.birth_date) if fact is not None else ("", "")
    _finish(participant, row, before, act, "demographics")


def apply_condition(participant: Participant, record_id: uuid.UUID, condition: str | None, *, act: Act) -> None:
    """Replace the condition, a code of the study version."""
    del record_id
    row, before = _begin(participant)
    row.condition = condition or ""
    _finish(participant, row, before, act, "condition")


def apply_lymphodepletion(
    participant: Participant, record_id: uuid.UUID, fact: LymphodepletionFact | None, *, act: Act
) -> None:
    """Judge lymphodepletion against enrolment: given without it, it is a deviation."""
    del record_id
    row, _ = _begin(participant)
    started = fact.first_on if fact is not None else None
    key: Key = (None, LYMPHODEPLETION)
    grounds: dict[Key, Ground] = {}
    if started is not None and (row.enrolled_on is None or row.enrolled_on > started):
        grounds[key] = Ground(started, f"Lymphodepletion on {started} without being enrolled.")
    judge_deviations(row, grounds, judged=[key], act=act)


def apply_infusions(participant: Participant, record_id: uuid.UUID, rows: Sequence[InfusionFact], *, act: Act) -> None:
    """Replace the infusions of one record and move Day 0, the last infusion and the state with them."""
    row, before = _begin(participant)
    _replace_infusions(row, record_id, rows, act)
    starts = [each for each in Infusion.objects.filter(participant=row).values_list("started", flat=True) if each]
    known = sorted((day, local_minute(each)) for each in starts if (day := local_date(each)) is not None)
    row.infused_on = known[0][0] if known else None
    row.last_infused_on = known[-1][0] if known else None
    row.infused_at = min((minute for day, minute in known if minute and day == row.infused_on), default="")
    settle_state(row)
    _finish(participant, row, before, act, "infusion")


def _replace_infusions(participant: Participant, record_id: uuid.UUID, facts: Sequence[InfusionFact], act: Act) -> None:
    existing = {row.row: row for row in Infusion.objects.filter(participant=participant, record_id=record_id)}
    for fact in facts:
        row = existing.pop(fact.row, None)
        before = shown(row) if row is not None else None
        row = row or Infusion(record_id=record_id, row=fact.row, time_zone=participant.site.time_zone)
        row.participant = participant
        row.product, row.lot, row.started, row.ended = fact.product, fact.lot, fact.started, fact.ended
        row.cells, row.dose, row.whole = _to_places(fact.cells, 4), _to_places(fact.dose, 6), fact.whole
        if before is None:
            row.save(force_insert=True)
            note_created(act, row)
        else:
            save_changes(act, row, before)
    for row in existing.values():
        row.participant = participant
        note_removed(act, row)
        row.delete()


def _to_places(value: Decimal | None, places: int) -> Decimal | None:
    """Round to the column's places (half up), so that the note and the row say the same."""
    return None if value is None else value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def apply_disposition(
    participant: Participant, record_id: uuid.UUID, fact: DispositionFact | None, *, act: Act
) -> None:
    """Replace how the study ended; without a date yet it has not ended."""
    del record_id
    row, before = _begin(participant)
    if fact is None or fact.on is None:
        row.ended_on, row.state_reason = None, ""
    else:
        row.ended_on = fact.on
        row.state_reason = "" if fact.completed else fact.reason.strip() or "No reason stated"
    settle_state(row)
    _finish(participant, row, before, act, "disposition")


def apply_death(participant: Participant, record_id: uuid.UUID, fact: DeathFact | None, *, act: Act) -> None:
    """Replace the day of death; taken back, the state is again what the other facts make it."""
    del record_id
    row, before = _begin(participant)
    row.died_on = fact.on if fact is not None else None
    settle_state(row)
    _finish(participant, row, before, act, "death")


def apply_deviation(participant: Participant, record_id: uuid.UUID, fact: DeviationFact | None, *, act: Act) -> None:
    """Replace the deviation that one record states, and judge again the visits that it speaks of."""
    row, _ = _begin(participant)
    touched = record_deviation(row, record_id, fact, act=act)
    visits = Visit.objects.select_for_update().filter(pk__in=[visit for visit, _kind in touched if visit is not None])
    judge_visits(row, list(visits.order_by("pk")), act=act)


def _begin(participant: Participant) -> tuple[Participant, Shown]:
    """Lock the participant's row: facts of two records saved at once must not overwrite each other."""
    rows = Participant.objects.select_for_update(of=("self",)).select_related("study", "site")
    row = rows.get(pk=participant.pk)
    return row, shown(row)


def _finish(participant: Participant, row: Participant, before: Shown, act: Act, action: str) -> None:
    """Write, note and re-anchor; the caller's instance learns what changed."""
    save_participant(act, row, before, action=action)
    for name in shown(row):
        setattr(participant, name, getattr(row, name))
