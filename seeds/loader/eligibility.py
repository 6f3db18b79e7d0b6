"""Gates, policies, definitions and criteria, in canonical shape, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seeds.loader.problems import Problem
from seeds.loader.reader import Node
from seeds.loader.trees import TreeReader
from trials.definition.sections import CriterionSection, EligibilitySection
from trials.records.domain.expressions import nearest

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
QUOTED = re.compile(r'"[^"]*"')
EMPTY: dict[str, Any] = {"gates": {}, "policies": {}, "define": {}, "criteria": []}


def words(text: str) -> set[str]:
    """Return the names in an expression, without its quoted codes.

    >>> sorted(words('ELIG.AGE >= 18 and "X" in AGENTS'))
    ['AGE', 'AGENTS', 'ELIG', 'and', 'in']
    """
    return set(WORD.findall(QUOTED.sub("", text)))


@dataclass(slots=True)
class EligibilityReader:
    """Reads the section; ``leaves`` collects (node, text, gates' visits) of every expression for typing."""

    node: Node
    section: EligibilitySection
    visit_codes: Mapping[str, str]
    populations: Iterable[str]
    problems: list[Problem] = field(default_factory=list)
    leaves: list[tuple[Node, str, tuple[str, ...]]] = field(default_factory=list)
    trees: TreeReader = field(default_factory=lambda: TreeReader({}))

    def document(self) -> dict[str, Any]:
        """Return the section in canonical shape."""
        section = self.section
        self.trees = TreeReader({name: tuple(policy.options) for name, policy in section.policies.items()})
        gates = {name: self._gate(name, code) for name, code in section.gates.items()}
        policies = {name: self._policy(name) for name in section.policies}
        define = {name: self._tree(self.node.find("define", name), ()) for name in section.define}
        criteria = list(self._criteria("include", section.include, gates))
        criteria += self._criteria("exclude", section.exclude, gates)
        self.problems += self.trees.problems
        self._unused()
        return {"gates": gates, "policies": policies, "define": define, "criteria": criteria}

    def _gate(self, name: str, code: str) -> str:
        if code in self.visit_codes:
            return self.visit_codes[code]
        place = self.node.find("gates", name)
        self.problems.append(place.problem(f'"{code}" is not a visit', near=nearest(code, self.visit_codes)))
        return ""

    def _policy(self, name: str) -> dict[str, Any]:
        policy = self.section.policies[name]
        if policy.use not in policy.options:
            place = self.node.find("policies", name, "use")
            expected = f"one of {', '.join(policy.options)}"
            self.problems.append(place.problem(f'"{policy.use}" is not an option of {name}', expected=expected))
        use = policy.use if policy.use in policy.options else next(iter(policy.options), "")
        return {"use": use, "options": dict(policy.options), "why": policy.why}

    def _tree(self, node: Node, visits: tuple[str, ...]) -> Mapping[str, Any]:
        before = len(self.trees.leaves)
        tree = self.trees.read(node)
        self.leaves += [(leaf, text, visits) for leaf, text in self.trees.leaves[before:]]
        return tree

    def _criteria(
        self, kind: str, block: Mapping[str, Mapping[str, CriterionSection]], gates: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        known = tuple(self.populations)
        for population, criteria in block.items():
            place = self.node.find(kind, population)
            if population not in known:
                near = nearest(population, known)
                self.problems.append(place.problem(f'"{population}" is not a population of the study', near=near))
            for code, criterion in criteria.items():
                at = tuple(criterion.at or tuple(gates)[:1])
                self._gates_exist(place.find(code, "at"), at, gates)
                visits = tuple(gates[gate] for gate in at if gates.get(gate))
                yield {
                    "code": code,
                    "population": population,
                    "excludes": kind == "exclude",
                    "quote": criterion.quote,
                    "gates": list(at),
                    "note": criterion.note,
                    "met": self._tree(place.find(code, "met"), visits),
                }

    def _gates_exist(self, place: Node, wanted: tuple[str, ...], gates: Mapping[str, str]) -> None:
        for gate in wanted:
            if gate not in gates:
                self.problems.append(place.problem(f'"{gate}" is not a gate', near=nearest(gate, gates)))

    def _unused(self) -> None:
        """A definition or policy that nothing reads is a mistake, most likely in a name."""
        used = set().union(*(words(text) for _, text, _ in self.leaves)) | self.trees.used
        for block in ("define", "policies"):
            for name in getattr(self.section, block):
                if name not in used:
                    place = self.node.find(block, name)
                    what = "definition" if block == "define" else "policy"
                    self.problems.append(
                        place.problem(f"the {what} {name} is never used", expected="a rule that names it")
                    )
