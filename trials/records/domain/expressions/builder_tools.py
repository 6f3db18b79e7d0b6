"""Ranges of visits and rows: what the functions that gather values share."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trials.records.domain.expressions import inputs
from trials.records.domain.expressions.compiled import Run
from trials.records.domain.expressions.context import Row
from trials.records.domain.expressions.errors import ExpressionError
from trials.records.domain.expressions.inputs import Found, climb, held, note
from trials.records.domain.expressions.scope import ItemSymbol, RowsSymbol
from trials.records.domain.expressions.types import Reference, Type

if TYPE_CHECKING:
    from trials.records.domain.expressions.builder import Builder


@dataclass(frozen=True, slots=True)
class Series:
    """An item at the visits of a range: ``run`` gives the values, UNKNOWN where blank."""

    type: Type
    run: Run
    reference: Reference


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that a function walks: ``run`` gives them, None when the log was never opened."""

    symbol: RowsSymbol
    run: Run
    reference: Reference


def series(builder: Builder, node: ast.Call) -> Series | None:
    """Return the range of visits when it is the only value of the function; None when there is no range."""
    part = node.args[0]
    if not (isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Slice)):
        _refuse_hidden_range(builder, node)
        return None
    if len(node.args) > 1:
        raise ExpressionError(f'"{builder.shown(node)}" mixes a range with other values', "the range alone")
    found = builder.find(part)
    symbol = found.symbol
    if not isinstance(symbol, ItemSymbol) or symbol.rows:
        raise ExpressionError(f'"{builder.shown(part.value)}" has no value at each visit', "an item of a visit form")
    note(builder, found)
    first, _, last = found.when.partition(":")
    form, item, to = symbol.form, symbol.item, climb(found.hops)
    hold = held(symbol.type.kind, builder.shown(part.value), lambda value: value)

    def run(context: Any) -> Sequence[Any]:
        return [hold(value) for value in to(context).series(form, item, first, last)]

    return Series(symbol.type, run, found.reference)


def _refuse_hidden_range(builder: Builder, node: ast.Call) -> None:
    """A range inside a calculation is refused with the order that would do: ``min(x[a:b]) <= 1``."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    for part in ast.walk(node.args[0]):
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Slice) and len(node.args) == 1:
            shown, whole = builder.shown(part), builder.shown(node.args[0])
            inner = whole.replace(shown, f"{'min' if name in {'any', 'count'} else name}({shown})")
            raise ExpressionError(f'the range in "{whole}" stands alone', inner)


def rows(builder: Builder, part: ast.expr) -> Rows:
    """Return the rows of a log form or of a group, or raise ExpressionError when the name has none."""
    found = builder.find(part)
    symbol = found.symbol
    if not isinstance(symbol, RowsSymbol) or ":" in found.when:
        raise ExpressionError(f'"{builder.shown(part)}" has no rows', "a log form, or a group that repeats or has rows")
    note(builder, found)
    return Rows(symbol, _source(found, symbol), found.reference)


def _source(found: Found, symbol: RowsSymbol) -> Run:
    form, group, when, to = symbol.form, symbol.group, found.when, inputs.climb(found.hops)
    if found.in_row:
        return lambda frame: to(frame).row.rows(group)

    def run(context: Any) -> Sequence[Row] | None:
        found_rows: Sequence[Row] | None = to(context).rows(form, group, when)
        return found_rows

    return run
