"""Functions of time. A partial date gives a range, which the comparison around it settles if it can."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trials.records.domain import dates
from trials.records.domain.dates import AnyDate, PartialDate, bounds
from trials.records.domain.expressions import inputs
from trials.records.domain.expressions.arithmetic import lifted
from trials.records.domain.expressions.compiled import Node
from trials.records.domain.expressions.errors import ExpressionError, ExpressionFault
from trials.records.domain.expressions.inputs import Found
from trials.records.domain.expressions.types import DATE, NUMBER
from trials.records.domain.expressions.values import UNKNOWN, Range, spread

if TYPE_CHECKING:
    from trials.records.domain.expressions.builder import Builder

_MOST_SHIFT = 36_525


def _date(builder: Builder, part: ast.expr) -> Node:
    built = builder.build(part)
    if built.type.kind not in {"date", "datetime"}:
        raise ExpressionError(f'"{builder.shown(part)}" is a {built.type.shown}', "a date")
    return built


def _between(measure: Callable[[date, date], Decimal | int]) -> Callable[[AnyDate, AnyDate], Decimal | Range]:
    """Return the time from one date to another, later is positive; a range when a date is partial."""

    def between(start: AnyDate, end: AnyDate) -> Decimal | Range:
        (first, last), (end_first, end_last) = bounds(start), bounds(end)
        return spread(Decimal(measure(last, end_first)), Decimal(measure(first, end_last)))

    return between


_age = _between(dates.completed_years)
_days = _between(dates.study_day)
_months = _between(dates.months_between)


def age(builder: Builder, node: ast.Call) -> Node:
    """Completed years from the participant's birth to a date."""
    symbol = builder.scope.symbol("birth_date")
    if symbol is None:
        raise ExpressionError("the birth date is not known here", "an expression about a participant")
    found = Found(symbol, len(builder.frames))
    born, on = inputs.leaf(builder, found, "birth_date"), _date(builder, node.args[0])
    return Node(NUMBER, lifted(_age, born, on), (born, on), ranged=True)


def days_between(builder: Builder, node: ast.Call) -> Node:
    """Calendar days from a to b."""
    start, end = (_date(builder, part) for part in node.args)
    return Node(NUMBER, lifted(_days, start, end), (start, end), ranged=True)


def months_between_dates(builder: Builder, node: ast.Call) -> Node:
    """Calendar months from a to b, with the elapsed part of the month begun."""
    start, end = (_date(builder, part) for part in node.args)
    return Node(NUMBER, lifted(_months, start, end), (start, end), ranged=True)


def hours_between(builder: Builder, node: ast.Call) -> Node:
    """Hours from a to b, by the clock of the site; both need a date and a time."""
    start, end = (_date(builder, part) for part in node.args)
    for part, built in zip(node.args, (start, end), strict=True):
        if built.type.kind != "datetime":
            raise ExpressionError(f'"{builder.shown(part)}" is a date without a time', "a date and time")

    def hours(first: Any, last: Any) -> Decimal:
        passed = last - first
        return Decimal(passed.days * 86_400 + passed.seconds) / 3_600

    return Node(NUMBER, lifted(hours, start, end), (start, end))


def _shifted(move: Callable[[date, int], date]) -> Callable[[Any, Any], Any]:
    def shift(value: AnyDate, steps: Any) -> Any:
        if isinstance(steps, Range):
            return UNKNOWN
        if steps != steps.to_integral_value() or abs(steps) > _MOST_SHIFT:
            raise ExpressionFault(f"{steps} is not a whole number up to {_MOST_SHIFT}")
        lo, hi = (move(day, int(steps)) for day in bounds(value))
        return lo if lo == hi else PartialDate(lo, hi)

    return shift


def months_after_date(builder: Builder, node: ast.Call) -> Node:
    """The same day n calendar months later, clipped to the end of a shorter month."""
    day, steps = _date(builder, node.args[0]), builder.build_number(node.args[1])
    return Node(DATE, lifted(_shifted(dates.months_after), day, steps), (day, steps))


def days_after_date(builder: Builder, node: ast.Call) -> Node:
    """The day n days later."""
    day, steps = _date(builder, node.args[0]), builder.build_number(node.args[1])
    return Node(DATE, lifted(_shifted(dates.days_after), day, steps), (day, steps))
