"""Puts a record on the desk: locks it and its participant, checks that it may be written, reads what its rules need."""

from __future__ import annotations

import uuid

from django.db.models import Max, QuerySet

from capture.definition.compiled import FormDefinition, FormSet, form_set
from capture.domain.form_plan import dependents
from capture.domain.form_states import FORM_STATES
from capture.models import FormRecord
from capture.selectors.surroundings import read_surroundings
from capture.services.sheets import Sheet, moment_of
from capture.services.slots import Slot
from trials.models import Participant
from trials.records.domain.errors import DomainError, refuse
from trials.records.services.act import Act
from trials.records.services.locks import require_unlocked

_PARTICIPANT = ("study", "site", "version", "arm", "dose_level")


def as_slot(target: FormRecord | Slot) -> Slot:
    """Return the slot of whatever a service was given."""
    return target if isinstance(target, Slot) else Slot.of(target)


def locked_records() -> QuerySet[FormRecord]:
    """Return records with everything a save needs in one row; the record and its participant are locked."""
    return (
        FormRecord.objects.select_for_update(of=("self", "participant"))
        .select_related("visit", "definition", *(f"participant__{name}" for name in _PARTICIPANT))
        .defer("definition__document", "participant__version__document")
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
    scopes = lock_scopes(record)
    act.closing.append(lambda: require_unlocked(scopes))
    visit = moment_of(record.visit)
    around = read_surroundings(
        record.participant,
        record.definition,
        forms,
        needs=dependents(forms).reads[form.code],
        visit=visit,
        except_record=record.pk,
    )
    before = record.data
    return Sheet(record, forms, form, around, visit, before, dict(before), is_new=slot.record is None)


def lock_scopes(record: FormRecord) -> list[tuple[str, str]]:
    """Return everything whose lock covers a record."""
    scopes = [
        ("FormRecord", str(record.pk)),
        ("Participant", str(record.participant_id)),
        ("Site", str(record.site_id)),
        ("Study", str(record.study_id)),
    ]
    return [*scopes, ("Visit", str(record.visit_id))] if record.visit_id else scopes


def _locked(slot: Slot) -> FormRecord:
    known = slot.record
    record = locked_records().filter(pk=known.pk if known is not None else None).first()
    if record is None:
        raise refuse("unknown", expected="a record", found="none", action="Reload the page.", kind="unknown")
    return record


def _new(slot: Slot, act: Act) -> FormRecord:
    """Return a record that is not stored yet; its participant is locked, so that no other save makes the same one."""
    participant = (
        Participant.objects.select_for_update(of=("self",))
        .select_related(*_PARTICIPANT)
        .defer("version__document")
        .get(pk=slot.participant.pk)
    )
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


def _row(slot: Slot, participant: Participant, *, is_log: bool) -> int | None:
    existing = FormRecord.objects.filter(participant=participant, form=slot.form, visit=slot.visit)
    if is_log:
        return (existing.aggregate(most=Max("row"))["most"] or 0) + 1
    if existing.exclude(state=FormRecord.State.REMOVED).exists():
        raise refuse(
            "already_begun",
            expected=f"no {slot.form} yet",
            found="one that somebody saved meanwhile",
            action="Reload the page; your draft is kept.",
            kind="conflict",
        )
    if slot.visit is not None:
        return None
    return (existing.aggregate(most=Max("row"))["most"] or -1) + 1 if existing.exists() else 0


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
