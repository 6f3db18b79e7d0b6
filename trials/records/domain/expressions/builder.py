"""The walk over the tree: names become inputs, the rest is handed to the module that knows it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from trials.records.domain.expressions import arithmetic, functions, inputs, logic
from trials.records.domain.expressions.compiled import Node
from trials.records.domain.expressions.errors import ExpressionError, nearest
from trials.records.domain.expressions.inputs import Found
from trials.records.domain.expressions.reader import LANGUAGE, segment, short
from trials.records.domain.expressions.scope import RowsSymbol, RuleSymbol, Scope
from trials.records.domain.expressions.types import BOOLEAN, NUMBER, TEXT, Reference, Type

TIMES = ("baseline", "previous", "latest")


class Builder:
    """Builds the nodes of one expression; collects what it refers to. ``frames`` are the rows walked around a rule."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.frames: list[RowsSymbol] = []
        self.references: set[Reference] = set()
        self.facts: set[str] = set()

    def shown(self, node: ast.AST) -> str:
        """The text of a part, for messages."""
        return short(segment(self.text, node))

    def build(self, node: ast.expr) -> Node:
        """Return the compiled part, or raise ExpressionError."""
        return _BUILDERS[type(node)](self, node)

    def build_boolean(self, node: ast.expr) -> Node:
        """Return a part that must be a yes/no value."""
        built = self.build(node)
        if built.type.kind != "boolean":
            raise ExpressionError(f'"{self.shown(node)}" is a {built.type.shown}', "a yes/no value or a comparison")
        return built

    def build_number(self, node: ast.expr) -> Node:
        """Return a part that must be a number."""
        built = self.build(node)
        if built.type.kind != "number":
            raise ExpressionError(f'"{self.shown(node)}" is a {built.type.shown}', "a number")
        return built

    def literal(self, node: ast.expr) -> str | None:
        """The text of a quoted part; None for everything else."""
        return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None

    def inside(self, rows: RowsSymbol, node: ast.expr, build: Callable[[ast.expr], Node]) -> Node:
        """Build a rule or an item as seen from inside one row."""
        self.frames.append(rows)
        try:
            return build(node)
        finally:
            self.frames.pop()

    def find(self, node: ast.expr) -> Found:
        """Return what ``NAME``, ``FORM.NAME`` or ``NAME[WHEN]`` means."""
        if isinstance(node, ast.Subscript):
            found = self.find(node.value)
            if isinstance(node.value, ast.Subscript) or found.in_row or not found.dated:
                raise ExpressionError(f'"{self.shown(node.value)}" has no value at another time', "a captured item")
            return found.at(self.when(node.slice))
        if isinstance(node, ast.Attribute):
            return self._member(node)
        if isinstance(node, ast.Name):
            return self._bare(node)
        raise ExpressionError(f'"{self.shown(node)}" is not a name', "a name, FORM.ITEM or name[WHEN]")

    def when(self, node: ast.expr) -> str:
        """Return the time in brackets: a visit's own code, baseline, previous, latest, or a range of these."""
        if not isinstance(node, ast.Slice):
            return self._time(self.shown(node))
        if node.lower is None or node.upper is None or node.step is not None:
            raise ExpressionError(f'"{self.shown(node)}" is no range of visits', "first:last, such as D0:D28")
        return f"{self._time(self.shown(node.lower))}:{self._time(self.shown(node.upper))}"

    def _time(self, written: str) -> str:
        code = "".join(written.split())
        if code in TIMES:
            return code
        visit = self.scope.visit(code)
        if visit is None:
            near = nearest(code, (*TIMES, *self.scope.visits()))
            raise ExpressionError(f'"{code}" is not a visit', "a visit, baseline, previous or latest", near)
        return visit

    def _bare(self, node: ast.Name) -> Found:
        for hops, rows in enumerate(reversed(self.frames)):
            found = inputs.in_row(rows, node.id, hops)
            if found is not None:
                return found
        symbol = self.scope.symbol(node.id)
        if symbol is None:
            around = [name for rows in self.frames for name in (*rows.items, *rows.facts)]
            near = nearest(node.id, (*around, *self.scope.names()))
            expected = "" if near or node.id not in functions.FUNCTIONS else functions.FUNCTIONS[node.id].signature
            raise ExpressionError(f'nothing is called "{node.id}" here', expected, near)
        return Found(symbol, len(self.frames))

    def _member(self, node: ast.Attribute) -> Found:
        if not isinstance(node.value, ast.Name):
            raise ExpressionError(f'"{self.shown(node)}" is not a name', "FORM.ITEM with one dot")
        form, name = node.value.id, node.attr
        symbol = self.scope.member(form, name)
        if symbol is None:
            known = tuple(self.scope.names(form))
            near = nearest(name, known) if known else nearest(form, self.scope.names())
            suggestion = f"{form}.{near}" if known and near else near
            raise ExpressionError(f'nothing is called "{form}.{name}" here', near=suggestion)
        return Found(symbol, len(self.frames))


def fold(node: Node, text: str) -> Node:
    """Return a part that needs no context as the constant it is."""
    if not node.parts or not all(part.constant for part in node.parts):
        return node
    try:
        value = node.run(None)
    except ArithmeticError:
        raise ExpressionError(f'"{text}" cannot be calculated', "smaller numbers") from None
    return Node(node.type, lambda _: value, constant=True, ranged=node.ranged)


def _name(builder: Builder, node: ast.expr) -> Node:
    if isinstance(node, ast.Name) and node.id in {"true", "false"}:
        truth = node.id == "true"
        return Node(BOOLEAN, lambda _: truth, constant=True)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        raise _lone_range(builder.shown(node))
    found = builder.find(node)
    if not isinstance(found.symbol, RuleSymbol):
        return inputs.leaf(builder, found, builder.shown(node))
    builder.references |= found.symbol.rule.references
    builder.facts |= found.symbol.rule.facts
    return inputs.rule(found.symbol.rule, found.hops)


def _lone_range(shown: str) -> ExpressionError:
    return ExpressionError(f'the range in "{shown}" stands alone', f"a range inside a function: min({shown})")


def _constant(builder: Builder, node: ast.expr) -> Node:
    assert isinstance(node, ast.Constant)
    if isinstance(node.value, str):
        quantity = _quantity(builder, node.value)
        text = node.value
        return quantity or Node(TEXT, lambda _: text, constant=True)
    written = builder.shown(node)
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        near = written.lower() if isinstance(node.value, bool) else ""
        raise ExpressionError(f'"{written}" is not part of the language', "" if near else LANGUAGE, near)
    amount = _decimal(written)
    return Node(NUMBER, lambda _: amount, constant=True)


def _decimal(written: str) -> Decimal:
    """Read a number from its own text, never from the float that the parser made of it."""
    try:
        amount = Decimal(written)
    except InvalidOperation:
        amount = None
    if amount is None or "_" in written or len(written) > 28 or not -30 < amount.adjusted() < 30:
        raise ExpressionError(f'"{written}" is not a number of the language', "a decimal number of at most 28 digits")
    return amount


def _quantity(builder: Builder, text: str) -> Node | None:
    read = builder.scope.units.quantity(text)
    if read is None:
        return None
    amount, unit = read
    if unit not in builder.scope.units:
        raise ExpressionError(f'unknown unit "{unit}"', near=builder.scope.units.near(unit))
    return Node(Type("number", unit=unit), lambda _: amount, constant=True)


def _unary(builder: Builder, node: ast.expr) -> Node:
    assert isinstance(node, ast.UnaryOp)
    if isinstance(node.op, ast.Not):
        return fold(logic.negation(builder.build_boolean(node.operand)), builder.shown(node))
    operand = builder.build_number(node.operand)
    return operand if isinstance(node.op, ast.UAdd) else fold(arithmetic.minus(operand), builder.shown(node))


def _binary(builder: Builder, node: ast.expr) -> Node:
    assert isinstance(node, ast.BinOp)
    return fold(arithmetic.binary(builder, node), builder.shown(node))


def _boolean(builder: Builder, node: ast.expr) -> Node:
    assert isinstance(node, ast.BoolOp)
    parts = tuple(builder.build_boolean(value) for value in node.values)
    return fold(logic.junction(parts, settled=isinstance(node.op, ast.Or)), builder.shown(node))


def _compare(builder: Builder, node: ast.expr) -> Node:
    assert isinstance(node, ast.Compare)
    return fold(logic.comparison(builder, node), builder.shown(node))


def _choice(builder: Builder, node: ast.expr) -> Node:
    assert isinstance(node, ast.IfExp)
    return fold(logic.choice(builder, node), builder.shown(node))


def _call(builder: Builder, node: ast.expr) -> Node:
    assert isinstance(node, ast.Call)
    return functions.call(builder, node)


def _refused(builder: Builder, node: ast.expr) -> Node:
    raise ExpressionError(f'"{builder.shown(node)}" cannot stand here', "a list after in, not in or in has_any()")


_BUILDERS: dict[type[ast.expr], Callable[[Builder, ast.expr], Node]] = {
    ast.Name: _name,
    ast.Attribute: _name,
    ast.Subscript: _name,
    ast.Constant: _constant,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _choice,
    ast.Call: _call,
    ast.List: _refused,
    ast.Slice: _refused,
}
