"""Rules and trees of rules in the files of eligibility, read into the canonical shape with their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seeds.loader.problems import Problem
from seeds.loader.reader import Node
from trials.records.domain.expressions import nearest

AT_LEAST = re.compile(r"at least ([1-9][0-9]?)")
WORDS = ("all", "any", "at least 2", "policy")
EXPECTED = "an expression, or one of all, any, at least N, policy NAME"
NOTHING: Mapping[str, Any] = {"how": "leaf", "expression": "true", "from": ""}


@dataclass(slots=True)
class TreeReader:
    """Reads trees; ``leaves`` are the expressions met, ``used`` the policies named. ``policies``: name: options."""

    policies: Mapping[str, tuple[str, ...]]
    leaves: list[tuple[Node, str]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def read(self, node: Node) -> Mapping[str, Any]:
        """Return the tree in its canonical shape; what cannot be read becomes a problem and a rule that is met."""
        if node.entries is None:
            return self._leaf(node)
        if len(node.entries) != 1:
            return self._refuse(node, f"a rule has {len(node.entries)} keys", expected=f"exactly one: {EXPECTED}")
        word, below = next(iter(node.entries.items()))
        if word.startswith("policy "):
            return self._policy(word, below)
        least = AT_LEAST.fullmatch(word)
        if word not in {"all", "any"} and least is None:
            near = nearest(word, WORDS)
            if near.startswith("at least"):
                near = f"at least {re.sub(r'[^0-9]', '', word) or 2}"
            return self._refuse(below, f'"{word}" is not a rule', near=near, expected="" if near else EXPECTED)
        if not below.parts:
            return self._refuse(below, f"{word} needs a list of rules", expected="one rule on a line, after -")
        if least is not None and int(least[1]) > len(below.parts):
            return self._refuse(below, f"{word} of {len(below.parts)} rules", expected="no more than there are rules")
        return {"how": word, "parts": [self.read(part) for part in below.parts]}

    def _leaf(self, node: Node) -> Mapping[str, Any]:
        if node.parts is not None or not node.raw.strip():
            return self._refuse(node, "a list is not a rule" if node.parts is not None else "the rule is empty")
        self.leaves.append((node, node.raw))
        return {"how": "leaf", "expression": node.raw, "from": node.file}

    def _policy(self, word: str, below: Node) -> Mapping[str, Any]:
        name = word.removeprefix("policy ").strip()
        if name not in self.policies:
            return self._refuse(below, f'there is no policy "{name}"', near=nearest(name, self.policies))
        self.used.add(name)
        cases = below.entries or {}
        options = self.policies[name]
        if set(cases) != set(options):
            found = f"the cases {', '.join(cases) or 'none'} are not the options of {name}"
            return self._refuse(below, found, expected=", ".join(options))
        return {"how": f"policy {name}", "options": {option: self.read(case) for option, case in cases.items()}}

    def _refuse(self, node: Node, message: str, *, expected: str = EXPECTED, near: str = "") -> Mapping[str, Any]:
        self.problems.append(node.problem(message, expected=expected, near=near))
        return NOTHING
