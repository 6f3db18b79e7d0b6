"""Where the values come from when an expression runs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, Protocol

from trials.records.domain.expressions.errors import NotEvaluable
from trials.records.domain.expressions.values import Blank, Range, Value

Answer = Value | Literal[Blank.UNKNOWN] | NotEvaluable
"""What an expression gives: a value, UNKNOWN, or NotEvaluable (a fault, never a blank)."""


class Row(Protocol):
    """One row of a log or of a group with rows."""

    @property
    def code(self) -> str | None:
        """The fixed row's code (the fact ``row``); None for rows that were added."""

    def value(self, item: str) -> Value | Blank:
        """Return the row's value, in the item's unit."""

    def fact(self, name: str) -> Value | Blank:
        """Return a fact of the row, such as ``grade``."""

    def rows(self, group: str) -> Sequence[Row] | None:
        """Return the rows of a group inside this row (a log record with a repeating group)."""


class Context(Protocol):
    """The values of one participant at one moment. Nothing here is ever guessed: what is not there is a Blank."""

    def value(self, form: str, item: str, when: str) -> Value | Blank:
        """Return an item's value in the item's unit; ``when`` as in Reference (empty: this visit, this record)."""

    def series(self, form: str, item: str, first: str, last: str) -> Sequence[Value | Blank]:
        """Return the item at each visit of the range, both ends included, in order; a Blank where not known yet."""

    def rows(self, form: str, group: str, when: str) -> Sequence[Row] | None:
        """Return the rows; None when nobody has opened the log or marked it "none" (the count is unknown, not 0)."""

    def fact(self, name: str) -> Value | Blank:
        """Return a fact that the system knows."""

    def normal_range(self, form: str, item: str, when: str, limit: Literal["uln", "lln"]) -> Decimal | Blank:
        """Return the site's limit of normal on the sample's date, in the item's unit."""

    def at_grade(self, grade: Decimal, unit: Literal["hours", "days"]) -> Decimal | Range | Blank:
        """Return the time of the event at this grade or above; ``Range(so_far, None)`` while it can still grow."""

    def participants(self, form: str) -> Sequence[Sequence[Row] | None]:
        """Return the rows of the form for each participant of the group that the rule looks at."""

    def planned_dose(self, product: str) -> Decimal | Blank:
        """Return the amount of the assigned dose level for a product, in the scope's ``dose_unit``."""


class Frame:
    """One row seen from inside a rule over rows; ``outer`` is the context (or the frame) around it."""

    __slots__ = ("outer", "row")

    def __init__(self, outer: object, row: Row) -> None:
        self.outer = outer
        self.row = row
