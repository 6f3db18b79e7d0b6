"""Ladders of dose levels: one amount for each product of the arm, rising and inside what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from seeds.loader.problems import Problem
from seeds.loader.reader import Node
from trials.definition.fields import Span
from trials.definition.sections import DoseSection, StudySection
from trials.records.domain.expressions import nearest


def read_ladders(
    node: Node, section: DoseSection, study: StudySection
) -> tuple[dict[str, list[dict[str, str]]], list[Problem]]:
    """Return for each arm its levels as product: amount, and what is wrong with them."""
    problems: list[Problem] = []
    ladders: dict[str, list[dict[str, str]]] = {}
    arms = study.arms
    for arm in section.ladders:
        place = node.find("ladders", arm)
        if arm not in arms:
            problems.append(place.problem(f'"{arm}" is not an arm of the study', near=nearest(arm, arms)))
            continue
        if not set(arms[arm].products) <= set(study.products):
            continue
        columns = _columns(place, arms[arm].products, problems)
        for product, amounts in columns.items():
            _judge(place, product if place.entries is not None else "", amounts, section, problems)
        lengths = {len(amounts) for amounts in columns.values()}
        if len(lengths) > 1:
            problems.append(
                place.problem("the products have different numbers of levels", expected="one amount each per level")
            )
        levels = zip(*columns.values(), strict=False)
        ladders[arm] = [dict(zip(columns, map(str, level), strict=True)) for level in levels]
        if ladders[arm] and section.start > len(ladders[arm]):
            start = node.find("start")
            problems.append(start.problem(f"{arm} has no level {section.start}", expected=f"1 to {len(ladders[arm])}"))
    missing = [arm for arm in arms if arm not in section.ladders]
    if missing:
        problems.append(
            node.find("ladders").problem(f"the arm {missing[0]} has no ladder", expected="a ladder for each arm")
        )
    return ladders, problems


def _columns(place: Node, products: list[str], problems: list[Problem]) -> dict[str, list[Decimal]]:
    if place.entries is None:
        amounts = _amounts(place, problems)
        if len(products) > 1:
            problems.append(place.problem("the arm has several products", expected="a list for each product"))
        return dict.fromkeys(products, amounts)
    for product in place.entries:
        if product not in products:
            below = place.find(product)
            problems.append(below.problem(f'"{product}" is not a product of this arm', near=nearest(product, products)))
    lacking = [product for product in products if product not in place.entries]
    if lacking:
        problems.append(place.problem(f"the ladder has no amounts of {lacking[0]}", expected="a list for each product"))
    return {product: _amounts(place.find(product), problems) for product in products if product in place.entries}


def _amounts(place: Node, problems: list[Problem]) -> list[Decimal]:
    values = [part.value for part in place.parts or []]
    numbers = [value for value in values if isinstance(value, Decimal)]
    if not numbers or len(numbers) != len(values):
        problems.append(place.problem("a ladder is a list of amounts", expected="for example [0.5, 1, 2]"))
        return []
    return numbers


def _judge(place: Node, product: str, amounts: list[Decimal], section: DoseSection, problems: list[Problem]) -> None:
    at = place.find(product) if product else place
    allowed = section.allowed or Span(None, None)
    for amount in amounts:
        low = allowed.low is not None and amount < allowed.low
        high = allowed.high is not None and amount > allowed.high
        if low or high or amount <= 0:
            shown = f"the allowed {allowed} {section.unit}" if low or high else "what can be given"
            message = f"level {amount} lies outside {shown}"
            problems.append(at.problem(message, expected="levels inside the allowed range"))
    for lower, upper in pairwise(amounts):
        if upper <= lower:
            problems.append(at.problem(f"the ladder does not rise from {lower} to {upper}", expected="rising levels"))


def dose_document(section: DoseSection, ladders: Mapping[str, list[dict[str, str]]]) -> dict[str, Any]:
    """Return the dose section in canonical shape; durations are days."""
    design, stagger = section.design, section.stagger
    overdose = design.overdose
    return {
        "unit": section.unit,
        "allowed": str(section.allowed) if section.allowed is not None else "",
        "ladders": dict(ladders),
        "start": section.start,
        "cohort": section.cohort,
        "design": {
            "method": design.method,
            "target": str(design.target) if design.target is not None else "",
            "key": str(design.key) if design.key is not None else "",
            "overdose_above": str(overdose.above) if overdose is not None else "",
            "overdose_from": overdose.start if overdose is not None else None,
        },
        "stagger": {"first": stagger.first, "others": stagger.others, "next_level": stagger.next_level},
        "replace": section.replace,
    }
