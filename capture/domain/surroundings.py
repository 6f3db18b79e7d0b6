"""What stands around a record when its rules run: the participant's facts, visits and other records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from capture.domain.values import Data
from trials.records.domain.expressions import UNKNOWN, Blank, Value


@dataclass(frozen=True, slots=True)
class VisitMoment:
    """One visit as rules see it; ``due`` is its first possible day, for a visit without a date of its own."""

    id: str
    code: str
    ordinal: int
    repeat: int = 0
    actual: date | None = None
    due: date | None = None


def in_order(visits: Iterable[VisitMoment]) -> tuple[VisitMoment, ...]:
    """Return visits in the order in which they happen: by date where known, else after the visit before it.

    >>> scr, d0 = VisitMoment("a", "SCR", 1, 0, date(2026, 1, 5)), VisitMoment("b", "D0", 2, 0, date(2026, 2, 1))
    >>> uns = VisitMoment("c", "UNS", 9, 1, date(2026, 1, 20))
    >>> [visit.code for visit in in_order([uns, d0, scr])]
    ['SCR', 'UNS', 'D0']
    """
    carried = date.min
    keyed: list[tuple[date, int, int, VisitMoment]] = []
    for visit in sorted(visits, key=lambda each: (each.repeat > 0, each.ordinal, each.repeat)):
        known = visit.actual or visit.due
        if not visit.repeat:
            carried = max(carried, known) if known else carried
        keyed.append((known or carried, visit.ordinal, visit.repeat, visit))
    return tuple(each[3] for each in sorted(keyed, key=lambda each: each[:3]))


@dataclass(frozen=True, slots=True)
class OtherRecord:
    """Another record of the participant: ``visit`` is empty for logs and forms kept once."""

    id: str
    form: str
    visit: str
    row: int | None
    data: Data


@dataclass(slots=True)
class Surroundings:
    """Everything a participant's rules can read outside the record in hand.

    ``records`` holds what the rules in question read, no more; ``nothing`` the logs declared empty; ``expected``
    pairs of
    form and visit code; ``doses`` the amounts of the assigned level by product.
    """

    facts: dict[str, Value | Blank] = field(default_factory=dict)
    visits: tuple[VisitMoment, ...] = ()
    records: Sequence[OtherRecord] = ()
    nothing: frozenset[str] = frozenset()
    expected: frozenset[tuple[str, str]] = frozenset()
    doses: Mapping[str, Decimal] = field(default_factory=dict)
    _by_place: dict[tuple[str, str], list[OtherRecord]] | None = None

    def at(self, form: str, visit: str) -> list[OtherRecord]:
        """Return the records of a form at a visit; ``visit`` empty for a log (its rows in order) or a form kept
        once."""
        if self._by_place is None:
            self._by_place = {}
            for record in sorted(self.records, key=lambda each: each.row or 0):
                self._by_place.setdefault((record.form, record.visit), []).append(record)
        return self._by_place.get((form, visit), [])

    def before_infusion(self, visit: VisitMoment) -> bool:
        """Whether a visit lies before the first infusion, by its first possible day; false while nobody was infused."""
        infused = self.facts.get("infused_on", UNKNOWN)
        day = visit.due or visit.actual
        return isinstance(infused, date) and day is not None and day < infused
