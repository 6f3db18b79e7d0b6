"""From text to a compiled expression."""

from __future__ import annotations

from trials.records.domain.expressions.arithmetic import scaled
from trials.records.domain.expressions.builder import Builder
from trials.records.domain.expressions.compiled import Compiled, Node
from trials.records.domain.expressions.errors import ExpressionError
from trials.records.domain.expressions.reader import clean, read
from trials.records.domain.expressions.scope import Scope

_EXPECTED = {"boolean": "a yes/no value", "date": "a date", "choices": "several codes"}
_FULFILS = {("date", "datetime"), ("text", "code"), ("code", "text")}


def compile_expression(
    text: str, scope: Scope, *, expects: str | None = "boolean", unit: str | None = None
) -> Compiled:
    """Read, type and compile one expression.

    ``expects`` is a kind of Type ("boolean", "number", "date" — which a date and time also fulfils —, "code", …), None
    for any. ``unit`` is the unit of the item that a formula fills: a result of another unit is converted or refused,
    one of a product or quotient of several units is taken as it is. Raises ExpressionError, the first mistake found.
    """
    cleaned = clean(text)
    tree = read(cleaned)
    builder = Builder(cleaned, scope)
    node = _as_expected(builder.build(tree), cleaned, expects)
    if unit is not None and node.type.unit is not None:
        node = _in_unit(node, cleaned, unit, scope)
    return Compiled(cleaned, node.type, frozenset(builder.references), frozenset(builder.facts), node)


def _as_expected(node: Node, text: str, expects: str | None) -> Node:
    kind = node.type.kind
    if expects is not None and kind != expects and (expects, kind) not in _FULFILS:
        shown = "yes/no value" if kind == "boolean" else kind
        raise ExpressionError(f'"{text}" gives a {shown}', _EXPECTED.get(expects, f"a {expects}"))
    return node


def _in_unit(node: Node, text: str, unit: str, scope: Scope) -> Node:
    assert node.type.unit is not None
    if not scope.units.compatible(node.type.unit, unit):
        raise ExpressionError(f'"{text}" gives a value in {node.type.unit}', f"a unit that converts to {unit}")
    return scaled(node, node.type.unit, unit, scope.units)
