"""Functions of numbers, over a range of visits or over several values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING, Any

from trials.records.domain.expressions import ranges
from trials.records.domain.expressions.arithmetic import calculated, equal_units, mapped
from trials.records.domain.expressions.builder_tools import Series, series
from trials.records.domain.expressions.compiled import Node
from trials.records.domain.expressions.errors import ExpressionError
from trials.records.domain.expressions.types import NUMBER, number
from trials.records.domain.expressions.values import UNKNOWN, Range

if TYPE_CHECKING:
    from trials.records.domain.expressions.builder import Builder

_LN2 = Decimal(2).ln()
Pick = Callable[[Any, Any], Any]


def absolute(builder: Builder, node: ast.Call) -> Node:
    """The absolute value, in the unit of its operand."""
    part = builder.build_number(node.args[0])
    operate: Callable[[Any], Any] = ranges.absolute if part.ranged else abs
    return Node(number(dict(part.type.dimensions)), mapped(operate, part), (part,), ranged=part.ranged)


def rounded(builder: Builder, node: ast.Call) -> Node:
    """Rounded to n decimals, halves away from zero (as on paper, not to the even digit)."""
    part = builder.build_number(node.args[0])
    step = Decimal(1).scaleb(-_digits(builder, node))

    def nearest(value: Decimal) -> Decimal:
        try:
            return value.quantize(step, ROUND_HALF_UP) if value.is_finite() else value
        except InvalidOperation:
            # More digits than the arithmetic keeps: the value has no decimals left to round.
            return value

    def operate(value: Any) -> Any:
        return ranges.from_ends(*map(nearest, ranges.ends(value))) if isinstance(value, Range) else nearest(value)

    return Node(number(dict(part.type.dimensions)), mapped(operate, part), (part,), ranged=part.ranged)


def _digits(builder: Builder, node: ast.Call) -> int:
    if len(node.args) == 1:
        return 0
    given = builder.build(node.args[1])
    digits = given.run(None) if given.constant else None
    if not isinstance(digits, Decimal) or digits not in range(11):
        raise ExpressionError(
            f'"{builder.shown(node.args[1])}" is no number of decimals', "a whole number from 0 to 10"
        )
    return int(digits)


def least(builder: Builder, node: ast.Call) -> Node:
    """The lowest value. Over visits, a blank leaves the known lowest as the most that it can be."""
    return _extreme(builder, node, min, upper=False)


def greatest(builder: Builder, node: ast.Call) -> Node:
    """The highest value. Over visits, a blank leaves the known highest as the least that it can be."""
    return _extreme(builder, node, max, upper=True)


def _extreme(builder: Builder, node: ast.Call, pick: Pick, *, upper: bool) -> Node:
    over = series(builder, node)
    if over is None:
        return _several(builder, node, lambda one, other: _pick_ends(pick, one, other))

    def run(values: Sequence[Any]) -> Any:
        known = [value for value in values if value is not UNKNOWN]
        if not known:
            return UNKNOWN
        best = reduce(pick, known)
        if len(known) == len(values):
            return best
        return Range(best, None) if upper else Range(None, best)

    return _over_visits(builder, node, over, run)


def _pick_ends(pick: Pick, one: Any, other: Any) -> Any:
    if isinstance(one, Range) or isinstance(other, Range):
        return ranges.from_ends(*map(pick, ranges.ends(one), ranges.ends(other)))
    return pick(one, other)


def mean(builder: Builder, node: ast.Call) -> Node:
    """The mean of all values; unknown while one is blank."""
    over = series(builder, node)
    if over is None:
        summed = total(builder, node)
        count = len(node.args)
        divisor = Node(NUMBER, lambda _: Decimal(count), constant=True)
        return calculated(ast.Div, summed, divisor, summed.type)
    return _over_visits(builder, node, over, lambda values: _sum(values, mean=True))


def total(builder: Builder, node: ast.Call) -> Node:
    """The sum of all values; unknown while one is blank."""
    over = series(builder, node)
    if over is not None:
        return _over_visits(builder, node, over, lambda values: _sum(values, mean=False))
    parts = [builder.build_number(part) for part in node.args]
    kind = equal_units(builder, *zip(node.args, parts, strict=True))
    return reduce(lambda one, other: calculated(ast.Add, one, other, kind), parts)


def _sum(values: Sequence[Any], *, mean: bool) -> Any:
    if any(value is UNKNOWN for value in values) or (mean and not values):
        return UNKNOWN
    added = sum(values, Decimal(0))
    return added / len(values) if mean else added


def _several(builder: Builder, node: ast.Call, pick: Pick) -> Node:
    parts = tuple(builder.build_number(part) for part in node.args)
    kind = equal_units(builder, *zip(node.args, parts, strict=True))
    runs = tuple(part.run for part in parts)

    def run(context: Any) -> Any:
        values = [part(context) for part in runs]
        return UNKNOWN if any(value is UNKNOWN for value in values) else reduce(pick, values)

    return Node(kind, run, parts, ranged=any(part.ranged for part in parts))


def _over_visits(builder: Builder, node: ast.Call, over: Series, gather: Callable[[Sequence[Any]], Any]) -> Node:
    if over.type.kind != "number":
        raise ExpressionError(f'"{builder.shown(node.args[0])}" is a {over.type.shown}', "a number at several visits")
    values = over.run
    kind = number(dict(over.type.dimensions))
    return Node(kind, lambda context: gather(values(context)), reference=over.reference, ranged=True)


def square_root(builder: Builder, node: ast.Call) -> Node:
    """The square root; of a negative number unknown."""
    part = builder.build_number(node.args[0])
    operate = _from(lambda value: value >= 0, Decimal.sqrt)
    kind = number({name: power / Fraction(2) for name, power in part.type.dimensions})
    return Node(kind, mapped(operate, part), (part,))


def natural_logarithm(builder: Builder, node: ast.Call) -> Node:
    """The natural logarithm; of 0 and less unknown."""
    part = builder.build_number(node.args[0])
    return Node(NUMBER, mapped(_from(lambda value: value > 0, Decimal.ln), part), (part,))


def binary_logarithm(builder: Builder, node: ast.Call) -> Node:
    """The logarithm to base 2; of 0 and less unknown."""
    part = builder.build_number(node.args[0])
    operate = _from(lambda value: value > 0, lambda value: (value.ln() / _LN2).quantize(Decimal("1e-24")).normalize())
    return Node(NUMBER, mapped(operate, part), (part,))


def _from(defined: Callable[[Decimal], bool], operate: Callable[[Decimal], Decimal]) -> Callable[[Any], Any]:
    return lambda value: operate(value) if not isinstance(value, Range) and defined(value) else UNKNOWN
