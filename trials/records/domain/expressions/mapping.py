"""Scope and context made of dictionaries, for tests and for callers whose values stand in a mapping already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from trials.records.domain.expressions.errors import ExpressionFault
from trials.records.domain.expressions.scope import STANDARD_FACTS, FactSymbol, RowsSymbol, Symbol
from trials.records.domain.expressions.types import Type
from trials.records.domain.expressions.units import UnitTable
from trials.records.domain.expressions.values import UNKNOWN, Blank, Range, Value

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class MappingScope:
    """Names by dictionary.

    ``forms``: form: name: symbol (items, groups, rows). ``form`` is where the expression stands: its names are bare.
    ``logs``: forms that are rows themselves. ``named``: policies, populations and definitions. ``visit_codes``: code or
    alias: code.
    """

    form: str = ""
    forms: Mapping[str, Mapping[str, Symbol]] = field(default_factory=dict)
    logs: Mapping[str, RowsSymbol] = field(default_factory=dict)
    facts: Mapping[str, Type] = field(default_factory=lambda: STANDARD_FACTS)
    named: Mapping[str, Symbol] = field(default_factory=dict)
    visit_codes: Mapping[str, str] = field(default_factory=dict)
    units: UnitTable = field(default_factory=lambda: UnitTable({}))
    dose_unit: str | None = None

    def symbol(self, name: str) -> Symbol | None:
        """Own item or group first, then a form with rows, a policy, population or definition, a fact."""
        own: Symbol | None = self.forms.get(self.form, {}).get(name) or self.logs.get(name) or self.named.get(name)
        if own is None and name in self.facts:
            return FactSymbol(name, self.facts[name])
        return own

    def member(self, form: str, name: str) -> Symbol | None:
        """An item, group or rows of a named form."""
        return self.forms.get(form, {}).get(name)

    def visit(self, code: str) -> str | None:
        """The visit's own code."""
        return self.visit_codes.get(code)

    def names(self, form: str | None = None) -> Iterable[str]:
        """Names of a form, or all that stand bare here, and FORM.ITEM of the others."""
        if form is not None:
            return tuple(self.forms.get(form, ()))
        return (*self.forms.get(self.form, ()), *self.logs, *self.named, *self.facts, *self.forms)

    def visits(self) -> Iterable[str]:
        """Codes and aliases."""
        return tuple(self.visit_codes)


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One row by dictionary; what is not in it is unknown."""

    values: Mapping[str, Value | Blank] = field(default_factory=dict)
    facts: Mapping[str, Value | Blank] = field(default_factory=dict)
    code: str | None = None
    groups: Mapping[str, Sequence[MappingRow]] = field(default_factory=dict)

    def value(self, item: str) -> Value | Blank:
        """The value, or unknown."""
        return self.values.get(item, UNKNOWN)

    def fact(self, name: str) -> Value | Blank:
        """The fact, or unknown."""
        return self.facts.get(name, UNKNOWN)

    def rows(self, group: str) -> Sequence[MappingRow] | None:
        """The rows of a group inside this row; None when it was never opened."""
        return self.groups.get(group)


@dataclass(frozen=True, slots=True)
class MappingContext:
    """Values by dictionary; what is not in it is unknown.

    ``values``: (form, item, when): value. ``visit_series``: (form, item, "D0:D28"): values. ``row_lists``: (form,
    group, when): rows, where an empty list is a log marked "none" and a missing one was never opened. ``limits``:
    (form, item, "uln" or "lln"): number. ``times``: (grade, "hours" or "days"): time. ``cohort``: form: rows of each
    participant. ``doses``: product: amount.
    """

    values: Mapping[Key, Value | Blank] = field(default_factory=dict)
    facts: Mapping[str, Value | Blank] = field(default_factory=dict)
    row_lists: Mapping[Key, Sequence[MappingRow]] = field(default_factory=dict)
    visit_series: Mapping[Key, Sequence[Value | Blank]] = field(default_factory=dict)
    limits: Mapping[Key, Decimal] = field(default_factory=dict)
    times: Mapping[tuple[int, str], Decimal | Range] = field(default_factory=dict)
    cohort: Mapping[str, Sequence[Sequence[MappingRow] | None]] = field(default_factory=dict)
    doses: Mapping[str, Decimal] = field(default_factory=dict)

    def value(self, form: str, item: str, when: str) -> Value | Blank:
        """The value, or unknown."""
        return self.values.get((form, item, when), UNKNOWN)

    def series(self, form: str, item: str, first: str, last: str) -> Sequence[Value | Blank]:
        """The values of the range; a range that was not given is a fault."""
        try:
            return self.visit_series[form, item, f"{first}:{last}"]
        except KeyError:
            raise ExpressionFault(f"no series {form}.{item}[{first}:{last}] was given") from None

    def rows(self, form: str, group: str, when: str) -> Sequence[MappingRow] | None:
        """The rows, or None when the log was never opened."""
        return self.row_lists.get((form, group, when))

    def fact(self, name: str) -> Value | Blank:
        """The fact, or unknown."""
        return self.facts.get(name, UNKNOWN)

    def normal_range(self, form: str, item: str, when: str, limit: Literal["uln", "lln"]) -> Decimal | Blank:  # noqa: ARG002
        """The limit, whatever the visit."""
        return self.limits.get((form, item, limit), UNKNOWN)

    def at_grade(self, grade: Decimal, unit: Literal["hours", "days"]) -> Decimal | Range | Blank:
        """The time at this grade or above, or unknown."""
        return self.times.get((int(grade), unit), UNKNOWN)

    def participants(self, form: str) -> Sequence[Sequence[MappingRow] | None]:
        """The rows of each participant; a form that was not given is a fault."""
        try:
            return self.cohort[form]
        except KeyError:
            raise ExpressionFault(f"no participants were given for {form}") from None

    def planned_dose(self, product: str) -> Decimal | Blank:
        """The planned amount, or unknown."""
        return self.doses.get(product, UNKNOWN)
