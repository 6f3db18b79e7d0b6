"""Walls: a module has at most 400 lines, a function at most 60."""

from __future__ import annotations

import ast
from typing import Any

MODULE_WALL = 400
FUNCTION_WALL = 60


def long_functions(path: str, tree: ast.Module) -> list[str]:
    """Return the functions beyond the wall."""
    return [
        f"{path}:{node.lineno} {node.name} has {length} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_WALL
    ]


def test_no_module_is_longer_than_the_wall(sources: list[Any], tests_read: list[Any]) -> None:
    lengths = {source.path: len(source.text.splitlines()) for source in [*sources, *tests_read]}

    assert {path: length for path, length in lengths.items() if length > MODULE_WALL} == {}


def test_no_function_is_longer_than_the_wall(sources: list[Any], tests_read: list[Any]) -> None:
    assert [line for source in [*sources, *tests_read] for line in long_functions(source.path, source.tree)] == []


def test_the_wall_stands_between_sixty_and_sixty_one_lines() -> None:
    sixty = ast.parse("def f():\n" + "    x = 1\n" * 59)
    sixty_one = ast.parse("def f():\n" + "    x = 1\n" * 60)

    assert long_functions("a.py", sixty) == []
    assert long_functions("a.py", sixty_one) == ["a.py:1 f has 61 lines"]
