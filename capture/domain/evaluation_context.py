"""The expressions' Context of one form record: its own values first, then what stands around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from capture.definition.shapes import FormDefinition, FormSet, ItemDefinition
from capture.domain.item_paths import row_path, split_path
from capture.domain.surroundings import Surroundings, VisitMoment
from capture.domain.values import Data, typed_value
from trials.records.domain.dates import study_day
from trials.records.domain.expressions import UNKNOWN, Blank, ExpressionFault, Range, Row, Value


def rows_present(data: Mapping[str, Any], group: str) -> tuple[str, ...]:
    """Return the rows of a group that hold a value, numbered rows by number.

    >>> rows_present({"G.10.X": {}, "G.2.X": {}, "H.1.X": {}}, "G")
    ('2', '10')
    """
    prefix = f"{group}."
    found = {split_path(path).row for path in data if path.startswith(prefix)}
    return tuple(sorted(found, key=lambda row: (not row.isdigit(), int(row) if row.isdigit() else 0, row)))


class RecordRow:
    """One row: of a group (``group`` and ``row`` set), or a whole log record."""

    __slots__ = ("_data", "_form", "_group", "_row")

    def __init__(self, form: FormDefinition, data: Data, group: str = "", row: str = "") -> None:
        self._form, self._data, self._group, self._row = form, data, group, row

    @property
    def code(self) -> str | None:
        """The fixed row's code; None for rows that were added."""
        return self._row if self._group and self._form.groups[self._group].rows else None

    def value(self, item: str) -> Value | Blank:
        """Return the row's value in the item's unit."""
        return typed_value(self._form.items[item], self._data.get(row_path(self._group, self._row, item)))

    def fact(self, name: str) -> Value | Blank:
        """Grades and the like are facts of typed rows, which the capture room does not read."""
        del name
        return UNKNOWN

    def rows(self, group: str) -> Sequence[Row] | None:
        """Return the rows of a group inside a log record."""
        return group_rows(self._form, self._data, group)


def group_rows(form: FormDefinition, data: Data, group: str) -> Sequence[Row] | None:
    """Return the rows of a group of one record: all fixed rows, or the added ones; None while none was added."""
    fixed = form.groups[group].rows
    if fixed:
        return [RecordRow(form, data, group, each.code) for each in fixed]
    return [RecordRow(form, data, group, row) for row in rows_present(data, group)] or None


class EvaluationContext:
    """Answers a rule that stands in one record of ``form``; ``scope`` is the row in which the rule stands."""

    __slots__ = ("_typed", "around", "data", "form", "forms", "own_facts", "record_id", "scope", "visit")

    def __init__(
        self,
        forms: FormSet,
        form: FormDefinition,
        data: Data,
        around: Surroundings,
        *,
        visit: VisitMoment | None = None,
        record_id: str = "",
        own_facts: Mapping[str, Value | Blank] | None = None,
    ) -> None:
        self.forms, self.form, self.data, self.around = forms, form, data, around
        self.visit, self.record_id = visit, record_id
        self.own_facts: Mapping[str, Value | Blank] = own_facts or {}
        self.scope: tuple[str, str] = ("", "")
        self._typed: dict[str, Value | Blank] = {}

    def put(self, path: str, stored: dict[str, Any] | None) -> None:
        """Set or remove a value of the record in hand."""
        self._typed.pop(path, None)
        if stored is None:
            self.data.pop(path, None)
        else:
            self.data[path] = stored

    def typed(self, item: ItemDefinition, path: str) -> Value | Blank:
        """Return a value of the record in hand, read once."""
        found = self._typed.get(path)
        if found is None:
            found = self._typed[path] = typed_value(item, self.data.get(path))
        return found

    def value(self, form: str, item: str, when: str) -> Value | Blank:
        """Return an item's value; of this record when the form is its own and no other time is asked for."""
        if not when and form == self.form.code:
            definition = self.form.items[item]
            if not definition.repeats:
                return self.typed(definition, item)
            if self.scope[0] != definition.group:
                raise ExpressionFault(f"{form}.{item} stands in rows; the rule stands outside them")
            return self.typed(definition, row_path(*self.scope, item))
        return next(self._values(form, item, when), UNKNOWN)

    def series(self, form: str, item: str, first: str, last: str) -> Sequence[Value | Blank]:
        """Return the item at each visit of the range at which the form is expected or was filled in."""
        start, end = self._position(first), self._position(last)
        if start is None or end is None:
            return []
        definition = self.forms.forms[form].items[item]
        found: list[Value | Blank] = []
        for visit in self.around.visits[start : end + 1]:
            data = self._data_at(form, visit)
            if data is not None:
                found.append(typed_value(definition, data.get(item)))
            elif not visit.repeat and (form, visit.code) in self.around.expected:
                found.append(UNKNOWN)
        return found

    def rows(self, form: str, group: str, when: str) -> Sequence[Row] | None:
        """Return the rows of a log (None when nobody opened it or declared it empty) or of a group of a record."""
        definition = self.forms.forms[form]
        if group in definition.groups:
            if not when and form == self.form.code:
                return group_rows(self.form, self.data, group)
            data = next(self._documents(form, when), None)
            return None if data is None else group_rows(definition, data, group)
        records = [(each.id, each.data) for each in self.around.at(form, "")]
        if form == self.form.code:
            records = [each for each in records if each[0] != self.record_id] + [(self.record_id, self.data)]
        if not records and form not in self.around.nothing:
            return None
        return [RecordRow(definition, data) for _, data in records]

    def fact(self, name: str) -> Value | Blank:
        """Return a fact: of the row or visit in hand, stated by this record, or the participant's."""
        if name == "row":
            return self.scope[1] or UNKNOWN
        if name in self.own_facts:
            return self.own_facts[name]
        if name == "visit":
            return self.visit.code if self.visit else UNKNOWN
        if name == "visit_date":
            return (self.visit.actual or UNKNOWN) if self.visit else UNKNOWN
        if name == "study_day":
            return self._study_day()
        return self.around.facts.get(name, UNKNOWN)

    def normal_range(self, form: str, item: str, when: str, limit: Literal["uln", "lln"]) -> Decimal | Blank:
        """No normal ranges are kept yet, so a limit is unknown and so is every rule that needs one."""
        del form, item, when, limit
        return UNKNOWN

    def at_grade(self, grade: Decimal, unit: Literal["hours", "days"]) -> Decimal | Range | Blank:
        """Refuse: grades over time belong to the safety room's rules."""
        raise ExpressionFault(f"{unit}_at_grade({grade}) has no meaning in a form")

    def participants(self, form: str) -> Sequence[Sequence[Row] | None]:
        """Refuse: counting participants belongs to stopping rules."""
        raise ExpressionFault(f"participants({form}) has no meaning in a form")

    def planned_dose(self, product: str) -> Decimal | Blank:
        """Return the amount of the assigned dose level."""
        return self.around.doses.get(product, UNKNOWN)

    def _study_day(self) -> Value | Blank:
        infused = self.fact("infused_on")
        if self.visit is None or self.visit.actual is None or not isinstance(infused, date):
            return UNKNOWN
        return Decimal(study_day(infused, self.visit.actual))

    def _values(self, form: str, item: str, when: str) -> Iterator[Value | Blank]:
        """Yield the candidates for a value: one for a visit, the known ones from the last for a relative time."""
        definition = self.forms.forms[form].items[item]
        for data in self._documents(form, when):
            value = typed_value(definition, data.get(item))
            if not isinstance(value, Blank) or when not in {"baseline", "previous", "latest"}:
                yield value

    def _documents(self, form: str, when: str) -> Iterator[Data]:
        definition = self.forms.forms[form]
        if definition.once or definition.is_log:
            records = self.around.at(form, "")
            yield from (each.data for each in records[:1] if definition.once)
            return
        for visit in self._visits(when):
            data = self._data_at(form, visit)
            if data is not None:
                yield data

    def _visits(self, when: str) -> Iterator[VisitMoment]:
        visits = self.around.visits
        if not when:
            if self.visit is not None:
                yield self.visit
            return
        if when == "baseline":
            yield from (visit for visit in reversed(visits) if self.around.before_infusion(visit))
            return
        if when in {"previous", "latest"}:
            here = self._position("")
            if here is None:
                yield from reversed(visits) if when == "latest" else ()
                return
            yield from reversed(visits[: here + (when == "latest")])
            return
        yield from (visit for visit in visits if visit.code == when and not visit.repeat)

    def _data_at(self, form: str, visit: VisitMoment) -> Data | None:
        if form == self.form.code and self.visit is not None and visit.id == self.visit.id:
            return self.data
        return next((each.data for each in self.around.at(form, visit.id)), None)

    def _position(self, when: str) -> int | None:
        """Return where a visit stands in the order; of the visit in hand when ``when`` is empty; None when unknown."""
        visits = self.around.visits
        if when == "baseline":
            return next((n for n in range(len(visits) - 1, -1, -1) if self.around.before_infusion(visits[n])), None)
        if when and when not in {"latest", "previous"}:
            return next((n for n, each in enumerate(visits) if each.code == when and not each.repeat), None)
        if self.visit is None:
            return None
        here = next((n for n, each in enumerate(visits) if self.visit and each.id == self.visit.id), None)
        return here if here is None or when != "previous" else here - 1
