"""Puts a record on the desk: locks it and its participant, checks that it may be written, reads what its rules need."""

from __future__ import annotations

import uuid

from django.db import connection
from django.db.models import QuerySet

from capture.definition.compiled import FormDefinition, FormSet, form_set
from capture.domain.form_plan import dependents, form_plan
from capture.domain.form_states import FORM_STATES
from capture.models import FormRecord
from capture.selectors.seals import lock_scopes
from capture.selectors.surroundings import read_surroundings
from capture.services.sheets import Sheet, moment_of
from capture.services.slots import Slot
from trials.models import Participant
from trials.records.domain.errors import DomainError, refuse
from trials.records.models import Lock
from trials.records.services.act import Act
from trials.records.services.locks import require_unlocked


def as_slot(target: FormRecord | Slot) -> Slot:
    """Return the slot of whatever a service was given."""
    return target if isinstance(target, Slot) else Slot.of(target)


def locked_records() -> QuerySet[FormRecord]:
    """Return records with everything a save needs in one row; the record and its participant are locked."""
    return (
        FormRecord.objects.select_for_update(of=("self", "participant"))
        .select_related("visit", "definition", "participant__study", "participant__site")
        .defer("definition__document")
    )


def open_sheet(slot: Slot, act: Act, *, event: str) -> Sheet:
    """Return the sheet of a slot, locked; ``event`` is what is about to happen to the record."""
    record = _locked(slot) if slot.record is not None else _new(slot, act)
    forms = form_set(record.definition)
    form = _form(forms, record)
    if slot.record is None:
        _refuse_unexpected(forms, record)
    if record.visit is not None and (record.visit.missed or record.visit.cancelled):
        raise _visit_closed(record)
    FORM_STATES.next(record.state, event)
    require_open(lock_scopes(record), act)
    visit = moment_of(record.visit)
    around = read_surroundings(
        record.participant,
        record.definition,
        forms,
        needs=dependents(forms).reads[form.code],
        facts=form.facts,
        doses=form_plan(form).doses,
        visit=visit,
        except_record=record.pk,
    )
    before = record.data
    return Sheet(record, forms, form, around, visit, before, dict(before), is_new=slot.record is None)


def _locked(slot: Slot) -> FormRecord:
    known = slot.record
    record = locked_records().filter(pk=known.pk).first() if known is not None else None
    if record is None:
        raise refuse("unknown", expected="a record", found="none", action="Reload the page.", kind="unknown")
    return record


def _new(slot: Slot, act: Act) -> FormRecord:
    """Return a record that is not stored yet; its participant is locked, so that no other save makes the same one."""
    participant = lock_participant(slot.participant)
    definition = slot.visit.version if slot.visit is not None else participant.version
    form = _form_or_none(form_set(definition), slot.form)
    row = _row(slot, participant, is_log=bool(form and form.is_log))
    return FormRecord(
        id=uuid.uuid4(),
        study_id=participant.study_id,
        site_id=participant.site_id,
        participant=participant,
        visit=slot.visit,
        definition=definition,
        form=slot.form,
        row=row,
        created_at=act.at,
        changed_at=act.at,
    )


def lock_participant(known: Participant) -> Participant:
    """Return the participant as it is stored now, locked; study, site and version are taken over from ``known``."""
    participant = Participant.objects.select_for_update().get(pk=known.pk)
    participant.study = known.study
    if participant.site_id == known.site_id:
        participant.site = known.site
    if participant.version_id == known.version_id and "version" in known._state.fields_cache:
        participant.version = known.version
    return participant


def _row(slot: Slot, participant: Participant, *, is_log: bool) -> int | None:
    """Return the number of the row to make; refused when the form at this place was begun meanwhile."""
    rows, standing = _existing(slot, participant)
    if is_log:
        return max(rows, default=0) + 1
    if standing:
        raise refuse(
            "already_begun",
            expected=f"no {slot.form} yet",
            found="one that somebody saved meanwhile",
            action="Reload the page; your draft is kept.",
            kind="conflict",
        )
    return None if slot.visit is not None else max(rows, default=-1) + 1


def _existing(slot: Slot, participant: Participant) -> tuple[list[int], bool]:
    """Return the rows that were ever made at this place, and whether a record stands there."""
    # Written out, since building this query costs the ORM as much as all the checks of a form cost the save.
    place, key = ("visit_id", slot.visit.pk) if slot.visit is not None else ("participant_id", participant.pk)
    only_logs = "" if slot.visit is not None else " AND visit_id IS NULL"
    sql = f"SELECT row, state FROM {FormRecord._meta.db_table} WHERE {place} = %s AND form = %s{only_logs}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [_uuid(key), slot.form])
        found = cursor.fetchall()
    return [row for row, _ in found if row is not None], any(state != FormRecord.State.REMOVED for _, state in found)


def _uuid(key: uuid.UUID) -> str | uuid.UUID:
    adapted: str | uuid.UUID = FormRecord._meta.pk.get_db_prep_value(key, connection)
    return adapted


def require_open(scopes: list[tuple[str, str]], act: Act) -> None:
    """Refuse at the end of the act, under the lock of its chain, when anything covers the scopes."""

    def look() -> None:
        marks = ", ".join(["%s"] * len(scopes))
        sql = f"SELECT 1 FROM {Lock._meta.db_table} WHERE lifted_at IS NULL AND scope_id IN ({marks})"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, [key for _, key in scopes])
            held = cursor.fetchone()
        if held is not None:
            require_unlocked(scopes)

    act.closing.append(look)


def _form_or_none(forms: FormSet, code: str) -> FormDefinition | None:
    return forms.forms.get(code)


def _form(forms: FormSet, record: FormRecord) -> FormDefinition:
    form = _form_or_none(forms, record.form)
    if form is None:
        raise refuse(
            "unknown_form",
            expected=f"one of {', '.join(forms.forms)}",
            found=record.form,
            action="Choose a form of this study version.",
        )
    return form


def _refuse_unexpected(forms: FormSet, record: FormRecord) -> None:
    """A form is filled in only where the schedule has it, for whichever population."""
    kind = "visit" if record.visit is not None else ("log" if forms.forms[record.form].is_log else "once")
    slots = [slot for slot in forms.slots if slot.form == record.form]
    if any(slot.kind == kind and (record.visit is None or record.visit.code in slot.visits) for slot in slots):
        return
    places = [", ".join(slot.visits) if slot.kind == "visit" else slot.kind for slot in slots]
    raise refuse(
        "not_scheduled",
        expected=f"{record.form} at {'; '.join(places) or 'no visit'}",
        found=record.visit.code if record.visit is not None else "outside visits",
        action="Open the form where the schedule has it, or add an unscheduled visit.",
    )


def _visit_closed(record: FormRecord) -> DomainError:
    visit = record.visit
    word = "missed" if visit is not None and visit.missed else "cancelled"
    return refuse(
        "visit_not_open",
        expected="a visit that takes place",
        found=f"{visit} is {word}",
        action="Take that back first, if the visit took place.",
        kind="conflict",
    )
