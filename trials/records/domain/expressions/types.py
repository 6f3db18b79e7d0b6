"""Types of expressions, with units, and the references an expression makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal["boolean", "number", "text", "code", "choices", "date", "datetime", "time"]

Dimensions = tuple[tuple[str, Fraction], ...]
"""Units with their exponents, sorted by name; empty for a plain number."""


@dataclass(frozen=True, slots=True)
class Type:
    """What a value is: its kind, its unit, its codes.

    ``date`` covers partial dates. A scale (all-number codes) is a number that carries its ``codes``. ``codes`` None:
    any code is possible. ``dimensions`` is the unit of a calculated number; ``unit`` its name when it is a single unit.

    >>> Type("number", unit="g/L").shown, Type("code", codes=("NEG", "POS")).shown
    ('g/L', 'code')
    """

    kind: Kind
    unit: str | None = None
    codes: tuple[str, ...] | None = None
    compound: Dimensions = ()

    @property
    def scale(self) -> bool:
        """Whether the value is a number of an all-number code list."""
        return self.kind == "number" and self.codes is not None

    @property
    def plain(self) -> bool:
        """Whether a number has no unit."""
        return self.unit is None and not self.compound

    @property
    def dimensions(self) -> Dimensions:
        """The unit with its exponent, the compound unit, or nothing."""
        return ((self.unit, Fraction(1)),) if self.unit is not None else self.compound

    @property
    def shown(self) -> str:
        """The unit or kind in words, for messages."""
        if self.unit is not None:
            return self.unit
        if self.compound:
            return ".".join(name if power == 1 else f"({name})^{power}" for name, power in self.compound)
        return {"boolean": "yes/no", "choices": "several codes"}.get(self.kind, self.kind)


def number(dimensions: Mapping[str, Fraction] | None = None) -> Type:
    """Return the type of a number with these units; ``{"g/L": 1}`` becomes the simple unit g/L."""
    left = tuple(sorted((name, power) for name, power in (dimensions or {}).items() if power))
    if len(left) == 1 and left[0][1] == 1:
        return Type("number", unit=left[0][0])
    return Type("number", compound=left)


BOOLEAN = Type("boolean")
NUMBER = Type("number")
DATE = Type("date")
DATETIME = Type("datetime")
TEXT = Type("text")


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One input of an expression.

    ``form`` is empty for a fact that the system knows. ``when`` is empty (this visit, or the record itself), a visit,
    ``baseline``, ``previous``, ``latest`` or a range ``D0:D28``. ``rows`` names the group (or log form) whose rows are
    walked; then ``item`` is empty when the rows themselves are meant.

    >>> str(Reference("VS", "WEIGHT", "D-1")), str(Reference("", "sex")), str(Reference("PRIORTX", "", rows="PRIORTX"))
    ('VS.WEIGHT[D-1]', 'sex', 'PRIORTX')
    """

    form: str
    item: str
    when: str = ""
    rows: str = ""

    def __str__(self) -> str:
        name = ".".join(part for part in (self.form, self.item) if part)
        if self.rows and not self.item and self.rows != self.form:
            name = f"{self.form}.{self.rows}"
        return f"{name}[{self.when}]" if self.when else name
