"""Reading the text: Python's expression grammar, cut down by a whitelist and by caps on length, nodes and levels."""

from __future__ import annotations

import ast
import re

from trials.records.domain.expressions.errors import ExpressionError

MAX_TEXT = 2000
MAX_NODES = 200
MAX_LEVELS = 20

_ALLOWED: tuple[type[ast.AST], ...] = (
    ast.BoolOp,
    ast.UnaryOp,
    ast.BinOp,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Slice,
    ast.Constant,
    ast.List,
)
_OPERATORS: tuple[type[ast.AST], ...] = (
    *(ast.And, ast.Or, ast.Not, ast.UAdd, ast.USub, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot, ast.Load),
)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_HINTS = (
    (re.compile(r"(?<![=<>!:])=(?!=)"), '"==" instead of "="'),
    (re.compile(r"<>"), '"!=" instead of "<>"'),
    (re.compile(r"&&?"), '"and" instead of "&"'),
    (re.compile(r"\|\|?"), '"or" instead of "|"'),
    (re.compile(r"!(?!=)"), '"not" instead of "!"'),
    (re.compile(r"[≤≥≠]"), '"<=", ">=" or "!="'),
    (re.compile(r"\b(AND|OR|NOT)\b"), '"and", "or", "not" in small letters'),
)
LANGUAGE = "names, numbers, quoted codes and quantities, comparisons, and, or, not, if else, and the functions listed"


def read(text: str) -> ast.expr:
    """Return the tree of an expression that uses nothing outside the language, or raise ExpressionError."""
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"the expression has {len(text)} characters", f"at most {MAX_TEXT}")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ExpressionError(f'"{short(text)}" is not an expression', _hint(text)) from None
    _check_size(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            raise ExpressionError(f'"{short(text)}" is not an expression', '"==" instead of "="')
        if not isinstance(node, _ALLOWED + _OPERATORS):
            raise ExpressionError(f'"{_written(text, node)}" is not part of the language', _hint(text) or LANGUAGE)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and segment(text, node)[1:-1] != node.value:
            raise ExpressionError(f'"{_written(text, node)}" is not a quoted text', 'plain text between two "')
    return tree


def clean(text: str) -> str:
    """Return the text on one line, without outer blanks: a folded YAML text is one expression."""
    return text.strip().replace("\r", " ").replace("\n", " ")


def segment(text: str, node: ast.AST) -> str:
    """Return the part of the text that a node was read from."""
    return ast.get_source_segment(text, node) or text


def _check_size(tree: ast.expr) -> None:
    """Refuse a tree over the caps; walks without recursion, so that depth cannot break it."""
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    nodes = 0
    while waiting:
        node, level = waiting.pop()
        if level > MAX_LEVELS:
            raise ExpressionError(
                f"the expression is nested more than {MAX_LEVELS} levels deep", "a definition by name"
            )
        nodes += 1
        if nodes > MAX_NODES:
            raise ExpressionError(f"the expression has more than {MAX_NODES} parts", "several rules or a definition")
        waiting.extend((child, level + 1) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
        waiting.extend(
            (inner, level + 1)
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.keyword | ast.comprehension)
            for inner in ast.iter_child_nodes(child)
            if isinstance(inner, ast.expr)
        )


def _hint(text: str) -> str:
    bare = _QUOTED.sub('""', text)
    return next((expected for pattern, expected in _HINTS if pattern.search(bare)), "")


def _written(text: str, node: ast.AST) -> str:
    if hasattr(node, "lineno"):
        return short(segment(text, node))
    signs: dict[type[ast.AST], str] = {ast.FloorDiv: "//", ast.Mod: "%", ast.MatMult: "@"}
    return signs.get(type(node)) or short(text)


def short(text: str) -> str:
    """Return a text that fits into a message."""
    return text if len(text) <= 120 else f"{text[:117]}..."
