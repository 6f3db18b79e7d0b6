"""From the canonical document of a study version to the compiled read model of the trials room."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trials.definition.fields import Span
from trials.definition.names import StudyNames
from trials.definition.rules import compile_tree
from trials.definition.shapes import (
    ArmPlan,
    Criterion,
    Design,
    DosePlan,
    DoseStep,
    Eligibility,
    FormSlot,
    Mark,
    Policy,
    Product,
    Stagger,
    TrialDefinition,
    Verification,
    VisitPlan,
)
from trials.records.domain.expressions import compile_expression

Json = Mapping[str, Any]


def build_trial(document: str) -> TrialDefinition:
    """Compile the canonical document. Raises ExpressionError for a rule that a later version no longer allows."""
    read: dict[str, Any] = json.loads(document)
    study, schedule = read["study"], read["schedule"]
    names = StudyNames.of(read)
    visits = tuple(VisitPlan(**visit) for visit in schedule["visits"])
    sites = Span.read(study["sites"])
    return TrialDefinition(
        oid=study["study"],
        number=study["version"],
        title=study["title"],
        sponsor=study["sponsor"],
        location=study["location"],
        registry=study["registry"],
        source=study["source"],
        masking=study["masking"],
        sites=(int(sites.low or 1), None if sites.high is None else int(sites.high)),
        cap=study["cap"],
        products={code: _product(code, each) for code, each in study["products"].items()},
        arms={code: _arm(code, each) for code, each in study["arms"].items()},
        conditions=study["conditions"],
        populations={name: _rule(rule, names) for name, rule in study["populations"].items()},
        reminders={name: _rule(rule, names, expects="date") for name, rule in study["reminders"].items()},
        verification=Verification(tuple(study["verify"]["fully"]), Decimal(study["verify"]["sample"])),
        anchor=schedule["anchor"],
        months={int(month): day for month, day in schedule["months"].items()},
        visits=visits,
        epochs={name: tuple(codes) for name, codes in schedule["epochs"].items()},
        sets={name: tuple(codes) for name, codes in schedule["sets"].items()},
        slots=slots_of(read),
        dose=_dose(read["dose"]),
        eligibility=_eligibility(read["eligibility"], names),
        marks=tuple(_mark(each) for each in read["marks"]),
        units=names.units,
        by_code={name: visit for visit in visits for name in (visit.code, visit.alias) if name},
    )


def slots_of(document: Json) -> tuple[FormSlot, ...]:
    """Return the schedule of assessments of a canonical document."""
    lines = document["schedule"]["forms"]
    return tuple(
        FormSlot(line["population"], line["form"], line["kind"], tuple(line["visits"]), line["required"])
        for line in lines
    )


def _rule(rule: Json, names: StudyNames, *, expects: str = "boolean") -> Any:
    return compile_expression(rule["expression"], names.scope(), expects=expects)


def _product(code: str, read: Json) -> Product:
    return Product(code, read["label"], read["origin"] == "universal", tuple(read["targets"]), read["route"])


def _arm(code: str, read: Json) -> ArmPlan:
    return ArmPlan(code, read["label"], tuple(read["products"]), read["infusions"])


def _dose(read: Json) -> DosePlan:
    design, stagger = read["design"], read["stagger"]
    key = Span.read(design["key"]) if design["key"] else None
    allowed = Span.read(read["allowed"]) if read["allowed"] else Span(None, None)
    return DosePlan(
        unit=read["unit"],
        allowed=(allowed.low, allowed.high),
        ladders={arm: tuple(_steps(levels)) for arm, levels in read["ladders"].items()},
        start=read["start"],
        cohort=read["cohort"],
        design=Design(
            method=design["method"],
            target=Decimal(design["target"]) if design["target"] else None,
            key=(key.low, key.high) if key is not None and key.low is not None and key.high is not None else None,
            overdose_above=Decimal(design["overdose_above"]) if design["overdose_above"] else None,
            overdose_from=design["overdose_from"],
        ),
        stagger=Stagger(stagger["first"], stagger["others"], stagger["next_level"]),
        replace_not_evaluable=read["replace"] == "not evaluable",
    )


def _steps(levels: list[Json]) -> list[DoseStep]:
    return [
        DoseStep(number, {product: Decimal(amount) for product, amount in level.items()})
        for number, level in enumerate(levels, start=1)
    ]


def _eligibility(read: Json, names: StudyNames) -> Eligibility:
    use = names.policies
    return Eligibility(
        gates=read["gates"],
        policies={
            name: Policy(name, each["use"], each["options"], each["why"]) for name, each in read["policies"].items()
        },
        definitions={name: compile_tree(tree, names.scope(), use) for name, tree in read["define"].items()},
        criteria=tuple(
            Criterion(
                code=each["code"],
                population=each["population"],
                excludes=each["excludes"],
                quote=each["quote"],
                gates=tuple(each["gates"]),
                met=compile_tree(each["met"], names.scope(), use),
                note=each["note"],
            )
            for each in read["criteria"]
        ),
    )


def _mark(read: Json) -> Mark:
    return Mark(read["kind"], read["section"], read["path"], read["note"], tuple(read["covers"]))
