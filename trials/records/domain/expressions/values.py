"""What an expression can be worth: values, the blanks, and numbers of which only a range is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Final

from trials.records.domain.dates import PartialDate


class Blank(Enum):
    """Why an input has no value. Rules see only "unknown"; ``is not_done`` and ``is not_applicable`` ask for the
    reason.

    A blank is neither true nor false: asking for its truth raises TypeError, so that no caller takes unknown for false.
    """

    UNKNOWN = "unknown"
    NOT_DONE = "not done"
    NOT_APPLICABLE = "not applicable"

    def __bool__(self) -> bool:
        raise TypeError("unknown is neither true nor false: compare with `is True` or `is UNKNOWN`")


UNKNOWN: Final = Blank.UNKNOWN
NOT_DONE: Final = Blank.NOT_DONE
NOT_APPLICABLE: Final = Blank.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Range:
    """A number of which only the least and the most possible value are known; None is without bound.

    >>> Range(Decimal(2), None)
    Range(lo=Decimal('2'), hi=None)
    """

    lo: Decimal | None
    hi: Decimal | None


Value = bool | Decimal | str | date | datetime | time | PartialDate | frozenset[str]
"""A known value: yes/no, number (also of a scale), code or text, date, date and time, time, partial date, codes."""

Outcome = Value | Blank | Range
"""What a part of an expression gives while it runs; the whole gives a Value or UNKNOWN."""


def spread(lo: Decimal | None, hi: Decimal | None) -> Decimal | Range:
    """Return the number itself when both ends agree, else the range.

    >>> spread(Decimal(2), Decimal(2)), spread(Decimal(0), Decimal(1))
    (Decimal('2'), Range(lo=Decimal('0'), hi=Decimal('1')))
    """
    return lo if lo is not None and lo == hi else Range(lo, hi)


def negate(value: Outcome) -> bool | Blank:
    """Kleene's not.

    >>> negate(True), negate(UNKNOWN)
    (False, <Blank.UNKNOWN: 'unknown'>)
    """
    return UNKNOWN if value is UNKNOWN else not value


def conjoin(*values: Outcome) -> bool | Blank:
    """Kleene's and: false wins, then unknown.

    >>> conjoin(UNKNOWN, False), conjoin(True, UNKNOWN), conjoin(True, True)
    (False, <Blank.UNKNOWN: 'unknown'>, True)
    """
    if any(value is False for value in values):
        return False
    return UNKNOWN if any(value is UNKNOWN for value in values) else True


def disjoin(*values: Outcome) -> bool | Blank:
    """Kleene's or: true wins, then unknown.

    >>> disjoin(UNKNOWN, True), disjoin(False, UNKNOWN), disjoin(False, False)
    (True, <Blank.UNKNOWN: 'unknown'>, False)
    """
    if any(value is True for value in values):
        return True
    return UNKNOWN if any(value is UNKNOWN for value in values) else False


def threshold(least: int, *values: Outcome) -> bool | Blank:
    """At least ``least`` of the values are true; unknown only while the answer can still change.

    >>> threshold(2, True, UNKNOWN, False), threshold(2, True, UNKNOWN, True), threshold(2, True, False, False)
    (<Blank.UNKNOWN: 'unknown'>, True, False)
    """
    certain = sum(value is True for value in values)
    if certain >= least:
        return True
    return UNKNOWN if certain + sum(value is UNKNOWN for value in values) >= least else False
