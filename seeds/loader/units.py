"""The unit table of the library, in canonical shape."""

from __future__ import annotations

from typing import Any

from seeds.loader.work import Work
from trials.records.domain.expressions import ExpressionError, UnitTable

KEYS = ("shows", "ucum", "equals", "aka")


def units_document(work: Work) -> dict[str, dict[str, Any]]:
    """Return every unit with its keys; faulty entries become problems."""
    node = work.library.sections.get("units")
    table: dict[str, dict[str, Any]] = {}
    for name, entry in {} if node is None else (node.entries or {}).items():
        table[name] = {}
        for key, value in (entry.entries or {}).items():
            if key not in KEYS:
                work.problems.append(value.problem(f'unknown key "{key}"', expected=f"one of {', '.join(KEYS)}"))
                continue
            table[name][key] = value.texts() if key == "aka" else value.raw
    try:
        UnitTable(table)
    except ExpressionError as error:
        if node is not None:
            work.problems.append(node.problem(error.message, expected=error.expected, near=error.near))
        return {name: {} for name in table}
    return table
