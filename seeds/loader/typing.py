"""Every expression of a study, typed where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from capture.definition.sections import FormSection
from seeds.loader.eligibility import words
from seeds.loader.problems import Problem
from seeds.loader.reader import Node
from seeds.loader.work import Place, Work
from trials.definition.names import GRADED_KINDS, StudyNames, is_number
from trials.records.domain.expressions import (
    DLT_FACTS,
    GRADED_FACTS,
    STOPPING_FACTS,
    ExpressionError,
    compile_expression,
    nearest,
)

EXPECTS = {"integer": "number", "number": "number", "yesno": "boolean", "partialdate": "date", "note": "text"}


def type_all(work: Work, document: dict[str, Any]) -> StudyNames:
    """Compile every expression; what does not compile becomes a problem where the expression stands."""
    names = StudyNames.of(document)
    work.places = [*_study(work, names), *_eligibility(work, names), *_safety(work, names), *_outcomes(work, names)]
    for code, form in work.forms.items():
        work.places += _form(work.form_nodes[code], code, form, names)
    circles: set[str] = set()
    for place in work.places:
        try:
            compiled = compile_expression(place.text, place.scope, expects=place.expects, unit=place.unit)
        except ExpressionError as error:
            if not _passed_over(work, place, error) and error.message not in circles:
                work.problems.append(_problem(place, error))
            if "reads itself" in error.message:
                circles.add(error.message)
            continue
        work.compiled.append((place, compiled))
    return names


def _problem(place: Place, error: ExpressionError) -> Problem:
    expected = "" if error.near else error.expected
    return place.node.problem(error.message, expected=expected, near=error.near)


def _passed_over(work: Work, place: Place, error: ExpressionError) -> bool:
    """Say whether the mistake only repeats one that is reported elsewhere: a name on it could not be read."""
    return bool((words(place.text) | words(error.message)) & work.shapes.broken)


def _study(work: Work, names: StudyNames) -> Iterator[Place]:
    assert work.study is not None
    node = work.nodes["study"]
    for name, rule in work.study.populations.items():
        yield Place(node.find("populations", name), rule.text, names.scope())
    for name, rule in work.study.reminders.items():
        yield Place(node.find("reminders", name), rule.text, names.scope(), expects="date")


def _eligibility(work: Work, names: StudyNames) -> Iterator[Place]:
    for node, text, visits in work.leaves:
        yield Place(node, text, names.scope(), visits=visits)


def _safety(work: Work, names: StudyNames) -> Iterator[Place]:
    if work.safety is None:
        return
    node, dlt = work.nodes["safety"], work.safety.dlt
    yield Place(node.find("dlt", "evaluable"), dlt.evaluable.text, names.scope(facts=DLT_FACTS))
    graded = [code for code, form in names.forms.items() if form.binds in GRADED_KINDS]
    for name, rule in dlt.rules.items():
        place = node.find("dlt", "rules", name)
        if rule.of not in graded:
            message = f'"{rule.of}" is not a form with grades in this study'
            near = nearest(rule.of, graded)
            expected = "" if near else f"one of {', '.join(graded)}"
            if rule.of not in work.shapes.broken:
                work.problems.append(place.find("of").problem(message, near=near, expected=expected))
            continue
        yield Place(place.find("when"), rule.when.text, names.graded_scope(rule.of))
    for name, stop in work.safety.stopping.items():
        yield Place(node.find("stopping", name, "when"), stop.when.text, names.scope(facts=STOPPING_FACTS))


def _outcomes(work: Work, names: StudyNames) -> Iterator[Place]:
    for level in ("primary", "secondary", "other") if work.outcomes is not None else ():
        for name, outcome in getattr(work.outcomes, level).items():
            if outcome.where is None:
                continue
            kinds = [names.forms[m].binds for m in outcome.measure if m in names.forms]
            facts = {fact: GRADED_FACTS[fact] for kind in kinds for fact in GRADED_KINDS.get(kind, ())}
            place = work.nodes["outcomes"].find(level, name, "where")
            yield Place(place, outcome.where.text, names.scope(facts=facts))


def _form(node: Node, code: str, form: FormSection, names: StudyNames) -> Iterator[Place]:
    for name, group in form.groups.items():
        if group.show is not None:
            yield Place(node.find("groups", name, "show"), group.show.text, names.scope(code), form=code)
    for name, item in form.items.items():
        place = node.find("items", name)
        repeats = bool(item.group) and (g := form.groups.get(item.group)) is not None and bool(g.repeat or g.rows)
        scope = names.scope(code, item.group if repeats else "")
        if item.show is not None:
            yield Place(place.find("show"), item.show.text, scope, form=code)
        if isinstance(item.required, dict):
            yield Place(place.find("required"), item.required["expression"], scope, form=code)
        if item.formula is not None:
            scale = item.type == "choice" and item.codes and all(is_number(each) for each in item.codes)
            expects = "number" if scale else EXPECTS.get(item.type, "code" if item.type == "choice" else item.type)
            yield Place(place.find("formula"), item.formula.text, scope, expects, item.unit, code, name)
    for name, check in form.checks.items():
        yield Place(node.find("checks", name, "when"), check.when.text, names.scope(code), form=code)
