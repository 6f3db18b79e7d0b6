"""What is wrong with a study folder, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HINT_COLUMN = 56


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a study file.

    ``path`` is dotted, as written in that file; ``expected`` says what would do, ``near`` which valid name is
    nearest.

    >>> print(Problem("library/forms/VS.yaml", 7, "items.SYSBP.lable", 'unknown key "lable"', near="label"))
    library/forms/VS.yaml:7: unknown key "lable"
        at items.SYSBP.lable                                did you mean: label?
    """

    file: str
    line: int
    path: str
    message: str
    expected: str = ""
    near: str = ""

    def __str__(self) -> str:
        hints = [f"expected: {self.expected}"] if self.expected else []
        hints += [f"did you mean: {self.near}?"] if self.near else []
        hint = "; ".join(hints)
        place = f"    at {self.path}" if self.path else "   "
        gap = max(HINT_COLUMN - len(place), 2) if self.path else 1
        second = f"{place}{' ' * gap}{hint}".rstrip() if hint else place.rstrip()
        first = f"{self.file}:{self.line}: {self.message}"
        return f"{first}\n{second}" if second else first


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems by file and line, each once: a mistake in an ``each`` block is one mistake."""
    once = {(p.file, p.line, p.message): p for p in reversed(list(problems))}
    return tuple(sorted(once.values(), key=lambda p: (p.file, p.line)))
