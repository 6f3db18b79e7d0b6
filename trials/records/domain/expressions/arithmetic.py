"""Calculation with units: + - * / and powers with a settled exponent."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from trials.records.domain.expressions import ranges
from trials.records.domain.expressions.compiled import Node, Run
from trials.records.domain.expressions.errors import ExpressionError
from trials.records.domain.expressions.types import Type, number
from trials.records.domain.expressions.units import UnitTable
from trials.records.domain.expressions.values import UNKNOWN, Range

if TYPE_CHECKING:
    from trials.records.domain.expressions.builder import Builder

MAX_EXPONENT = 10
Operate = Callable[[Any, Any], Any]


def lifted(operate: Operate, left: Node, right: Node) -> Run:
    """Return a closure of two operands that is unknown when one is; a constant operand is looked up only here."""
    one, other = left.run, right.run
    if right.constant and (settled := other(None)) is not UNKNOWN:

        def run_left(context: Any) -> Any:
            value = one(context)
            return UNKNOWN if value is UNKNOWN else operate(value, settled)

        return run_left

    def run(context: Any) -> Any:
        first = one(context)
        if first is UNKNOWN:
            return UNKNOWN
        second = other(context)
        return UNKNOWN if second is UNKNOWN else operate(first, second)

    return run


def mapped(operate: Callable[[Any], Any], node: Node) -> Run:
    """Return a closure of one operand that is unknown when it is."""
    inner = node.run

    def run(context: Any) -> Any:
        value = inner(context)
        return UNKNOWN if value is UNKNOWN else operate(value)

    return run


def _quotient(one: Decimal, other: Decimal) -> Any:
    return one / other if other else UNKNOWN


def _ranged(operate: Operate) -> Operate:
    return lambda one, other: ranges.combine_ends(operate, one, other)


_PLAIN: dict[type[ast.operator], Operate] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _quotient,
}
_RANGED: dict[type[ast.operator], Operate] = {
    ast.Add: _ranged(operator.add),
    ast.Sub: _ranged(operator.sub),
    ast.Mult: _ranged(operator.mul),
    ast.Div: ranges.divide,
}


def calculated(sign: type[ast.operator], left: Node, right: Node, result: Type) -> Node:
    """Return the node of + - * / over two numbers."""
    ranged = left.ranged or right.ranged
    operate = (_RANGED if ranged else _PLAIN)[sign]
    return Node(result, lifted(operate, left, right), (left, right), ranged=ranged)


def minus(operand: Node) -> Node:
    """Return the node of a sign."""
    if not operand.ranged:
        return Node(operand.type, mapped(operator.neg, operand), (operand,))
    turned = mapped(lambda value: ranges.combine_ends(operator.mul, value, Decimal(-1)), operand)
    return Node(operand.type, turned, (operand,), ranged=True)


def binary(builder: Builder, node: ast.BinOp) -> Node:
    """Return the node of a calculation, with its unit."""
    left, right = _operand(builder, node.left), _operand(builder, node.right)
    if isinstance(node.op, ast.Pow):
        return _power(builder, node, left, right)
    sign = type(node.op)
    if sign in {ast.Add, ast.Sub}:
        return calculated(sign, left, right, equal_units(builder, (node.left, left), (node.right, right)))
    turn = 1 if sign is ast.Mult else -1
    return calculated(sign, left, right, product(left.type, right.type, turn, builder.scope.units))


def equal_units(builder: Builder, *operands: tuple[ast.expr, Node]) -> Type:
    """Return the common unit of the operands of a sum, or raise ExpressionError."""
    (first_part, first), *others = operands
    for part, other in others:
        if first.type.dimensions == other.type.dimensions:
            continue
        refuse_bare_number(builder, (first_part, first), (part, other))
        raise ExpressionError(
            f'"{builder.shown(first_part)}" is in {_unit(first.type)}, "{builder.shown(part)}" in {_unit(other.type)}',
            "equal units",
        )
    return number(dict(first.type.dimensions))


def refuse_bare_number(builder: Builder, *operands: tuple[ast.expr, Node]) -> None:
    """Raise ExpressionError when a bare number stands beside a value with a unit."""
    for (part, node), (other_part, other) in (operands, operands[::-1]):
        if node.constant and node.type.plain and other.type.unit is not None:
            raise ExpressionError(
                f'"{builder.shown(other_part)}" is in {other.type.unit}; the number {builder.shown(part)} has no unit',
                f'"{builder.shown(part)} {other.type.unit}" in quotes',
            )


def product(one: Type, other: Type, turn: int, units: UnitTable) -> Type:
    """Return the type of a product (``turn`` 1) or a quotient (-1); equal units of a quotient cancel out."""
    powers: dict[str, Fraction] = dict(one.dimensions)
    for name, power in other.dimensions:
        powers[name] = powers.get(name, Fraction(0)) + turn * power
    left = {name: power for name, power in powers.items() if power}
    above = [name for name, power in left.items() if power == 1]
    below = [name for name, power in left.items() if power == -1]
    if len(left) == 2 and above and below and f"{above[0]}/{below[0]}" in units:
        return Type("number", unit=f"{above[0]}/{below[0]}")
    return number(left)


def scaled(node: Node, source: str, target: str, units: UnitTable) -> Node:
    """Return the value converted from one unit to another that it converts to."""
    if source == target:
        return node

    def convert(value: Any) -> Any:
        if isinstance(value, Range):
            lo, hi = (None if end is None else units.convert(end, source, target) for end in (value.lo, value.hi))
            return Range(lo, hi)
        return units.convert(value, source, target)

    if node.constant:
        amount = convert(node.run(None))
        return Node(Type("number", unit=target), lambda _: amount, constant=True)
    return Node(Type("number", unit=target), mapped(convert, node), (node,), ranged=node.ranged)


def _operand(builder: Builder, part: ast.expr) -> Node:
    built = builder.build(part)
    if built.type.kind == "number":
        return built
    if built.type.kind in {"date", "datetime"}:
        raise ExpressionError(f'"{builder.shown(part)}" is a date', "days_after(), months_after() or days_between()")
    raise ExpressionError(f'"{builder.shown(part)}" is a {built.type.shown}, not a number', "a number")


def _power(builder: Builder, node: ast.BinOp, base: Node, exponent: Node) -> Node:
    power = exponent.run(None) if exponent.constant and exponent.type.plain else None
    if not isinstance(power, Decimal) or abs(power) > MAX_EXPONENT:
        raise ExpressionError(
            f'"{builder.shown(node.right)}" is no exponent of the language',
            f"a plain number from -{MAX_EXPONENT} to {MAX_EXPONENT}",
        )
    settled = power

    def raised(value: Any) -> Any:
        if isinstance(value, Range) or (not value and settled <= 0):
            return UNKNOWN
        try:
            return value**settled
        except InvalidOperation:
            return UNKNOWN

    result = number({name: each * Fraction(power) for name, each in base.type.dimensions})
    return Node(result, mapped(raised, base), (base,))


def _unit(kind: Type) -> str:
    return kind.shown if not kind.plain else "no unit"
