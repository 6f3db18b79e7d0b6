"""Saving and checking the items of a form: one act, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from capture.domain.values import display
from capture.models import Draft, FormRecord
from capture.policies import require_entry
from capture.selectors.surroundings import participant_facts
from capture.selectors.versions import values_at
from capture.services.changes import (
    Change,
    Changes,
    Reason,
    missing_reasons,
    reason_for,
    refused_by_rules,
    take_changes,
)
from capture.services.opening import as_slot, open_sheet
from capture.services.populations import judge_populations
from capture.services.query_sync import QueryPlan, plan_queries, write_queries
from capture.services.refreshing import Refreshed, changed_facts, refresh
from capture.services.results import SaveResult
from capture.services.sheets import Sheet, items_of
from capture.services.slots import Slot
from capture.services.writing import (
    KIND,
    count_items,
    drop_signatures,
    project,
    set_open_queries,
    write_record,
)
from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError, Refusal, raise_all
from trials.records.models import AuditEvent
from trials.records.services import clock
from trials.records.services.act import Act, open_act

State = FormRecord.State


def save_items(
    target: FormRecord | Slot, changes: Changes, *, actor: Actor, reason: Reason = "", expected_version: int
) -> SaveResult:
    """Save typed changes of one form: parse, derive, check, write once, project, move queries, drop signatures.

    ``changes`` is ``{path: text, NullFlavour or None}``; what is not named stays. ``reason`` is one for all or by path
    (asked once the form was ever completed). All refusals are raised together and nothing is written then: texts
    that are no
    values, hard checks, missing reasons. Another's save in between is a conflict with base, theirs and mine by path.
    """
    slot = as_slot(target)
    study = slot.participant.study
    with open_act("save items", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)) as act:
        sheet = open_sheet(slot, act, event="save")
        require_entry(actor, sheet.record if not sheet.is_new else sheet.record.participant)
        if expected_version != sheet.record.version:
            raise stale(sheet, changes, expected_version)
        _take(sheet, changes, reason)
        return _write(sheet, changes, reason, act=act)


def _take(sheet: Sheet, changes: Changes, reason: Reason) -> None:
    participant = sheet.record.participant
    refusals = take_changes(sheet, changes, today=clock.local_today(participant.study, participant.site.time_zone))
    sheet.run()
    refusals += refused_by_rules(sheet, changes)
    refusals += missing_reasons(sheet, changes, reason)
    raise_all(refusals)


def _write(sheet: Sheet, changes: Changes, reason: Reason, *, act: Act) -> SaveResult:
    if not sheet.changed and not sheet.is_new:
        drop_drafts(sheet, act.actor)
        return SaveResult(sheet.record, tuple(sheet.found.messages))
    if sheet.record.state == State.NOT_DONE:
        sheet.record.state, sheet.record.state_reason = State.IN_PROGRESS, ""
    plan = plan_queries([sheet], act=act)
    return finish(sheet, plan, act=act, action="save", reasons=_reasons(sheet, changes, reason))


def _reasons(sheet: Sheet, changes: Changes, reason: Reason) -> dict[str, str]:
    reasons = {path: text for path in changes if (text := reason_for(path, reason))}
    for path in sheet.changed:
        if path in sheet.found.removed:
            reasons[path] = "hidden because the form no longer shows it"
    return reasons


def finish(
    sheet: Sheet,
    plan: QueryPlan,
    *,
    act: Act,
    action: str,
    reasons: Mapping[str, str],
    reason: str = "",
    removed: bool = False,
) -> SaveResult:
    """Write a sheet that was decided on, and everything that follows from it, in this act."""
    record = sheet.record
    facts = participant_facts(record.participant, record.definition) if sheet.form.binds else {}
    count_items(sheet)
    set_open_queries([sheet], plan)
    write_record(sheet, act=act, action=action, reasons=reasons, reason=reason)
    write_queries(plan, act=act)
    if sheet.form.binds:
        project(sheet, act=act, removed=removed)
    because = f"follows {record.form}{f' at {record.visit.code}' if record.visit is not None else ''}"
    signatures = drop_signatures(sheet, act=act, because="A signed value was changed.")
    items = frozenset(sheet.form.items) if removed else items_of(sheet.changed)
    done = follow_up(sheet, facts, items=items, act=act, because=because)
    drop_drafts(sheet, act.actor)
    return SaveResult(
        record=record,
        messages=tuple(sheet.found.messages),
        queries_opened=plan.opened + tuple(each for one in done.plans for each in one.opened),
        queries_closed=plan.closed + tuple(each for one in done.plans for each in one.closed),
        changed=sheet.changed,
        refreshed=tuple(each.record.pk for each in done.sheets),
        signatures_invalidated=signatures + done.signatures,
    )


def follow_up(
    sheet: Sheet, facts_before: Mapping[str, Any], *, items: frozenset[str], act: Act, because: str
) -> Refreshed:
    """Judge populations and bring dependent records up to date, after a record was written and projected."""
    record = sheet.record
    participant = record.participant
    facts: frozenset[str] = frozenset()
    if sheet.form.binds:
        facts = changed_facts(dict(facts_before), participant_facts(participant, record.definition))
    judge_populations(participant, record.definition, form=record.form, items=items, facts=facts, act=act)
    return refresh(
        participant,
        record.definition,
        form=record.form,
        items=items,
        facts=facts,
        saved=record.pk,
        act=act,
        because=because,
    )


def drop_drafts(sheet: Sheet, actor: Actor) -> None:
    """Drop the actor's own draft of this form: what he typed is saved now."""
    if actor.user_id:
        record = None if sheet.is_new else sheet.record
        keys = Slot(sheet.record.participant, sheet.record.visit, sheet.record.form, record).keys
        marks = ", ".join(["%s"] * len(keys))
        user = Draft._meta.pk.get_db_prep_value(actor.user_id, connection)
        # Written out: deleting through the ORM costs as much as writing the record.
        sql = f"DELETE FROM {Draft._meta.db_table} WHERE user_id = %s AND slot IN ({marks})"  # noqa: S608 - names only
        with connection.cursor() as cursor:
            cursor.execute(sql, [user, *keys])


def stale(sheet: Sheet, changes: Changes, expected_version: int) -> DomainError:
    """Return the conflict of a stale save: per item what it was, what it is now, and what was to be saved."""
    record = sheet.record
    base = values_at(record, expected_version)
    moved = {path for path in (*base, *sheet.before) if base.get(path) != sheet.before.get(path)}
    items: dict[str, dict[str, Any]] = {}
    for path in dict.fromkeys((*changes, *sorted(moved))):
        mine = changes.get(path) if path in changes else None
        items[path] = {
            "base": base.get(path),
            "theirs": sheet.before.get(path),
            "mine": _shown(mine),
            "theirs_shown": _display(sheet, path),
            "changed_by_me": path in changes,
        }
    error = DomainError(
        (
            Refusal(
                "stale",
                "the form as it was when you opened it",
                f"one that {_saved_last(record)}",
                "Compare both values of each item and save again; nothing is lost.",
                record.form,
            ),
        ),
        kind="conflict",
    )
    error.detail = {"version": record.version, "expected_version": expected_version, "items": items}
    return error


def _saved_last(record: FormRecord) -> str:
    """Return in words who saved a record last and when, by the site's clock on the wall."""
    last = AuditEvent.objects.filter(record_kind=KIND, record_id=str(record.pk)).order_by("-at", "-seq").first()
    if last is None:
        return "was not saved yet"
    zone = record.site.time_zone
    names = User.objects.filter(username=last.actor).values_list("printed_name", flat=True)
    by = "the system" if last.actor.startswith("system:") else names.first() or last.actor
    return f"{by} saved on {last.at.astimezone(ZoneInfo(zone)):%Y-%m-%d at %H:%M} ({zone})"


def _display(sheet: Sheet, path: str) -> str:
    item = sheet.form.items.get(path.rsplit(".", 1)[-1])
    return display(item, sheet.before.get(path)) if item is not None else ""


def _shown(change: Change) -> Any:
    return change if change is None or isinstance(change, str) else change.stored
