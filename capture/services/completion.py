"""Completing a form, and saying that it or a log has nothing to hold; removing a record."""

from __future__ import annotations

from collections.abc import Mapping

from capture.definition.compiled import form_set
from capture.domain.messages import Message
from capture.models import FormRecord, LogDeclaration
from capture.policies import require_entry
from capture.services.changes import refusal_of
from capture.services.data_entry import finish, stale
from capture.services.opening import as_slot, lock_participant, open_sheet, require_open
from capture.services.query_sync import missing_messages, plan_queries
from capture.services.refreshing import refresh
from capture.services.results import SaveResult
from capture.services.sheets import Sheet
from capture.services.slots import Slot
from trials.models import Participant
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all, refuse
from trials.records.domain.transitions import is_reason, reason_needed
from trials.records.services import clock
from trials.records.services.act import Act, open_act

State = FormRecord.State


def complete_record(
    record: FormRecord, *, actor: Actor, expected_version: int, explanations: Mapping[str, str] | None = None
) -> SaveResult:
    """Complete a form: all rules run; every missing required item and every hard check is listed at once.

    ``explanations`` (``path/check``: words) keep a soft failure as an answered query, "data confirmed"; what is left
    unexplained opens its query.
    """
    study = record.participant.study
    with open_act("complete form", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        sheet = open_sheet(Slot.of(record), act, event="complete")
        require_entry(actor, sheet.record)
        if expected_version != sheet.record.version:
            raise stale(sheet, {}, expected_version)
        sheet.run()
        raise_all(_incomplete(sheet, explanations or {}))
        sheet.record.state, sheet.record.ever_completed = State.COMPLETE, True
        plan = plan_queries([sheet], act=act, explanations=explanations)
        reasons = dict.fromkeys(sheet.changed, "brought up to date at completion")
        return finish(sheet, plan, act=act, action="complete", reasons=reasons)


def _incomplete(sheet: Sheet, explanations: Mapping[str, str]) -> list[Refusal]:
    refusals = [_missing(message) for message in missing_messages(sheet)]
    refusals += [refusal_of(message) for message in sheet.found.messages if message.level == "hard"]
    known = {message.key for message in sheet.found.messages if message.level == "soft"}
    for key, words in explanations.items():
        if key not in known:
            refusals.append(
                Refusal("nothing_to_explain", "a soft check that fires", key, "Leave this explanation out.", key)
            )
        elif not is_reason(words):
            refusals.append(Refusal("explanation", "an explanation in words", words.strip() or "none", "Say why.", key))
    return refusals


def _missing(message: Message) -> Refusal:
    label = message.text.removesuffix(" is missing.")
    return Refusal("missing", f"a value for {label}", "nothing", message.action, message.path)


def mark_not_done(
    target: FormRecord | Slot, *, reason: str, actor: Actor, expected_version: int | None = None
) -> SaveResult:
    """Say that a form was not done, with the reason; values that were entered are taken out and stay in the history.

    ``expected_version`` is the version that the page showed; another's save in between is a conflict.
    """
    slot = as_slot(target)
    study = slot.participant.study
    with open_act("mark not done", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        sheet = open_sheet(slot, act, event="mark_not_done")
        require_entry(actor, sheet.record if not sheet.is_new else sheet.record.participant)
        _refuse_stale(sheet, expected_version)
        return _end(sheet, State.NOT_DONE, act=act, action="mark_not_done", reason=reason)


def remove_record(record: FormRecord, *, reason: str, actor: Actor, expected_version: int | None = None) -> SaveResult:
    """Remove a record (a log row, a form begun in error) with a reason; its values stay in the record and the history.

    ``expected_version`` is the version that the page showed; another's save in between is a conflict.
    """
    study = record.participant.study
    with open_act("remove record", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        sheet = open_sheet(Slot.of(record), act, event="remove")
        require_entry(actor, sheet.record)
        _refuse_stale(sheet, expected_version)
        return _end(sheet, State.REMOVED, act=act, action="remove", reason=reason)


def _refuse_stale(sheet: Sheet, expected_version: int | None) -> None:
    if expected_version is not None and expected_version != sheet.record.version:
        raise stale(sheet, {}, expected_version)


def _end(sheet: Sheet, state: State, *, act: Act, action: str, reason: str) -> SaveResult:
    """Take a record out of use: its typed rows go, its queries resolve, what read it is derived again."""
    raise_all([] if is_reason(reason) else [reason_needed(reason)])
    words = reason.strip()
    sheet.record.state, sheet.record.state_reason = state, words
    plan = plan_queries([sheet], act=act)
    gone = dict.fromkeys(sheet.data, words)
    if state == State.NOT_DONE:
        sheet.data.clear()
    return finish(sheet, plan, act=act, action=action, reasons=gone, reason=words, removed=True)


def declare_log_empty(participant: Participant, form: str, *, actor: Actor, nothing: bool = True) -> LogDeclaration:
    """State that a log has nothing to report (or, ``nothing`` false, take that back); refused while it has rows."""
    study = participant.study
    with open_act("declare log", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        locked = lock_participant(participant)
        require_entry(actor, locked)
        _require_empty_log(locked, form)
        scopes = [("Participant", str(locked.pk)), ("Site", str(locked.site_id)), ("Study", str(locked.study_id))]
        require_open(scopes, act)
        held = LogDeclaration.objects.filter(participant=locked, form=form).first()
        before = held.nothing if held is not None else None
        if held is not None and before == nothing:
            return held
        declaration, _ = LogDeclaration.objects.update_or_create(
            participant=locked, form=form, defaults={"nothing": nothing}
        )
        new = [str(nothing)] if before is None else [str(before), str(nothing)]
        delta = {"participant_id": [str(locked.pk)], "form": [form], "nothing": new}
        act.note("LogDeclaration", declaration.pk, "declare", delta=delta, site=locked.site_id, participant=locked.pk)
        refresh(locked, locked.version, form=form, items=(), act=act, because=f"follows {form}, declared empty")
        return declaration


def _require_empty_log(participant: Participant, form: str) -> None:
    definition = form_set(participant.version).forms.get(form)
    if definition is None or not definition.is_log:
        raise refuse("not_a_log", expected="a log of this study", found=form, action="Choose a log.", where=form)
    rows = FormRecord.objects.filter(participant=participant, form=form, visit=None)
    count = rows.exclude(state=State.REMOVED).count()
    if count:
        raise refuse(
            "log_has_rows",
            expected="a log without rows",
            found=f"{count} row{'s' if count != 1 else ''}",
            action="Remove the rows first, each with its reason, if they are wrong.",
            where=form,
        )
