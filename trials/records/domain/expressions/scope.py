"""What names mean where an expression stands: symbols, and the Scope that answers for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from trials.records.domain.expressions.types import BOOLEAN, DATE, DATETIME, NUMBER, TEXT, Reference, Type
from trials.records.domain.expressions.units import UnitTable
from trials.records.domain.expressions.values import Value

if TYPE_CHECKING:
    from trials.records.domain.expressions.context import Answer, Context


class Rule(Protocol):
    """Anything that answers like a compiled expression: an expression, or a tree of them (see ``combine``)."""

    @property
    def text(self) -> str: ...
    @property
    def type(self) -> Type: ...
    @property
    def references(self) -> frozenset[Reference]: ...
    @property
    def facts(self) -> frozenset[str]: ...
    def evaluate(self, context: Context) -> Answer: ...
    def waits_for(self, context: Context) -> tuple[Reference, ...]: ...


@dataclass(frozen=True, slots=True)
class ItemSymbol:
    """A captured item.

    ``rows`` names the repeating group (or the log form) it repeats in, as seen from where the expression stands: leave
    it empty for items of the record (or of the row) that the expression belongs to. ``weight`` are the points of a yes;
    ``lab`` whether a normal range applies; ``derived`` leaves it out of ``score(GROUP)``.
    """

    form: str
    item: str
    type: Type
    weight: Decimal | None = None
    lab: bool = False
    derived: bool = False
    rows: str = ""


@dataclass(frozen=True, slots=True)
class GroupSymbol:
    """A group of items that does not repeat, for ``score(GROUP)``."""

    form: str
    group: str
    items: tuple[ItemSymbol, ...]


@dataclass(frozen=True, slots=True)
class RowsSymbol:
    """Something with rows: a log form (``group`` empty) or a group that repeats or has fixed rows.

    ``facts`` are small names that each row offers (a graded event: ``grade`` …); ``codes`` the fixed rows.
    """

    form: str
    group: str
    items: Mapping[str, ItemSymbol]
    facts: Mapping[str, Type] = field(default_factory=dict)
    codes: tuple[str, ...] | None = None
    groups: Mapping[str, RowsSymbol] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name in messages and references."""
        return self.group or self.form


@dataclass(frozen=True, slots=True)
class FactSymbol:
    """A fact that the system knows: a small name."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class ConstantSymbol:
    """A name with a settled value, such as a policy: its option is a code."""

    name: str
    type: Type
    value: Value


@dataclass(frozen=True, slots=True)
class RuleSymbol:
    """A population or a definition: a rule to be used by name."""

    name: str
    rule: Rule


Symbol = ItemSymbol | GroupSymbol | RowsSymbol | FactSymbol | ConstantSymbol | RuleSymbol


class Scope(Protocol):
    """Answers for names at the place where an expression stands."""

    @property
    def units(self) -> UnitTable: ...
    @property
    def dose_unit(self) -> str | None:
        """The unit of ``planned_dose(product)``; None where there is no dose."""

    def symbol(self, name: str) -> Symbol | None:
        """Return what a bare name means: own item or group, form with rows, fact, population, policy, definition."""

    def member(self, form: str, name: str) -> Symbol | None:
        """Return what ``FORM.NAME`` means: an item, a group, or rows."""

    def visit(self, code: str) -> str | None:
        """Return the visit's own code for a code or an alias; None when there is no such visit."""

    def names(self, form: str | None = None) -> Iterable[str]:
        """Return the valid names (of a form), for "did you mean"."""

    def visits(self) -> Iterable[str]:
        """Return the valid visit codes, for "did you mean"."""


GRADED_FACTS: Mapping[str, Type] = {
    "grade": NUMBER,
    "started": DATE,
    "ended": DATE,
    "serious": BOOLEAN,
    "related": BOOLEAN,
    "haematological": BOOLEAN,
    "due_to_lymphodepletion": BOOLEAN,
    "due_to_disease": BOOLEAN,
    "term": TEXT,
}
"""Facts of a graded event (all for AE; CRS, ICANS and GVHD offer ``grade``, ``started``, ``ended``)."""

STANDARD_FACTS: Mapping[str, Type] = {
    "sex": Type("code", codes=("F", "M")),
    "birth_date": DATE,
    "condition": Type("code"),
    "arm": Type("code"),
    "site": Type("code"),
    "dose_level": NUMBER,
    "consented_on": DATE,
    "enrolled_on": DATE,
    "infused_on": DATE,
    "infused_at": DATETIME,
    "last_infused_on": DATE,
    "universal": BOOLEAN,
    "visit": Type("code"),
    "visit_date": DATE,
    "study_day": NUMBER,
}
"""Facts of the participant and the moment, known to every expression."""

DLT_FACTS: Mapping[str, Type] = {"had_dlt": BOOLEAN, "whole_dose": BOOLEAN}
STOPPING_FACTS: Mapping[str, Type] = {"overdose_probability": NUMBER, "n_evaluable": NUMBER, "n_dlt": NUMBER}
