"""What is stated, assumed and open, at the foot of each file: every path must point at something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from seeds.loader.problems import Problem
from seeds.loader.reader import Node
from trials.records.domain.expressions import nearest

KINDS = ("stated", "assumed", "open")


@dataclass(slots=True)
class MarkReader:
    """Collects the marks of all files in canonical shape."""

    marks: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def read(self, section: str, resolved: Node, own: Node | None, inherited: Node | None = None) -> None:
        """Read the marks of one section. A mark of the study replaces the library's mark at the same path.

        ``resolved`` is the section after ``extends``. A library mark whose setting was dropped is passed over.
        """
        taken: set[str] = set()
        for source, strict in ((own, True), (inherited, False)):
            for kind, path, note in _written(source, self.problems):
                if path in taken and not strict:
                    continue
                taken.add(path)
                covers = [".".join([section, *keys]) for keys in pointed(resolved, split(path))]
                if covers:
                    entry = {"kind": kind, "section": section, "path": path, "note": note.raw, "covers": covers}
                    self.marks.append(entry)
                elif strict:
                    near = near_path(resolved, split(path))
                    self.problems.append(note.problem(f'"{path}" points at nothing in this file', near=near))


def _written(source: Node | None, problems: list[Problem]) -> Iterator[tuple[str, str, Node]]:
    for kind in KINDS:
        block = None if source is None else source.get(kind)
        if block is not None and block.entries is None:
            problems.append(block.problem(f"{kind} is not a block", expected="lines such as path: note"))
        for path, note in ({} if block is None else block.entries or {}).items():
            if not isinstance(note.raw, str) or not note.raw:
                problems.append(note.problem("the mark has no note", expected="the quote, the reason or the question"))
                continue
            yield kind, path, note


def split(path: str) -> list[str]:
    """Return the steps of a dotted path; a list in brackets is one step.

    >>> split("visits.[SCR, D-1].window")
    ['visits', '[SCR, D-1]', 'window']
    """
    steps, depth, step = [], 0, ""
    for character in path:
        depth += (character == "[") - (character == "]")
        if character == "." and depth == 0:
            steps.append(step)
            step = ""
        else:
            step += character
    return [*steps, step]


def pointed(node: Node, steps: list[str], so_far: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the keys of all nodes a path points at. An item is found in whatever group it stands."""
    if not steps:
        return [so_far]
    step, rest = steps[0], steps[1:]
    if not so_far and step == "groups" and len(rest) >= 3 and rest[1] == "items":
        return pointed(node, ["items", *rest[2:]], so_far)
    found: list[tuple[str, ...]] = []
    for key in _keys(node, step):
        below = node.find(key)
        found += pointed(below, rest, (*so_far, key))
    return found


def _keys(node: Node, step: str) -> list[str]:
    entries = node.entries or {}
    if step == "*":
        return list(entries)
    if step.startswith("[") and step.endswith("]"):
        wanted = [each.strip() for each in step[1:-1].split(",")]
        return wanted if all(each in entries for each in wanted) else []
    if node.parts is not None and step.isdigit() and int(step) < len(node.parts):
        return [step]
    return [step] if step in entries else []


def near_path(node: Node, steps: list[str]) -> str:
    """Return the path with its first wrong step set right, empty when nothing is near."""
    for index, step in enumerate(steps):
        if pointed(node, steps[: index + 1]):
            continue
        blocks = [_at(node, keys) for keys in pointed(node, steps[:index])]
        near = nearest(step, {key for block in blocks for key in block.entries or {}})
        repaired = [*steps[:index], near, *steps[index + 1 :]]
        return ".".join(repaired) if near and pointed(node, repaired) else ""
    return ""


def _at(node: Node, keys: tuple[str, ...]) -> Node:
    return node.find(*keys)
