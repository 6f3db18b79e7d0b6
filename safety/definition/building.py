"""From the canonical document of a study version to the compiled read model of the safety room."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from safety.definition.shapes import DltPlan, DltRule, SafetyPlan, SeriousDeadlines, StoppingRule
from trials.definition.names import StudyNames
from trials.records.domain.expressions import DLT_FACTS, STOPPING_FACTS, compile_expression


def build_safety(document: str) -> SafetyPlan:
    """Compile the canonical document. Raises ExpressionError for a rule that a later version no longer allows."""
    whole: dict[str, Any] = json.loads(document)
    names, read = StudyNames.of(whole), whole["safety"]
    serious = read["serious"]
    return SafetyPlan(
        scales=read["scales"],
        collect_from=_visit(read["collect"]["start"], names),
        collect_until=_visit(read["collect"]["until"], names),
        special_interest=tuple(read["special_interest"]),
        dlt=_dlt(read["dlt"], names),
        stopping=tuple(_stopping(name, each, names) for name, each in read["stopping"].items()),
        serious=SeriousDeadlines(serious["site"], serious["fatal"], serious["other"]),
        notes=read["notes"],
    )


def _visit(name: str, names: StudyNames) -> str:
    return names.visit_codes.get(name, name)


def _dlt(read: Mapping[str, Any], names: StudyNames) -> DltPlan:
    evaluable = compile_expression(read["evaluable"]["expression"], names.scope(facts=DLT_FACTS))
    rules = tuple(_rule(name, each, names) for name, each in read["rules"].items())
    return DltPlan(read["start"], read["days_after_last"], evaluable, rules)


def _rule(name: str, read: Mapping[str, Any], names: StudyNames) -> DltRule:
    when = compile_expression(read["when"]["expression"], names.graded_scope(read["of"]))
    return DltRule(name, read["of"], when, tuple(read["excepted"]))


def _stopping(name: str, read: Mapping[str, Any], names: StudyNames) -> StoppingRule:
    when = compile_expression(read["when"]["expression"], names.scope(facts=STOPPING_FACTS))
    return StoppingRule(name, read["per"], when, read["then"])
