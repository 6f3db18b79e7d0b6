"""Clinical functions: change from baseline, normal ranges, scores, doses, time at a grade, and choices of several."""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from trials.records.domain.expressions import inputs, ranges
from trials.records.domain.expressions.arithmetic import calculated, equal_units, lifted, mapped
from trials.records.domain.expressions.compiled import Node
from trials.records.domain.expressions.errors import ExpressionError
from trials.records.domain.expressions.inputs import Found
from trials.records.domain.expressions.logic import settle, words
from trials.records.domain.expressions.scope import FactSymbol, GroupSymbol, ItemSymbol
from trials.records.domain.expressions.types import BOOLEAN, NUMBER, Type, number
from trials.records.domain.expressions.values import UNKNOWN, Blank, threshold

if TYPE_CHECKING:
    from trials.records.domain.expressions.builder import Builder


def _item(builder: Builder, part: ast.expr, expected: str) -> tuple[Found, ItemSymbol]:
    found = builder.find(part)
    if not isinstance(found.symbol, ItemSymbol) or found.in_row or ":" in found.when:
        raise ExpressionError(f'"{builder.shown(part)}" is not an item', expected)
    return found, found.symbol


def change(builder: Builder, node: ast.Call) -> Node:
    """The value now minus the value at baseline, in the item's unit."""
    found, symbol = _item(builder, node.args[0], "change(ITEM)")
    now = builder.build_number(node.args[0])
    before = inputs.leaf(builder, found.at("baseline"), builder.shown(node.args[0]))
    return calculated(ast.Sub, now, before, number(dict(symbol.type.dimensions)))


def percent_change(builder: Builder, node: ast.Call) -> Node:
    """100 times (new - old) / old, a plain number; unknown when old is 0."""
    new, old = (builder.build_number(part) for part in node.args)
    equal_units(builder, (node.args[0], new), (node.args[1], old))

    def plain(after: Decimal, before: Decimal) -> Any:
        return 100 * (after - before) / before if before else UNKNOWN

    def ranged(after: Any, before: Any) -> Any:
        ratio = ranges.divide(after, before)
        if ratio is UNKNOWN:
            return UNKNOWN
        shifted = ranges.combine_ends(lambda one, other: one - other, ratio, Decimal(1))
        return ranges.combine_ends(lambda one, other: one * other, shifted, Decimal(100))

    loose = new.ranged or old.ranged
    return Node(NUMBER, lifted(ranged if loose else plain, new, old), (new, old), ranged=loose)


def upper_limit(builder: Builder, node: ast.Call) -> Node:
    """The upper limit of normal, in the item's unit."""
    return _limit(builder, node, "uln")


def lower_limit(builder: Builder, node: ast.Call) -> Node:
    """The lower limit of normal, in the item's unit."""
    return _limit(builder, node, "lln")


def _limit(builder: Builder, node: ast.Call, limit: Literal["uln", "lln"]) -> Node:
    found, symbol = _item(builder, node.args[0], f"{limit}(ITEM)")
    shown = builder.shown(node.args[0])
    if not symbol.lab:
        raise ExpressionError(f'"{shown}" has no normal range', "an item with lab: true")
    inputs.note(builder, found)
    form, item, when, to = symbol.form, symbol.item, found.when, inputs.climb(found.hops)
    read = inputs.held("number", f"{limit}({shown})", lambda context: to(context).normal_range(form, item, when, limit))
    return Node(number(dict(symbol.type.dimensions)), read, reference=found.reference)


def score(builder: Builder, node: ast.Call) -> Node:
    """The points of an item, or the sum of a group; unknown while one answer is missing."""
    part = node.args[0]
    found = builder.find(part)
    if isinstance(found.symbol, GroupSymbol):
        scored = [each for each in found.symbol.items if _scores(each)]
        sources = [Found(each, found.hops, found.when) for each in scored]
    else:
        sources = [found]
    if not sources:
        raise ExpressionError(f'"{builder.shown(part)}" has no item with points', "items with a weight or a scale")
    nodes = tuple(_points(builder, source, builder.shown(part)) for source in sources)
    runs = tuple(each.run for each in nodes)

    def run(context: Any) -> Any:
        added = Decimal(0)
        for points in runs:
            value = points(context)
            if value is UNKNOWN:
                return UNKNOWN
            added += value
        return added

    return Node(NUMBER, run, nodes)


def _scores(item: ItemSymbol) -> bool:
    return not item.derived and (item.weight is not None or (item.type.kind == "number" and item.type.plain))


def _points(builder: Builder, found: Found, shown: str) -> Node:
    symbol = found.symbol
    if not isinstance(symbol, ItemSymbol) or not (symbol.weight is not None or symbol.type.kind == "number"):
        raise ExpressionError(f'"{shown}" has no points', "an item with a weight or a scale, or a group of these")
    answer = inputs.leaf(builder, found, shown)
    if symbol.type.kind == "number":
        return answer
    points, none = symbol.weight, Decimal(0)
    return Node(NUMBER, mapped(lambda value: points if value is True else none, answer), (answer,))


def planned_dose(builder: Builder, node: ast.Call) -> Node:
    """The amount of the assigned dose level for a product, in the unit of the study's dose."""
    part = node.args[0]
    text = builder.literal(part)
    product = builder.build(part) if text is None else settle(builder, text, Type("code"), "product")
    if product.type.kind not in {"code", "text"}:
        raise ExpressionError(f'"{builder.shown(part)}" is a {product.type.shown}', "a product")
    to, ask = inputs.climb(len(builder.frames)), product.run

    def planned(context: Any) -> Any:
        code = ask(context)
        return UNKNOWN if code is UNKNOWN else to(context).planned_dose(code)

    read = inputs.held("number", "planned_dose()", planned)
    return Node(Type("number", unit=builder.scope.dose_unit), read, (product,))


def hours_at_grade(builder: Builder, node: ast.Call) -> Node:
    """Hours of the event at the grade or above; a range while it can still grow."""
    return _time_at_grade(builder, node, "hours")


def days_at_grade(builder: Builder, node: ast.Call) -> Node:
    """Days of the event at the grade or above; a range while it can still grow."""
    return _time_at_grade(builder, node, "days")


def _time_at_grade(builder: Builder, node: ast.Call, unit: Literal["hours", "days"]) -> Node:
    grade = _whole(builder, node.args[0], 1, 5, "a grade from 1 to 5")
    name = f"{unit}_at_grade"
    if builder.scope.symbol("grade") is None:
        raise ExpressionError(f'"{builder.shown(node)}" needs a graded event', "a rule of a graded form")
    to = inputs.climb(len(builder.frames))
    reference = Found(FactSymbol(name, NUMBER), 0).reference

    def run(context: Any) -> Any:
        value = to(context).at_grade(Decimal(grade), unit)
        return UNKNOWN if value.__class__ is Blank else value

    return Node(NUMBER, run, reference=reference, ranged=True)


def _whole(builder: Builder, part: ast.expr, least: int, most: int, expected: str) -> int:
    built = builder.build(part)
    value = built.run(None) if built.constant else None
    if not isinstance(value, Decimal) or value not in range(least, most + 1):
        raise ExpressionError(f'"{builder.shown(part)}" cannot stand here', expected)
    return int(value)


def at_least(builder: Builder, node: ast.Call) -> Node:
    """Whether at least n of the rules are true."""
    rules = tuple(builder.build_boolean(part) for part in node.args[1:])
    least = _whole(builder, node.args[0], 1, len(rules), f"a whole number from 1 to {len(rules)}, the number of rules")
    runs: tuple[Callable[[Any], Any], ...] = tuple(rule.run for rule in rules)
    return Node(BOOLEAN, lambda context: threshold(least, *(run(context) for run in runs)), rules)


def has_any(builder: Builder, node: ast.Call) -> Node:
    """Whether one of the listed codes is chosen."""
    chosen = builder.build(node.args[0])
    shown = builder.shown(node.args[0])
    if chosen.type.kind != "choices":
        raise ExpressionError(f'"{shown}" does not hold several codes', "an item of type choices")
    wanted = words(builder, node.args[1], Type("code", codes=chosen.type.codes), shown)
    return Node(BOOLEAN, mapped(lambda value: not wanted.isdisjoint(value), chosen), (chosen,))
