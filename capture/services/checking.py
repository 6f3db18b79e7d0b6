"""What a save would show, without writing anything: for the page's field-exit endpoint."""

from __future__ import annotations

from capture.definition.compiled import form_set
from capture.domain.form_plan import dependents, form_plan
from capture.domain.messages import Message
from capture.domain.values import display
from capture.models import FormRecord
from capture.projections import registry
from capture.selectors.surroundings import read_surroundings
from capture.services.changes import Changes, find_item, refused_by_rules, take_changes
from capture.services.opening import as_slot
from capture.services.results import Preview
from capture.services.sheets import Sheet, moment_of
from capture.services.slots import Slot
from trials.domain.roles import Permission
from trials.policies import require
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, refuse
from trials.records.services import clock


def check_items(target: FormRecord | Slot, changes: Changes, *, actor: Actor) -> Preview:
    """Return the messages, derived values, shown items and previews that these changes would give; writes nothing."""
    slot = as_slot(target)
    require(actor, Permission.VIEW_RECORDS, slot.record if slot.record is not None else slot.participant)
    sheet = read_sheet(slot)
    participant = slot.participant
    today = clock.local_today(participant.study, participant.site.time_zone)
    refusals = take_changes(sheet, changes, today=today)
    sheet.run()
    refusals += [each for each in refused_by_rules(sheet, changes) if each.code == "hidden"]
    return preview_of(sheet, changes, refusals)


def read_sheet(slot: Slot) -> Sheet:
    """Return the sheet of a slot as it is stored, unlocked, for showing and checking."""
    record = slot.record or FormRecord(
        study_id=slot.participant.study_id,
        site_id=slot.participant.site_id,
        participant=slot.participant,
        visit=slot.visit,
        definition=slot.definition,
        form=slot.form,
    )
    forms = form_set(record.definition)
    form = forms.forms.get(record.form)
    if form is None:
        raise refuse(
            "unknown_form", expected="a form of this study version", found=record.form, action="Reload the page."
        )
    visit = moment_of(record.visit)
    around = read_surroundings(
        record.participant,
        record.definition,
        forms,
        needs=dependents(forms).reads[form.code],
        facts=form.facts,
        doses=form_plan(form).doses,
        visit=visit,
        except_record=slot.record.pk if slot.record is not None else None,
    )
    return Sheet(record, forms, form, around, visit, record.data, dict(record.data), is_new=slot.record is None)


def preview_of(sheet: Sheet, changes: Changes, refusals: list[Refusal]) -> Preview:
    """Return what a sheet shows after its rules ran."""
    messages: dict[str, tuple[Message, ...]] = {}
    for message in (*map(_message, refusals), *sheet.found.messages):
        messages[message.path] = (*messages.get(message.path, ()), message)
    context = sheet.context(sheet.offers())
    projection = registry.get(sheet.form.binds) if sheet.form.binds else None
    derived = {path: sheet.data.get(path) for path in sheet.found.derived}
    refused = {each.where for each in refusals}
    accepted = {path: sheet.data.get(path) for path in changes if path not in refused}
    return Preview(
        messages=messages,
        derived=derived,
        shown=dict(sheet.found.shown),
        required=frozenset(sheet.found.required),
        previews=tuple(projection.preview(sheet.values(), context)) if projection is not None else (),
        waits=dict(sheet.found.waits),
        accepted=accepted,
        display={path: _display(sheet, path) for path in (*derived, *accepted)},
    )


def _message(refusal: Refusal) -> Message:
    text = f"Found {refusal.found}." if refusal.found else ""
    return Message(refusal.where, "refusal", refusal.code, text, refusal.expected, refusal.action)


def _display(sheet: Sheet, path: str) -> str:
    item = find_item(sheet.form, path)
    return display(item, sheet.data.get(path)) if item is not None else ""
