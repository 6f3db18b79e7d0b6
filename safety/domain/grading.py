"""What a grade is: a number with its working, or an honest "not evaluable" with what is missing.

A scale is a set of tables of data. A table is read from its first row; the first row that fits decides, so the more
severe rows stand first. A finding that was not recorded (``None``) is never taken as absent: the table is read once for
each value the finding could have, and the grade is given only if all of them agree. "Not evaluable" is never grade 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Final

type_of_value = bool | int | Decimal | str
Value = type_of_value | None

UNMARKED: Final = "V2"
"""Certainty of a row that was read in a copy of the published table."""

_COMPARE: Final[Mapping[str, Callable[[Decimal, Decimal], bool]]] = {
    "<": lambda found, limit: found < limit,
    "<=": lambda found, limit: found <= limit,
    ">": lambda found, limit: found > limit,
    ">=": lambda found, limit: found >= limit,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One cell of a table: a finding compared with a value (``is``, ``in``, ``<``, ``<=``, ``>``, ``>=``).

    >>> Condition("flow", "<=", Decimal(6)).holds({"flow": Decimal("6.1")})
    False
    """

    finding: str
    test: str
    value: type_of_value | tuple[str, ...]

    def holds(self, findings: Mapping[str, Value]) -> bool:
        """True if the finding fits; a finding that does not apply (``None``) never does."""
        found = findings[self.finding]
        if found is None:
            return False
        if self.test == "is":
            return found == self.value
        if self.test == "in":
            return isinstance(self.value, tuple) and found in self.value
        if isinstance(found, str) or isinstance(self.value, (str, tuple)):
            raise TypeError(f"{self.finding} {self.test} {self.value!r} compares words")
        return _COMPARE[self.test](Decimal(found), Decimal(self.value))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a grading table: its grade (0 to 5), when it fits, its words, its source and how certain it is.

    ``words`` may name findings in braces; ``raises`` says what a person would have to see for this row to apply.
    ``certainty``: V read in the source, V2 in a copy of its table, M recalled, R our reading of an ambiguity.
    """

    rule_id: str
    grade: int
    when: tuple[Condition, ...]
    words: str
    source: str
    raises: str = ""
    certainty: str = UNMARKED

    def fits(self, findings: Mapping[str, Value]) -> bool:
        """True if every condition holds; a row without conditions always fits."""
        return all(condition.holds(findings) for condition in self.when)


Table = tuple[Row, ...]


def first_row(table: Table, findings: Mapping[str, Value]) -> Row:
    """The first row that fits. Every table ends with a row without conditions, so there always is one."""
    return next(row for row in table if row.fits(findings))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know about a grade; ``query`` asks the site to answer it."""

    code: str
    text: str
    query: bool = False
    certainty: str = ""

    def __str__(self) -> str:
        mark = f" [{self.certainty}]" if self.certainty in {"M", "R"} else ""
        return f"{self.text}{mark}"


@dataclass(frozen=True, slots=True)
class Grading:
    """A grade of 0 to 5 with its working, or not evaluable.

    ``grade`` is None exactly when ``evaluable`` is false; then ``at_least`` and ``at_most`` are what the recorded
    findings still allow, and ``missing`` names what would settle it. ``active``: a sign of the event is present now
    (None = not known). ``begins``: this finding may start an episode. ``would_raise``: what would raise the grade.
    """

    scale: str
    grade: int | None
    evaluable: bool
    at_least: int
    at_most: int
    working: str
    rule_id: str
    source: str
    certainty: str = UNMARKED
    missing: tuple[str, ...] = ()
    would_raise: tuple[str, ...] = ()
    warnings: tuple[Notice, ...] = ()
    active: bool | None = None
    begins: bool | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one table says of findings that may be incomplete: the rows that remain possible, and why several do."""

    rows: tuple[Row, ...]
    unknown: tuple[str, ...]

    @property
    def grades(self) -> tuple[int, ...]:
        """The grades that remain possible, rising."""
        return tuple(sorted({row.grade for row in self.rows}))

    @property
    def row(self) -> Row:
        """The row that decides, or the mildest that remains possible."""
        return min(self.rows, key=lambda row: row.grade)


def _filled(findings: Mapping[str, Value], candidates: Mapping[str, Sequence[Value]]) -> Iterator[dict[str, Value]]:
    blank = [name for name in candidates if findings.get(name) is None]
    for values in product(*(candidates[name] for name in blank)):
        yield {**findings, **dict(zip(blank, values, strict=True))}


def read_table(table: Table, findings: Mapping[str, Value], candidates: Mapping[str, Sequence[Value]]) -> Reading:
    """Read a table with every value that a blank finding could have.

    ``candidates`` gives, for each finding that a blank leaves open, one value on each side of every limit of the table.
    ``unknown`` names the blanks that alone can change the grade.

    >>> high = Row("HIGH", 3, (Condition("flow", ">", 6),), "high flow", "example")
    >>> low = Row("LOW", 2, (), "low flow", "example")
    >>> reading = read_table((high, low), {"flow": None}, {"flow": (Decimal(6), Decimal("6.1"))})
    >>> reading.grades, reading.unknown
    ((2, 3), ('flow',))
    """
    outcomes = [(world, first_row(table, world)) for world in _filled(findings, candidates)]
    rows = tuple(dict.fromkeys(row for _, row in outcomes))
    blanks = [name for name in candidates if findings.get(name) is None]
    return Reading(rows, tuple(name for name in blanks if _decides(name, outcomes)))


def _decides(name: str, outcomes: Sequence[tuple[dict[str, Value], Row]]) -> bool:
    """True if two worlds that differ in this finding alone give different grades."""
    seen: dict[tuple[tuple[str, Value], ...], set[int]] = {}
    for world, row in outcomes:
        others = tuple(sorted((key, value) for key, value in world.items() if key != name))
        seen.setdefault(others, set()).add(row.grade)
    return any(len(grades) > 1 for grades in seen.values())


def join_words(parts: Sequence[str], last: str = "and") -> str:
    """Join words as a sentence does.

    >>> join_words(["fever", "hypotension", "oxygen"])
    'fever, hypotension and oxygen'
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"
