"""Functions over rows. Counts are ranges: the least and the most that the blanks still allow."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trials.records.domain.expressions.builder_tools import Rows, rows, series
from trials.records.domain.expressions.compiled import Node
from trials.records.domain.expressions.context import Frame, Row
from trials.records.domain.expressions.errors import ExpressionError
from trials.records.domain.expressions.types import BOOLEAN, NUMBER, Reference, number
from trials.records.domain.expressions.values import UNKNOWN, Range, conjoin, disjoin, spread

if TYPE_CHECKING:
    from trials.records.domain.expressions.builder import Builder

UNOPENED = Range(Decimal(0), None)
Gather = Callable[[list[Any]], Any]
_TRUE = Node(BOOLEAN, lambda _: True, constant=True)


def _tally(answers: list[Any]) -> Decimal | Range:
    certain = sum(answer is True for answer in answers)
    return spread(Decimal(certain), Decimal(certain + sum(answer is UNKNOWN for answer in answers)))


def count(builder: Builder, node: ast.Call) -> Node:
    """How many rows (or visits of a range) fulfil the rule."""
    return _ruled(builder, node, NUMBER, _tally, UNOPENED)


def any_of(builder: Builder, node: ast.Call) -> Node:
    """Whether one row (or visit of a range) fulfils the rule."""
    return _ruled(builder, node, BOOLEAN, lambda answers: disjoin(*answers), UNKNOWN)


def every(builder: Builder, node: ast.Call) -> Node:
    """Whether every row fulfils the rule; true without rows."""
    return _ruled(builder, node, BOOLEAN, lambda answers: conjoin(*answers), UNKNOWN)


def _ruled(builder: Builder, node: ast.Call, kind: Any, gather: Gather, unopened: Any) -> Node:
    over = series(builder, node) if len(node.args) == 1 else None
    if over is not None:
        if over.type.kind != "boolean":
            shown = builder.shown(node.args[0])
            raise ExpressionError(
                f'"{shown}" is a {over.type.shown}', f"a yes/no item, or min({shown}) and max({shown})"
            )
        values = over.run
        return Node(kind, lambda context: gather(values(context)), reference=over.reference, ranged=kind is NUMBER)
    source = rows(builder, node.args[0])
    if len(node.args) == 1 and kind is BOOLEAN:
        raise ExpressionError(f'"{builder.shown(node)}" has no rule', "any(rows, rule), or count(rows) > 0")
    rule = builder.inside(source.symbol, node.args[1], builder.build_boolean) if len(node.args) == 2 else _TRUE
    read, ask = source.run, rule.run

    def run(context: Any) -> Any:
        found = read(context)
        return unopened if found is None else gather([ask(Frame(context, row)) for row in found])

    return Node(kind, run, waits=_waits(source, rule), ranged=kind is NUMBER)


def _waits(source: Rows, *parts: Node) -> Callable[[Any], tuple[Reference, ...]]:
    """What keeps rows unknown: the log itself while it is unopened, else the blanks of its rows."""

    def waits(context: Any) -> tuple[Reference, ...]:
        found = source.run(context)
        if found is None:
            return (source.reference,)
        frames = [Frame(context, row) for row in found]
        return tuple(each for frame in frames for part in parts for each in part.missing(frame))

    return waits


def _item_and_rule(builder: Builder, node: ast.Call) -> tuple[Rows, Node, Node]:
    source = rows(builder, node.args[0])
    item = builder.inside(source.symbol, node.args[1], builder.build)
    rule = builder.inside(source.symbol, node.args[2], builder.build_boolean) if len(node.args) == 3 else _TRUE
    return source, item, rule


def distinct(builder: Builder, node: ast.Call) -> Node:
    """How many different values the item has among the rows that fulfil the rule."""
    source, item, rule = _item_and_rule(builder, node)
    read, value, ask = source.run, item.run, rule.run

    def run(context: Any) -> Any:
        found = read(context)
        if found is None:
            return UNOPENED
        frames = [Frame(context, row) for row in found]
        return _different([(ask(frame), value(frame)) for frame in frames])

    return Node(NUMBER, run, waits=_waits(source, rule, item), ranged=True)


def _different(answers: list[tuple[Any, Any]]) -> Decimal | Range:
    """Range of the number of different values: a blank value may repeat one, or be a new one."""
    certain = [value for answer, value in answers if answer is True]
    possible = [value for answer, value in answers if answer is not False]
    sure = {value for value in certain if value is not UNKNOWN}
    most = len({value for value in possible if value is not UNKNOWN}) + sum(value is UNKNOWN for value in possible)
    return spread(Decimal(max(len(sure), min(1, len(certain)))), Decimal(most))


def total(builder: Builder, node: ast.Call) -> Node:
    """The sum of the item over all rows; unknown while one is blank."""
    source = rows(builder, node.args[0])
    item = builder.inside(source.symbol, node.args[1], builder.build_number)
    read, value = source.run, item.run

    def run(context: Any) -> Any:
        found = read(context)
        values: list[Any] = [UNKNOWN] if found is None else [value(Frame(context, row)) for row in found]
        unknown = any(each is UNKNOWN or isinstance(each, Range) for each in values)
        return UNKNOWN if unknown else sum(values, Decimal(0))

    return Node(number(dict(item.type.dimensions)), run, waits=_waits(source, item))


def first(builder: Builder, node: ast.Call) -> Node:
    """The item of the first row that fulfils the rule; unknown when none does."""
    return _one(builder, node, lambda found: found)


def last(builder: Builder, node: ast.Call) -> Node:
    """The item of the last row that fulfils the rule; unknown when none does."""
    return _one(builder, node, lambda found: found[::-1])


def _one(builder: Builder, node: ast.Call, order: Callable[[Sequence[Row]], Sequence[Row]]) -> Node:
    source, item, rule = _item_and_rule(builder, node)
    read, value, ask = source.run, item.run, rule.run

    def run(context: Any) -> Any:
        for row in order(read(context) or ()):
            answer = ask(frame := Frame(context, row))
            if answer is not False:
                return value(frame) if answer is True else UNKNOWN
        return UNKNOWN

    return Node(item.type, run, waits=_waits(source, rule, item), ranged=item.ranged)


def participants(builder: Builder, node: ast.Call) -> Node:
    """How many participants have a row of the form that fulfils the rule."""
    source = rows(builder, node.args[0])
    if source.symbol.group or source.reference.when:
        raise ExpressionError(f'"{builder.shown(node.args[0])}" is not a log form', "a form with rows, such as AE")
    if builder.frames:
        raise ExpressionError(f'"{builder.shown(node)}" stands inside rows', "participants() outside of other rows")
    form, ask = source.symbol.form, builder.inside(source.symbol, node.args[1], builder.build_boolean).run

    def run(context: Any) -> Any:
        answers = [
            UNKNOWN if found is None else disjoin(*(ask(Frame(context, row)) for row in found))
            for found in context.participants(form)
        ]
        return _tally(answers)

    return Node(NUMBER, run, reference=source.reference, ranged=True)
