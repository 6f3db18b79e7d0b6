"""The unit table of a study: exact conversion between the units that convert, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trials.records.domain.expressions.errors import ExpressionError, nearest


class UnitTable:
    """Units by name, from the mapping of ``units.yaml``: ``{name: {equals?, shows?, ucum?, aka?}}``.

    ``equals`` is a text of an amount and a unit (``"0.01 m"``). Raises ExpressionError for one that names no unit or
    runs in a circle. Amounts are Decimal throughout.

    >>> table = UnitTable({"g/L": {}, "g/dL": {"equals": "10 g/L"}, "Cel": {"aka": ["degC"]}})
    >>> table.convert(Decimal("8"), "g/dL", "g/L"), table.convert(Decimal("80"), "g/L", "g/dL")
    (Decimal('80'), Decimal('8'))
    >>> table.convert(Decimal("8"), "Cel", "g/L") is None
    True
    >>> table.near("degC")
    'Cel'
    """

    def __init__(self, units: Mapping[str, Mapping[str, Any] | None]) -> None:
        self._units = {name: dict(entry or {}) for name, entry in units.items()}
        self._aka = {str(other): name for name, entry in self._units.items() for other in entry.get("aka", ())}
        self._base = {name: self._resolve(name) for name in self._units}

    def __contains__(self, name: object) -> bool:
        return name in self._units

    def names(self) -> tuple[str, ...]:
        """All units, in the order of the file."""
        return tuple(self._units)

    def shows(self, name: str) -> str:
        """What the page prints for a unit."""
        return str(self._units.get(name, {}).get("shows", name))

    def ucum(self, name: str) -> str:
        """The UCUM code of a unit (https://ucum.org)."""
        return str(self._units.get(name, {}).get("ucum", name))

    def near(self, name: str) -> str:
        """The unit that was probably meant: another spelling, else the nearest name; empty when none is near."""
        return self._aka.get(name) or nearest(name, self._units)

    def compatible(self, one: str, other: str) -> bool:
        """Whether amounts convert between two units."""
        if one == other:
            return True
        return one in self._base and other in self._base and self._base[one][1] == self._base[other][1]

    def convert(self, amount: Decimal, source: str, target: str) -> Decimal | None:
        """Return the amount in ``target``; None when the units do not convert."""
        if source == target:
            return amount
        if not self.compatible(source, target):
            return None
        return amount * self._base[source][0] / self._base[target][0]

    def quantity(self, text: str) -> tuple[Decimal, str] | None:
        """Read ``"60 g/L"``: amount and unit as written (the unit may be unknown); None when it is no such text."""
        amount, _, unit = text.strip().partition(" ")
        plain = amount.removeprefix("-").replace(".", "", 1)
        if not unit.strip() or not plain.isdigit() or not plain.isascii() or len(plain) > 28:
            return None
        return Decimal(amount), unit.strip()

    def _resolve(self, name: str) -> tuple[Decimal, str]:
        factor, unit, seen = Decimal(1), name, {name}
        while (equals := self._units[unit].get("equals")) is not None:
            read = self.quantity(str(equals))
            if read is None or read[1] not in self._units or read[1] in seen:
                raise ExpressionError(f'unit {name}: "{equals}" is no conversion', 'an amount and a unit: "0.01 m"')
            factor, unit = factor * read[0], read[1]
            seen.add(unit)
        return factor, unit
