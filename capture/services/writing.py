"""Writes sheets: the JSON document once, its counters, one event per record, and what falls with a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from capture.domain.values import packed
from capture.models import FormRecord
from capture.projections import registry
from capture.services.query_sync import QueryPlan
from capture.services.sheets import TRACKED, Sheet, fields_of, text_of
from trials.records.domain.errors import refuse
from trials.records.services.act import Act
from trials.records.services.signatures import invalidate_signatures

FIXED = ("study_id", "site_id", "participant_id", "visit_id", "definition_id", "form", "row", "created_at")
KIND = "FormRecord"


def count_items(sheet: Sheet) -> None:
    """Bring the record's counters of required and answered items up to date."""
    sheet.record.required = len(sheet.found.required)
    sheet.record.answered = len(sheet.found.required) - len(sheet.found.missing)


def write_record(sheet: Sheet, *, act: Act, action: str, reasons: Mapping[str, str], reason: str = "") -> None:
    """Write one record and note its event, ``reasons`` by path; the version read must still be the stored one."""
    record = sheet.record
    read = record.version
    record.version, record.changed_at, record.data = read + 1, act.at, sheet.data
    if sheet.is_new:
        record.save(force_insert=True)
    else:
        written = FormRecord.objects.filter(pk=record.pk, version=read).update(
            data=sheet.data, **{name: getattr(record, name) for name in TRACKED}
        )
        if written != 1:
            raise refuse(
                "stale",
                expected=f"version {read}",
                found="a newer one",
                action="Reload the page; your draft is kept.",
                kind="conflict",
            )
    note_record(sheet, act=act, action=action, reasons=reasons, reason=reason)


def write_refreshed(sheets: Iterable[Sheet], *, act: Act, because: str) -> None:
    """Write records that a change elsewhere brought up to date: one statement for all, one event each."""
    changed = list(sheets)
    for sheet in changed:
        sheet.record.version, sheet.record.changed_at, sheet.record.data = sheet.record.version + 1, act.at, sheet.data
    if changed:
        FormRecord.objects.bulk_update([sheet.record for sheet in changed], ["data", *TRACKED])
    for sheet in changed:
        reasons = dict.fromkeys(sheet.changed, because)
        note_record(sheet, act=act, action="refresh", reasons=reasons, reason=because)


def note_record(sheet: Sheet, *, act: Act, action: str, reasons: Mapping[str, str], reason: str = "") -> None:
    """Note what happened to a record: deltas of items by path, and of its columns in small letters."""
    record = sheet.record
    delta: dict[str, list[Any]] = {}
    if sheet.is_new:
        delta |= {name: [text_of(getattr(record, name))] for name in FIXED}
        delta |= {name: [value] for name, value in fields_of(record).items()}
    else:
        now = fields_of(record)
        delta |= {name: [sheet.was[name], now[name]] for name in TRACKED if sheet.was[name] != now[name]}
    for path in sheet.changed:
        old, new = packed(sheet.before.get(path)), packed(sheet.data.get(path))
        if old is None:
            delta[path] = [new] if path not in reasons else [None, new, reasons[path]]
        else:
            delta[path] = [old, new, reasons[path]] if reasons.get(path) else [old, new]
    act.note(
        KIND, record.pk, action, delta=delta, site=record.site_id, participant=record.participant_id, reason=reason
    )


def drop_signatures(sheet: Sheet, *, act: Act, because: str) -> int:
    """Invalidate the signatures of a record whose values changed or that is no longer complete.

    A record never completed was never signed; a removed one keeps its values, yet nobody stands for it any more.
    """
    ended = sheet.was["state"] == FormRecord.State.COMPLETE != sheet.record.state
    if not sheet.record.ever_completed or not (sheet.changed or ended):
        return 0
    held = invalidate_signatures(
        KIND, sheet.record.pk, act=act, because=because, participant=sheet.record.participant_id
    )
    return len(held)


def project(sheet: Sheet, *, act: Act, removed: bool = False) -> None:
    """Replace the typed rows of a record whose kind a room owns."""
    projection = registry.get(sheet.form.binds) if sheet.form.binds else None
    if projection is not None:
        projection.project(sheet.record, sheet.values(removed=removed), act=act)


def set_open_queries(sheets: Iterable[Sheet], plan: QueryPlan) -> None:
    """Take over the number of open queries from a plan."""
    for sheet in sheets:
        sheet.record.open_queries = plan.open_counts[sheet.record.pk]
