"""Yes/no values: and, or, not, if else, comparisons, lists, and the three states of an input."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trials.records.domain.expressions import ranges
from trials.records.domain.expressions.arithmetic import equal_units, lifted, mapped, refuse_bare_number, scaled
from trials.records.domain.expressions.compiled import Node, Run
from trials.records.domain.expressions.errors import ExpressionError, nearest
from trials.records.domain.expressions.types import BOOLEAN, Type
from trials.records.domain.expressions.values import NOT_APPLICABLE, NOT_DONE, UNKNOWN, Range

if TYPE_CHECKING:
    from trials.records.domain.expressions.builder import Builder

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_STATES = {"known": None, "not_done": NOT_DONE, "not_applicable": NOT_APPLICABLE}
_WORDS = {"text", "code"}
_DATES = {"date", "datetime"}


def negation(part: Node) -> Node:
    """Return Kleene's not."""
    return Node(BOOLEAN, mapped(operator.not_, part), (part,))


def junction(parts: tuple[Node, ...], *, settled: bool) -> Node:
    """Return Kleene's or (``settled`` True: true wins) or and (``settled`` False: false wins)."""
    answers = [part.run(None) for part in parts if part.constant]
    if settled in answers:
        return Node(BOOLEAN, lambda _: settled, constant=True)
    left = tuple(part for part in parts if not part.constant or part.run(None) is UNKNOWN)
    if not left:
        return Node(BOOLEAN, lambda _: not settled, constant=True)
    if len(left) == 1:
        return left[0]
    runs = tuple(part.run for part in left)
    return Node(BOOLEAN, _pair(*runs, settled) if len(runs) == 2 else _several(runs, settled), left)


def _pair(one: Run, other: Run, settled: bool) -> Run:
    def run(context: Any) -> Any:
        first = one(context)
        if first is settled:
            return settled
        second = other(context)
        return second if second is settled or first is not UNKNOWN else UNKNOWN

    return run


def _several(runs: tuple[Run, ...], settled: bool) -> Run:
    def run(context: Any) -> Any:
        answer: Any = not settled
        for part in runs:
            value = part(context)
            if value is settled:
                return settled
            if value is UNKNOWN:
                answer = UNKNOWN
        return answer

    return run


def choice(builder: Builder, node: ast.IfExp) -> Node:
    """Return ``value if rule else value``; unknown while the rule is."""
    test, then, other = builder.build_boolean(node.test), builder.build(node.body), builder.build(node.orelse)
    ask, yes, no = test.run, then.run, other.run

    def run(context: Any) -> Any:
        answer = ask(context)
        if answer is UNKNOWN:
            return UNKNOWN
        return yes(context) if answer else no(context)

    def waits(context: Any) -> Any:
        return (test if ask(context) is UNKNOWN else then if ask(context) else other).missing(context)

    result = _joined(builder, (node.body, then), (node.orelse, other))
    return Node(result, run, (test, then, other), waits=waits, ranged=then.ranged or other.ranged)


def _joined(builder: Builder, then: tuple[ast.expr, Node], other: tuple[ast.expr, Node]) -> Type:
    one, two = then[1].type, other[1].type
    if one.kind == two.kind == "number":
        return equal_units(builder, then, other)
    if one.kind == two.kind:
        codes = tuple(dict.fromkeys((*one.codes, *two.codes))) if one.codes and two.codes else None
        return Type(one.kind, codes=codes)
    if {one.kind, two.kind} == _DATES:
        return Type("date")
    if {one.kind, two.kind} == _WORDS:
        return Type("code")
    raise ExpressionError(
        f'"{builder.shown(then[0])}" is a {one.shown}, "{builder.shown(other[0])}" a {two.shown}',
        "two values of one kind on both sides of else",
    )


def comparison(builder: Builder, node: ast.Compare) -> Node:
    """Return a comparison, a chain of two, ``in``, or ``is STATE``."""
    operands = [node.left, *node.comparators]
    special = any(isinstance(op, ast.In | ast.NotIn | ast.Is | ast.IsNot) for op in node.ops)
    if len(node.ops) > 2 or (special and len(node.ops) > 1):
        raise ExpressionError(
            f'"{builder.shown(node)}" compares too much at once', "at most a <= b <= c, joined by and"
        )
    first = node.ops[0]
    if isinstance(first, ast.Is | ast.IsNot):
        return _state(builder, node.left, node.comparators[0], turned=isinstance(first, ast.IsNot))
    if isinstance(first, ast.In | ast.NotIn):
        found = _membership(builder, node.left, node.comparators[0])
        return negation(found) if isinstance(first, ast.NotIn) else found
    pairs = tuple(
        _compared(builder, left, _SIGNS[type(op)], right)
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False)
    )
    return pairs[0] if len(pairs) == 1 else junction(pairs, settled=False)


def _compared(builder: Builder, left: ast.expr, sign: str, right: ast.expr) -> Node:
    texts = builder.literal(left), builder.literal(right)
    if texts[0] is not None and texts[1] is not None:
        raise ExpressionError(
            f'"{builder.shown(left)}" and "{builder.shown(right)}" are both fixed', "a name on one side"
        )
    if texts[0] is not None:
        other = builder.build(right)
        one = settle(builder, texts[0], other.type, builder.shown(right))
    elif texts[1] is not None:
        one = builder.build(left)
        other = settle(builder, texts[1], one.type, builder.shown(left))
    else:
        one, other = _aligned(builder, (left, builder.build(left)), (right, builder.build(right)), sign)
    _check_order(builder, (left, one), sign)
    if {one.type.kind, other.type.kind} == {"date", "datetime"} or one.type.kind == "date":
        return Node(BOOLEAN, lifted(ranges.ORDER[sign], one, other), (one, other))
    table = ranges.ORDER if one.ranged or other.ranged else _PLAIN
    return Node(BOOLEAN, lifted(table[sign], one, other), (one, other))


def _check_order(builder: Builder, side: tuple[ast.expr, Node], sign: str) -> None:
    kind = side[1].type.kind
    if kind == "choices":
        raise ExpressionError(f'"{builder.shown(side[0])}" holds several codes', f'"A" in {builder.shown(side[0])}')
    if sign not in {"==", "!="} and kind in {"boolean", "text", "code"}:
        what = {"boolean": "A yes/no value has", "text": "Text has", "code": "Codes have"}[kind]
        raise ExpressionError(
            f'{what} no order: "{builder.shown(side[0])}" {sign} ...', '"==", "!=" or a list after in'
        )


def _aligned(
    builder: Builder, left: tuple[ast.expr, Node], right: tuple[ast.expr, Node], sign: str
) -> tuple[Node, Node]:
    """Return both sides in one unit, or raise ExpressionError when they are not of one kind."""
    one, other = left[1], right[1]
    kinds = {one.type.kind, other.type.kind}
    if kinds == {"number"}:
        return one, _in_unit_of(builder, left, right, sign)
    if kinds in (_DATES, _WORDS) or (len(kinds) == 1 and not _disjoint(one.type, other.type)):
        return one, other
    shown = f'"{builder.shown(left[0])}" is a {one.type.shown}, "{builder.shown(right[0])}" a {other.type.shown}'
    raise ExpressionError(shown, "values of one kind" if len(kinds) > 1 else "two code lists with a code in common")


def _disjoint(one: Type, other: Type) -> bool:
    return bool(one.codes and other.codes) and not set(one.codes or ()) & set(other.codes or ())


def _in_unit_of(builder: Builder, left: tuple[ast.expr, Node], right: tuple[ast.expr, Node], sign: str) -> Node:
    one, other = left[1], right[1]
    if one.type.dimensions == other.type.dimensions:
        for scale, number in ((left, right), (right, left)):
            if scale[1].type.scale and number[1].constant and sign in {"==", "!="}:
                _check_code(str(number[1].run(None)), scale[1].type, builder.shown(scale[0]))
        return other
    refuse_bare_number(builder, left, right)
    units = builder.scope.units
    if one.type.unit is None or other.type.unit is None or not units.compatible(one.type.unit, other.type.unit):
        expected = f"a unit that converts to {one.type.unit}" if one.type.unit else "a number without a unit"
        raise ExpressionError(f'"{builder.shown(right[0])}" cannot be compared with {_described(one.type)}', expected)
    return scaled(other, other.type.unit, one.type.unit, units)


def _described(kind: Type) -> str:
    return "a plain number" if kind.plain else f"a value in {kind.shown}"


def _check_code(code: str, kind: Type, shown: str) -> None:
    codes = kind.codes or ()
    known = {Decimal(each) for each in codes} if kind.scale else set(codes)
    if known and (Decimal(code) if kind.scale else code) not in known:
        near = nearest(code, codes)
        raise ExpressionError(f'"{code}" is not a code of {shown}', f"one of {', '.join(codes)}", near)


def settle(builder: Builder, text: str, kind: Type, shown: str) -> Node:
    """Return a quoted text as what stands beside it: a quantity in its unit, a code of its list, or text."""
    if kind.kind == "number":
        return _settled_quantity(builder, text, kind, shown)
    if kind.kind == "code":
        _check_code(text, kind, shown)
    if kind.kind in _WORDS:
        return Node(kind, lambda _: text, constant=True)
    expected = {"boolean": "the name alone, or not and the name", "choices": f'"{text}" in {shown}'}
    raise ExpressionError(f'"{text}" cannot be compared with a {kind.shown}', expected.get(kind.kind, f"a {kind.kind}"))


def _settled_quantity(builder: Builder, text: str, kind: Type, shown: str) -> Node:
    units = builder.scope.units
    read = units.quantity(text)
    if read is None or kind.plain:
        number = text.strip().replace(".", "", 1).isdigit()
        expected = f'a number with its unit: "100 {kind.unit}"' if kind.unit else "a number without a unit and quotes"
        if number and kind.unit:
            raise ExpressionError(
                f'"{shown}" is in {kind.unit}; the number {text} has no unit', f'"{text} {kind.unit}"'
            )
        raise ExpressionError(f'"{text}" cannot be compared with {_described(kind)}', expected)
    amount, unit = read
    if unit not in units:
        raise ExpressionError(f'unknown unit "{unit}"', near=units.near(unit))
    converted = None if kind.unit is None else units.convert(amount, unit, kind.unit)
    if converted is None:
        expected = f"a unit that converts to {kind.unit}" if kind.unit else "values whose units cancel out"
        raise ExpressionError(f'"{text}" cannot be compared with {_described(kind)}', expected)
    return Node(Type("number", unit=kind.unit), lambda _: converted, constant=True)


def words(builder: Builder, node: ast.expr, kind: Type, shown: str) -> frozenset[Any]:
    """Return the settled values of a list beside a value of this kind."""
    if not isinstance(node, ast.List) or not node.elts:
        raise ExpressionError(f'"{builder.shown(node)}" is not a list', '["A", "B"]')
    return frozenset(_member(builder, each, kind, shown) for each in node.elts)


def _member(builder: Builder, node: ast.expr, kind: Type, shown: str) -> Any:
    text = builder.literal(node)
    if text is not None:
        return settle(builder, text, kind, shown).run(None)
    built = builder.build(node)
    if not built.constant or built.type.kind != kind.kind or kind.kind != "number":
        raise ExpressionError(
            f'"{builder.shown(node)}" cannot stand in this list', "quoted codes, or numbers of a scale"
        )
    if not kind.plain:
        expected = f'"{builder.shown(node)} {kind.unit}" in quotes'
        raise ExpressionError(f'"{shown}" is in {kind.shown}; the number {builder.shown(node)} has no unit', expected)
    if kind.scale:
        _check_code(str(built.run(None)), kind, shown)
    return built.run(None)


def _membership(builder: Builder, left: ast.expr, right: ast.expr) -> Node:
    text = builder.literal(left)
    if text is not None:
        chosen = builder.build(right) if not isinstance(right, ast.List) else None
        if chosen is None or chosen.type.kind != "choices":
            raise ExpressionError(
                f'"{builder.shown(right)}" does not hold several codes', "a name before in, or choices"
            )
        _check_code(text, chosen.type, builder.shown(right))
        return Node(BOOLEAN, mapped(lambda value: text in value, chosen), (chosen,))
    one = builder.build(left)
    if one.type.kind == "choices":
        raise ExpressionError(f'"{builder.shown(left)}" holds several codes', f"has_any({builder.shown(left)}, [...])")
    if one.type.kind not in {"number", "code", "text"} or one.ranged:
        raise ExpressionError(f'"{builder.shown(left)}" cannot be looked up in a list', "a code, a text or a number")
    settled = words(builder, right, one.type, builder.shown(left))
    return Node(BOOLEAN, mapped(settled.__contains__, one), (one,))


def _state(builder: Builder, left: ast.expr, right: ast.expr, *, turned: bool) -> Node:
    word = right.id if isinstance(right, ast.Name) else builder.shown(right)
    if word not in _STATES:
        near = nearest(word, _STATES)
        raise ExpressionError(f'"is {word}" is not a state', "known, not_done or not_applicable", near)
    part, state = builder.build(left), _STATES[word]
    if state is None:
        return Node(BOOLEAN, _known(part.run, turned))
    if part.raw is None:
        raise ExpressionError(f'"{builder.shown(left)}" has no state {word}', "the name of an item")
    raw = part.raw
    return Node(BOOLEAN, lambda context: (raw(context) is state) is not turned)


def _known(inner: Run, turned: bool) -> Run:
    def run(context: Any) -> bool:
        value = inner(context)
        return (value is UNKNOWN or isinstance(value, Range)) is turned

    return run
