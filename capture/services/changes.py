"""Takes typed changes onto a sheet: parses them, collects every refusal, and finds the reasons they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from capture.definition.compiled import FormDefinition, ItemDefinition
from capture.domain.evaluation_context import rows_present
from capture.domain.item_paths import split_path
from capture.domain.messages import Message
from capture.domain.null_flavours import NullFlavour
from capture.domain.parsing import parse_null, parse_value
from capture.domain.values import StoredValue
from capture.services.sheets import Sheet, items_of
from trials.records.domain.errors import Refusal
from trials.records.domain.expressions import UnitTable
from trials.records.domain.transitions import is_reason

Change = str | NullFlavour | None
Changes = Mapping[str, Change]
Reason = str | Mapping[str, str]


def take_changes(sheet: Sheet, changes: Changes, *, today: date) -> list[Refusal]:
    """Put the changes on the sheet's working copy; return what was refused, which stays as it was."""
    refusals: list[Refusal] = []
    for path, change in changes.items():
        taken = read_change(sheet.form, path, change, today=today, units=sheet.forms.units)
        if isinstance(taken, Refusal):
            refusals.append(taken)
        elif taken is None:
            sheet.data.pop(path, None)
        elif not _same(sheet.before.get(path), taken):
            sheet.data[path] = taken
    refusals.extend(_too_many_rows(sheet))
    return refusals


def read_change(
    form: FormDefinition, path: str, change: Change, *, today: date, units: UnitTable | None = None
) -> dict[str, Any] | Refusal | None:
    """Return the value to store for one change, None for a blank, or its refusal."""
    item = find_item(form, path)
    if item is None:
        return Refusal("unknown_item", f"an item of {form.code}", path, "Reload the page.", path)
    if item.derived:
        return Refusal("derived", "no entry: it is calculated", path, "Correct the values it comes from.", path)
    if change is None:
        return None
    if isinstance(change, NullFlavour):
        return parse_null(item, change, where=path)
    return parse_value(item, change, today=today, units=units, where=path)


def find_item(form: FormDefinition, path: str) -> ItemDefinition | None:
    """Return the item that a path names in this form, None when it names none."""
    try:
        parts = split_path(path)
    except ValueError:
        return None
    item = form.items.get(parts.item)
    if item is None or item.repeats != bool(parts.row):
        return None
    if not item.repeats:
        return item
    fixed = form.groups[item.group].rows
    known_row = any(parts.row == row.code for row in fixed) if fixed else parts.row.isdigit() and parts.row[0] != "0"
    return item if item.group == parts.group and known_row else None


def _same(old: StoredValue | None, new: StoredValue) -> bool:
    return old is not None and dict(old) == dict(new)


def _too_many_rows(sheet: Sheet) -> Iterator[Refusal]:
    for name, group in sheet.form.groups.items():
        if group.repeat is None:
            continue
        present = len(rows_present(sheet.data, name))
        if present > group.repeat[1]:
            yield Refusal("rows", f"at most {group.repeat[1]} rows", str(present), "Remove a row.", name)


def refused_by_rules(sheet: Sheet, touched: Iterable[str]) -> list[Refusal]:
    """Return the hard checks that the change concerns, and entries for items that the form does not show."""
    changed = items_of(sheet.changed)
    refusals = [
        refusal_of(message)
        for message in sheet.found.messages
        if message.level == "hard"
        and (not sheet.found.inputs[message.key] or sheet.found.inputs[message.key] & changed)
    ]
    lost = set(sheet.found.removed)
    for path in touched:
        if path in lost and path not in sheet.before:
            refusals.append(
                Refusal("hidden", "no entry: the form does not show this item", path, "Leave it blank.", path)
            )
    return refusals


def refusal_of(message: Message) -> Refusal:
    """Return a message that refuses, as a refusal."""
    expected = message.expected or "values that agree"
    found = message.found or message.text.removesuffix(".")
    return Refusal(f"hard_{message.code}", expected, found, message.action, message.path or message.check)


def missing_reasons(sheet: Sheet, touched: Iterable[str], reason: Reason) -> list[Refusal]:
    """Return a refusal for each changed item without a reason; asked once the form was ever completed."""
    if not sheet.record.ever_completed:
        return []
    return [
        Refusal(
            "reason_needed", "a reason for the change, in words", reason_for(path, reason) or "none", "Say why.", path
        )
        for path in touched
        if sheet.before.get(path) != sheet.data.get(path) and not is_reason(reason_for(path, reason))
    ]


def reason_for(path: str, reason: Reason) -> str:
    """Return the reason given for one item: one for all, or each its own (``""`` holds for the rest)."""
    return (reason if isinstance(reason, str) else reason.get(path, reason.get("", ""))).strip()
