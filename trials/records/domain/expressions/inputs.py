"""Inputs: how a name reaches its value while an expression runs, and how the value's type is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trials.records.domain.dates import PartialDate
from trials.records.domain.expressions.compiled import Compiled, Node, Run
from trials.records.domain.expressions.errors import ExpressionError, ExpressionFault, NotEvaluable
from trials.records.domain.expressions.scope import (
    ConstantSymbol,
    FactSymbol,
    ItemSymbol,
    RowsSymbol,
    Rule,
    Symbol,
)
from trials.records.domain.expressions.types import Kind, Reference, Type
from trials.records.domain.expressions.values import UNKNOWN, Blank

if TYPE_CHECKING:
    from trials.records.domain.expressions.builder import Builder

_CLASSES: dict[Kind, tuple[type, ...]] = {
    "boolean": (bool,),
    "number": (Decimal,),
    "text": (str,),
    "code": (str,),
    "choices": (frozenset,),
    "date": (date, datetime, PartialDate),
    "datetime": (datetime,),
    "time": (time,),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means, how many rows outward it is found (``hops``), at what time, and in which rows."""

    symbol: Symbol
    hops: int
    when: str = ""
    rows: RowsSymbol | None = None

    @property
    def in_row(self) -> bool:
        """Whether the name belongs to a row that is being walked."""
        return self.rows is not None

    @property
    def dated(self) -> bool:
        """Whether the name can be asked at another time."""
        return isinstance(self.symbol, ItemSymbol | RowsSymbol)

    def at(self, when: str) -> Found:
        """The same at another time."""
        return replace(self, when=when)

    @property
    def reference(self) -> Reference:
        """The reference of an item, of rows or of a fact."""
        if isinstance(self.symbol, ItemSymbol):
            return Reference(self.symbol.form, self.symbol.item, self.when, self.rows.name if self.rows else "")
        if isinstance(self.symbol, RowsSymbol):
            return Reference(self.symbol.form, "", self.when, self.symbol.name)
        return Reference("", self.symbol.name if isinstance(self.symbol, FactSymbol) else "")


def in_row(rows: RowsSymbol, name: str, hops: int) -> Found | None:
    """Return what a bare name means inside a row: its item, a group in it, its fact, or the row's own code."""
    symbol: Symbol | None = rows.items.get(name) or rows.groups.get(name)
    if symbol is None and name in rows.facts:
        symbol = FactSymbol(name, rows.facts[name])
    if symbol is None and name == "row" and rows.codes is not None:
        symbol = FactSymbol("row", Type("code", codes=rows.codes))
    return None if symbol is None else Found(symbol, hops, rows=rows)


def climb(hops: int) -> Callable[[Any], Any]:
    """Return the way from a frame to the one (or the context) that lies ``hops`` outward."""
    if hops == 0:
        return lambda context: context
    if hops == 1:
        return lambda context: context.outer

    def outward(context: Any) -> Any:
        for _ in range(hops):
            context = context.outer
        return context

    return outward


def held(kind: Kind, name: str, raw: Run) -> Run:
    """Return an input that is a known value of the kind, or UNKNOWN; a value of another kind is a fault."""
    first = _CLASSES[kind][0]

    def run(context: Any) -> Any:
        value = raw(context)
        return value if value.__class__ is first else _unusual(value, kind, name)

    return run


def _held_item(symbol: ItemSymbol, when: str, name: str) -> Run:
    """``held`` of a record's own item, with one call less: most inputs of most checks are these."""
    form, item, kind = symbol.form, symbol.item, symbol.type.kind
    first = _CLASSES[kind][0]

    def run(context: Any) -> Any:
        value = context.value(form, item, when)
        return value if value.__class__ is first else _unusual(value, kind, name)

    return run


def _unusual(value: Any, kind: Kind, name: str) -> Any:
    if value.__class__ is Blank:
        return UNKNOWN
    if isinstance(value, _CLASSES[kind]):
        return value
    if kind == "number" and isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise ExpressionFault(f"{name} holds {value!r}, which is not a {kind}")


def leaf(builder: Builder, found: Found, shown: str) -> Node:
    """Return the node of an item, a fact or a constant."""
    symbol = found.symbol
    if isinstance(symbol, ConstantSymbol):
        value = symbol.value
        return Node(symbol.type, lambda _: value, constant=True)
    if isinstance(symbol, ItemSymbol | FactSymbol):
        if isinstance(symbol, ItemSymbol) and symbol.rows and not found.in_row:
            raise ExpressionError(
                f'"{shown}" stands in the rows of {symbol.rows}', f"a function over rows: any({symbol.rows}, ...)"
            )
        note(builder, found)
        raw = raw_value(found)
        if isinstance(symbol, ItemSymbol) and not found.in_row and not found.hops:
            run = _held_item(symbol, found.when, shown)
        else:
            run = held(symbol.type.kind, shown, raw)
        return Node(symbol.type, run, reference=found.reference, raw=raw)
    several = "rows" if isinstance(symbol, RowsSymbol) else "items"
    example = f"count({shown}, ...)" if several == "rows" else f"score({shown})"
    raise ExpressionError(f'"{shown}" has {several}, not one value', f"one item, or a function: {example}")


def note(builder: Builder, found: Found) -> None:
    """Remember the input among the expression's references or facts."""
    if isinstance(found.symbol, FactSymbol) and not found.in_row:
        builder.facts.add(found.symbol.name)
    elif isinstance(found.symbol, ItemSymbol | RowsSymbol):
        builder.references.add(found.reference)


def raw_value(found: Found) -> Run:
    """Return the input as the context gives it, with its null flavour."""
    symbol, to = found.symbol, climb(found.hops)
    if isinstance(symbol, FactSymbol):
        name = symbol.name
        if found.in_row:
            return (lambda frame: to(frame).row.code) if name == "row" else (lambda frame: to(frame).row.fact(name))
        return (lambda context: context.fact(name)) if not found.hops else (lambda frame: to(frame).fact(name))
    assert isinstance(symbol, ItemSymbol)
    form, item, when = symbol.form, symbol.item, found.when
    if found.in_row:
        return (lambda frame: frame.row.value(item)) if not found.hops else (lambda frame: to(frame).row.value(item))
    if not found.hops:
        return lambda context: context.value(form, item, when)
    return lambda frame: to(frame).value(form, item, when)


def rule(named: Rule, hops: int) -> Node:
    """Return the node of a population or a definition."""
    to = climb(hops)
    if isinstance(named, Compiled):
        inner = named.node

        def run(context: Any) -> Any:
            return inner.run(to(context))

        constant = inner.constant
        return Node(named.type, run, waits=lambda c: inner.missing(to(c)), constant=constant, ranged=inner.ranged)

    def answer(context: Any) -> Any:
        value = named.evaluate(to(context))
        if isinstance(value, NotEvaluable):
            raise ExpressionFault(value.cause)
        return value

    return Node(named.type, answer, waits=lambda context: named.waits_for(to(context)))
