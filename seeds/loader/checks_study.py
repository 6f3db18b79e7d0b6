"""Consistency of identity, schedule, ladders, outcomes and safety: what needs more than one file to be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise
from typing import Any

from capture.definition.instruments import REGISTRY
from safety.terms.ctcae import find_term, suggest_terms
from seeds.loader.eligibility import words
from seeds.loader.reader import Node
from seeds.loader.work import Work
from trials.records.domain.expressions import nearest

GIVEN = ("everyone",)


def check(work: Work, document: dict[str, Any]) -> None:
    """List what is inconsistent."""
    _identity(work)
    _windows(work, document["schedule"]["visits"])
    _slots(work, document["schedule"]["forms"])
    _units(work)
    _outcomes(work, document)
    _safety(work)
    _verified(work)


def _identity(work: Work) -> None:
    assert work.study is not None
    study, node = work.study, work.nodes["study"]
    if str(study.version) not in study.changes:
        number = study.version
        line = node.line if node.get("study") is None else node.find("study").line
        top = Node(node.file, line)
        message = f"changes has no entry for version {number}"
        work.problems.append(top.problem(message, expected=f'a line such as "{number}: What changed"'))
    for code, arm in study.arms.items():
        place = node.find("arms", code, "products")
        for product in arm.products:
            _known(work, place, product, "product", study.products)
    for one, other in combinations(("conditions", "arms", "populations"), 2):
        for name in set(getattr(study, one)) & set(getattr(study, other)):
            place = node.find(other, name)
            work.problems.append(place.problem(f'"{name}" is also one of the {one}', expected="a name of its own"))
    used = _populations_used(work)
    for name in study.populations:
        if name not in used:
            place = node.find("populations", name)
            work.problems.append(place.problem(f"the population {name} is never used", expected="a file that names it"))


def _populations_used(work: Work) -> set[str]:
    blocks = [work.nodes[name].mapping("forms") for name in ("schedule",) if name in work.nodes]
    blocks += [
        work.nodes["eligibility"].mapping(kind) for kind in ("include", "exclude") if "eligibility" in work.nodes
    ]
    used = {name for block in blocks for name in block}
    used |= {name for level in ("primary", "secondary", "other") for name in _outcome_populations(work, level)}
    return used | {word for place in work.places for word in words(place.text)}


def _outcome_populations(work: Work, level: str) -> Iterable[str]:
    outcomes = {} if work.outcomes is None else getattr(work.outcomes, level)
    return (name for outcome in outcomes.values() for name in outcome.populations)


def _known(work: Work, place: Node, name: str, what: str, valid: Iterable[str]) -> None:
    valid = tuple(valid)
    if name in valid or name in work.shapes.broken:
        return
    near = nearest(name, valid)
    work.shapes.broken |= {name, near}
    expected = "" if near else f"one of {', '.join(valid)}"
    work.problems.append(place.problem(f'"{name}" is not a {what} of the study', near=near, expected=expected))


def _windows(work: Work, visits: list[Mapping[str, Any]]) -> None:
    """Windows of targeted visits must not overlap, and their days must rise in the order of the file."""
    targeted = [visit for visit in visits if visit["target"] is not None]
    for one, other in combinations(targeted, 2):
        if one["anchor"] != other["anchor"]:
            continue
        if other["opens"] <= one["closes"] and one["opens"] <= other["closes"]:
            place = work.nodes["schedule"].find("visits", other["code"])
            first, second = (f"{v['code']} (day {v['opens']} to {v['closes']})" for v in (one, other))
            message = f"the windows of {first} and {second} overlap"
            work.problems.append(place.problem(message, expected="windows that do not touch"))
    for one, other in pairwise(targeted):
        if one["anchor"] == other["anchor"] and other["target"] < one["opens"]:
            place = work.nodes["schedule"].find("visits", other["code"])
            message = f"{other['code']} (day {other['target']}) stands after {one['code']} (day {one['target']})"
            work.problems.append(place.problem(message, expected="visits in the order of their days"))


def _slots(work: Work, slots: list[Mapping[str, Any]]) -> None:
    """Populations of the schedule are known, and a form is a log, once, or at visits, but not two of these."""
    node = work.nodes["schedule"]
    kinds: dict[str, str] = {}
    for slot in slots:
        place = node.find("forms", slot["population"])
        if slot["population"] not in work.populations and slot["population"] not in work.shapes.broken:
            _known(work, place, slot["population"], "population", work.populations)
        before = kinds.setdefault(slot["form"], slot["kind"])
        if before != slot["kind"]:
            line = place.find(slot["form"])
            found = f"{slot['form']} is {_captured(slot['kind'])} here and {_captured(before)} elsewhere"
            work.problems.append(line.problem(found, expected="one of visits, log, once"))


def _captured(kind: str) -> str:
    return {"visit": "captured at visits", "log": "a log", "once": "captured once"}[kind]


def _units(work: Work) -> None:
    units = work.library.sections.get("units")
    if work.dose is not None and units is not None and work.dose.unit not in (units.entries or {}):
        place = work.nodes["dose"].find("unit")
        work.problems.append(
            place.problem(f'unknown unit "{work.dose.unit}"', near=nearest(work.dose.unit, units.entries or {}))
        )


def _outcomes(work: Work, document: Mapping[str, Any]) -> None:
    """What an outcome measures exists, and the schedule holds it at every timepoint for everyone concerned."""
    for name, outcome in document["outcomes"].items():
        place = work.nodes["outcomes"].find(outcome["level"], name)
        if outcome["instrument"]:
            _instrument(work, place.find("instrument"), outcome["instrument"])
        for measure in outcome["measures"]:
            form, _, item = measure.partition(".")
            if measure == "DLT" or {form, item} & work.shapes.broken:
                continue
            if form not in work.forms:
                near = nearest(form, work.forms)
                work.problems.append(place.find("measure").problem(f'"{form}" is not a form of the study', near=near))
            elif item and item not in work.forms[form].items:
                near = nearest(item, work.forms[form].items)
                work.problems.append(place.find("measure").problem(f'{form} has no item "{item}"', near=near))
            elif outcome["visits"]:
                _scheduled(work, document, name, form, place)


def _instrument(work: Work, place: Node, text: str) -> None:
    name = text.partition(".")[0]
    if name not in REGISTRY:
        near = nearest(name, REGISTRY)
        work.problems.append(place.problem(f'there is no instrument "{name}"', near=near))


def _scheduled(work: Work, document: Mapping[str, Any], name: str, form: str, place: Node) -> None:
    outcome = document["outcomes"][name]
    slots = [slot for slot in document["schedule"]["forms"] if slot["form"] == form]
    if any(slot["kind"] != "visit" for slot in slots):
        return
    for population in outcome["populations"] or GIVEN:
        held = {v for s in slots if s["population"] in {*GIVEN, population} for v in s["visits"]}
        missing = [visit for visit in outcome["visits"] if visit not in held]
        if missing and population not in work.shapes.broken:
            lacks = f"the schedule has no {form} there for {population}"
            message = f"outcome {name} needs {form} at {', '.join(missing)}, but {lacks}"
            expected = f"these visits in the line {form} of schedule.yaml"
            work.problems.append(place.find("at").problem(message, expected=expected))


def _safety(work: Work) -> None:
    if work.safety is None:
        return
    node = work.nodes["safety"]
    for key, visit in (("from", work.safety.collect.start), ("until", work.safety.collect.until)):
        if visit not in work.visit_codes and visit not in work.shapes.broken:
            near = nearest(visit, work.visit_codes)
            work.problems.append(node.find("collect", key).problem(f'"{visit}" is not a visit', near=near))
    for name, rule in work.safety.dlt.rules.items():
        for term in rule.excepted:
            if find_term(term) is None:
                place = node.find("dlt", "rules", name, "except")
                near = next(iter(suggest_terms(term)), "")
                expected = "" if near else "a term of CTCAE 5.0"
                work.problems.append(place.problem(f'"{term}" is not a CTCAE term', near=near, expected=expected))


def _verified(work: Work) -> None:
    """What is verified fully exists: forms, items of a visit, or the primary outcomes."""
    assert work.study is not None
    place = work.nodes["study"].find("verify", "fully")
    for index, text in enumerate(work.study.verify.fully):
        part = place.find(index)
        name, _, visit = text.partition("[")
        form, _, item = name.partition(".")
        if text == "primary outcomes" or {form, item} & work.shapes.broken:
            continue
        if form not in work.forms:
            near = nearest(form, (*work.forms, "primary outcomes"))
            work.problems.append(part.problem(f'"{text}" is not captured in this study', near=near))
        elif item and item not in work.forms[form].items:
            work.problems.append(
                part.problem(f'{form} has no item "{item}"', near=nearest(item, work.forms[form].items))
            )
        elif visit and visit.rstrip("]") not in work.visit_codes:
            near = nearest(visit.rstrip("]"), work.visit_codes)
            work.problems.append(part.problem(f'"{visit.rstrip("]")}" is not a visit', near=near))
