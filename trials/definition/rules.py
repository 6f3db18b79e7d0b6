"""Trees of rules: an expression, or ``all``, ``any``, ``at least N`` or ``policy NAME`` of rules.

In the canonical document a leaf is ``{"how": "leaf", "expression": …, "from": …}``, a branch ``{"how": "all", "parts":
[..]}``, a policy ``{"how": "policy NAME", "options": {option: tree}}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trials.definition.shapes import RuleTree
from trials.records.domain.expressions import Rule, Scope, combine, compile_expression

RuleSource = Mapping[str, Any]
AT_LEAST = "at least "
POLICY = "policy "


def compile_tree(source: RuleSource, scope: Scope, policies: Mapping[str, str]) -> RuleTree:
    """Compile a tree; of a policy all options are compiled and the one in use decides. Raises ExpressionError."""
    how = source["how"]
    if how == "leaf":
        text = source["expression"]
        return RuleTree(how, compile_expression(text, scope), text=text)
    if how.startswith(POLICY):
        options = {name: compile_tree(each, scope, policies) for name, each in source["options"].items()}
        used = options[policies[how.removeprefix(POLICY)]]
        return RuleTree(how, used.rule, parts=tuple(options.values()), options=tuple(options))
    parts = tuple(compile_tree(each, scope, policies) for each in source["parts"])
    return RuleTree(how, _combined(how, [part.rule for part in parts]), parts=parts)


def _combined(how: str, rules: list[Rule]) -> Rule:
    if how.startswith(AT_LEAST):
        return combine("at least", rules, least=int(how.removeprefix(AT_LEAST)))
    return combine(how, rules)
