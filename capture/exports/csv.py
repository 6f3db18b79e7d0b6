"""One CSV file per form: a line per record (and per row of one repeating group), streamed.

Columns: study, site, participant, visit, row, state, version; then for each item its value, its unit when it has
one, and its
null flavour with the reason. Values are the stored text. A cell that a spreadsheet would run as a formula is
quoted with a
leading apostrophe. Only what the actor may see and export leaves the house.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capture.definition.compiled import FormDefinition, ItemDefinition, form_set
from capture.domain.evaluation_context import rows_present
from capture.domain.item_paths import row_path
from capture.domain.null_flavours import LABELS
from capture.models import FormRecord
from trials.domain.roles import Permission
from trials.models import StudyVersion
from trials.policies import require, visible
from trials.records.domain.actors import Actor
from trials.records.domain.errors import refuse

CHUNK = 500
FIXED = ("STUDY", "SITE", "PARTICIPANT", "VISIT", "VISIT_REPEAT", "LOG_ROW", "STATE", "VERSION")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = (
    "study__oid",
    "site__code",
    "participant__number",
    "visit__code",
    "visit__repeat",
    "row",
    "state",
    "version",
    "data",
    "participant_id",
    "id",
)


def export_form(version: StudyVersion, form: str, *, actor: Actor) -> Iterator[str]:
    """Return the lines of a form's CSV, one statement for each 500 records; refused before the first line is made.

    Records of every version of the study are included; items that this version does not know are left out.
    """
    require(actor, Permission.EXPORT_DATA, version.study)
    definition = form_set(version).forms.get(form)
    if definition is None:
        raise refuse("unknown_form", expected="a form of this study version", found=form, action="Choose one.")
    return _lines(version, definition, actor)


def _lines(version: StudyVersion, form: FormDefinition, actor: Actor) -> Iterator[str]:
    items = [item for item in form.items.values() if not item.repeats]
    groups = [
        (name, [form.items[each] for each in group.items]) for name, group in form.groups.items() if group.repeats
    ]
    yield _line([*FIXED, *(["GROUP", "GROUP_ROW"] if groups else []), *_header(items, groups)])
    last: tuple[str, str] | None = None
    while True:
        chunk = _chunk(version, form.code, actor, last)
        for record in chunk:
            yield from map(_line, _record_lines(record, form, items, groups))
        if len(chunk) < CHUNK:
            return
        last = (str(chunk[-1][2]), str(chunk[-1][-1]))


def _chunk(version: StudyVersion, form: str, actor: Actor, after: tuple[str, str] | None) -> list[tuple[Any, ...]]:
    records = visible(actor, FormRecord.objects.all(), Permission.EXPORT_DATA).filter(
        study_id=version.study_id, form=form
    )
    records = records.exclude(state=FormRecord.State.REMOVED)
    if after is not None:
        number, pk = after
        records = records.filter(participant__number__gte=number).exclude(participant__number=number, pk__lte=pk)
    return list(records.order_by("participant__number", "pk").values_list(*_COLUMNS)[:CHUNK])


def _header(items: Sequence[ItemDefinition], groups: Sequence[tuple[str, Sequence[ItemDefinition]]]) -> Iterator[str]:
    for item in (*items, *(each for _, members in groups for each in members)):
        yield item.name
        if item.unit:
            yield f"{item.name}_UNIT"
        yield f"{item.name}_NULL"


def _record_lines(
    record: tuple[Any, ...],
    form: FormDefinition,
    items: Sequence[ItemDefinition],
    groups: Sequence[tuple[str, Sequence[ItemDefinition]]],
) -> Iterator[list[str]]:
    """Yield one line for the items outside repeats, then one for each row of each repeating group."""
    fixed = ["" if value is None else str(value) for value in record[:8]]
    data: Mapping[str, Mapping[str, Any]] = record[8]
    plain = [cell for item in items for cell in _cells(item, data.get(item.name))]
    blank = {name: [""] * sum(len(_cells(item, None)) for item in members) for name, members in groups}
    if items or not groups:
        lead = [*fixed, "", ""] if groups else fixed
        yield [*lead, *plain, *(cell for name, _ in groups for cell in blank[name])]
    for name, members in groups:
        rows = [each.code for each in form.groups[name].rows] or rows_present(data, name)
        for row in rows:
            own = [cell for item in members for cell in _cells(item, data.get(row_path(name, row, item.name)))]
            rest = [cell for other, _ in groups for cell in (own if other == name else blank[other])]
            yield [*fixed, name, row, *([""] * len(plain)), *rest]


def _cells(item: ItemDefinition, stored: Mapping[str, Any] | None) -> list[str]:
    """Return value, unit when the item has one, and null flavour with its reason."""
    value = str(stored["v"]) if stored and "v" in stored else ""
    unit = [str(stored.get("u", item.unit)) if value and stored else ""] if item.unit else []
    null = ""
    if stored and "n" in stored:
        null = ": ".join(part for part in (LABELS.get(stored["n"], stored["n"]), stored.get("why", "")) if part)
    return [value, *unit, null]


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula; numbers stay as they are.

    >>> harmless("=1+1"), harmless("-1.5"), harmless("-A1"), harmless("38.6")
    ("'=1+1", '-1.5', "'-A1", '38.6')
    """
    if not cell.startswith(_FORMULA):
        return cell
    number = cell[1:].replace(".", "", 1)
    return cell if cell[0] in "+-" and number.isascii() and number.isdigit() else f"'{cell}"


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return buffer.getvalue()
