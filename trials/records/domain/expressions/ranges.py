"""Arithmetic and order of numbers of which only a range is known, and of partial dates. All functions are sound: they
give a certain answer only when every value inside the ranges gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import Any

from trials.records.domain.dates import PartialDate, bounds
from trials.records.domain.expressions.values import UNKNOWN, Blank, Range, spread

INFINITE = Decimal("Infinity")
Ends = tuple[Any, Any]


def ends(value: Any) -> Ends:
    """Return the least and the most possible value of a number or a date."""
    if isinstance(value, Range):
        return (
            -INFINITE if value.lo is None else value.lo,
            INFINITE if value.hi is None else value.hi,
        )
    if isinstance(value, PartialDate | date | datetime):
        return bounds(value)
    return value, value


def from_ends(lo: Decimal, hi: Decimal) -> Decimal | Range:
    """Return the number or the range between two ends, which may be infinite.

    >>> from_ends(Decimal(1), INFINITE)
    Range(lo=Decimal('1'), hi=None)
    """
    return spread(lo if lo.is_finite() else None, hi if hi.is_finite() else None)


def less(one: Any, other: Any) -> bool | Blank:
    """Whether ``one < other``; unknown while it can still turn.

    >>> less(Range(Decimal(2), None), Decimal(2)), less(Range(Decimal(2), None), Decimal(3))
    (False, <Blank.UNKNOWN: 'unknown'>)
    """
    (lo, hi), (other_lo, other_hi) = ends(one), ends(other)
    if hi < other_lo:
        return True
    return False if lo >= other_hi else UNKNOWN


def less_equal(one: Any, other: Any) -> bool | Blank:
    """Whether ``one <= other``; unknown while it can still turn."""
    (lo, hi), (other_lo, other_hi) = ends(one), ends(other)
    if hi <= other_lo:
        return True
    return False if lo > other_hi else UNKNOWN


def equal(one: Any, other: Any) -> bool | Blank:
    """Whether both are the same; unknown while it can still turn.

    >>> equal(PartialDate.parse("2026-11"), date(2026, 12, 1)), equal(PartialDate.parse("2026-11"), date(2026, 11, 1))
    (False, <Blank.UNKNOWN: 'unknown'>)
    """
    (lo, hi), (other_lo, other_hi) = ends(one), ends(other)
    if hi < other_lo or other_hi < lo:
        return False
    return True if lo == hi == other_lo == other_hi else UNKNOWN


ORDER: dict[str, Callable[[Any, Any], bool | Blank]] = {
    "<": less,
    "<=": less_equal,
    ">": lambda one, other: less(other, one),
    ">=": lambda one, other: less_equal(other, one),
    "==": equal,
    "!=": lambda one, other: UNKNOWN if (same := equal(one, other)) is UNKNOWN else not same,
}


def combine_ends(operate: Callable[[Decimal, Decimal], Decimal], one: Any, other: Any) -> Decimal | Range | Blank:
    """Return the range of + - * / over two ranges; UNKNOWN where it is undefined. A divisor must not span 0.

    >>> combine_ends(lambda a, b: a * b, Range(Decimal(0), None), Decimal(-2))
    Range(lo=None, hi=Decimal('0'))
    """
    corners = []
    for left, right in product(ends(one), ends(other)):
        try:
            corners.append(operate(left, right))
        except InvalidOperation:
            # 0 times without bound: the zero end is reached, the infinite one is not.
            if left and right:
                return UNKNOWN
            corners.append(Decimal(0))
    # Adding 0 turns the -0 of a product into 0.
    return from_ends(min(corners) + 0, max(corners) + 0)


def divide(one: Any, other: Any) -> Decimal | Range | Blank:
    """Return the quotient of two ranges; division by zero, or by a range that spans it, is unknown."""
    lo, hi = ends(other)
    if lo <= 0 <= hi:
        return UNKNOWN
    return combine_ends(lambda left, right: left / right, one, other)


def absolute(value: Any) -> Decimal | Range:
    """Return the range of the absolute value.

    >>> absolute(Range(Decimal(-3), Decimal(2)))
    Range(lo=Decimal('0'), hi=Decimal('3'))
    """
    lo, hi = ends(value)
    least = Decimal(0) if lo <= 0 <= hi else min(abs(lo), abs(hi))
    return from_ends(least, max(abs(lo), abs(hi)))
