"""From the canonical document of a study version to the compiled read model of the capture room."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from capture.definition.instruments import REGISTRY
from capture.definition.shapes import (
    CheckDefinition,
    Code,
    FormDefinition,
    FormSet,
    GroupDefinition,
    Instrument,
    ItemDefinition,
    Limits,
    Outcome,
)
from trials.definition.building import slots_of
from trials.definition.fields import Span
from trials.definition.names import GRADED_KINDS, StudyNames, StudyScope, is_number
from trials.definition.shapes import FormSlot
from trials.records.domain.expressions import GRADED_FACTS, Reference, Rule, UnitTable, compile_expression

Json = Mapping[str, Any]
EXPECTED_KINDS = {"integer": "number", "yesno": "boolean", "partialdate": "date", "note": "text", "choice": "code"}


def build_forms(document: str) -> FormSet:
    """Compile the canonical document. Raises ExpressionError for a rule that a later version no longer allows."""
    read: dict[str, Any] = json.loads(document)
    names = StudyNames.of(read)
    slots = slots_of(read)
    return FormSet(
        forms={code: _form(code, form, names, slots) for code, form in read["forms"].items()},
        slots=slots,
        outcomes={name: _outcome(name, each, names) for name, each in read["outcomes"].items()},
        units=names.units,
        translations=read["labels"],
    )


def expected_kind(item: Json) -> str:
    """Return the kind of value that an item's formula must give.

    >>> expected_kind({"type": "integer"}), expected_kind({"type": "choice", "codes": {"0": "", "1": ""}})
    ('number', 'number')
    """
    if item["type"] == "choice" and item.get("codes") and all(is_number(code) for code in item["codes"]):
        return "number"
    kind: str = item["type"]
    return EXPECTED_KINDS.get(kind, kind)


def _form(code: str, form: Json, names: StudyNames, slots: tuple[FormSlot, ...]) -> FormDefinition:
    kinds = {slot.kind for slot in slots if slot.form == code}
    groups = {name: _group(name, group, form, names.scope(code)) for name, group in form["groups"].items()}
    items = {name: _item(code, name, item, groups, names) for name, item in form["items"].items()}
    checks = tuple(_check(name, check, names.scope(code), items) for name, check in form["checks"].items())
    rules = list(_rules(items.values(), groups.values(), checks))
    return FormDefinition(
        code=code,
        label=form["label"],
        help=form["help"],
        domain=form["domain"],
        binds=form["binds"],
        is_log="log" in kinds,
        once="once" in kinds,
        plain=tuple(name for name, item in items.items() if not item.group),
        groups=groups,
        items=items,
        checks=checks,
        derived=derivation_order(code, items),
        reads=tuple(sorted({r for rule in rules for r in rule.references if _outside(r, code)})),
        facts=frozenset().union(*(rule.facts for rule in rules)),
        cites=form["cites"],
    )


def _rules(
    items: Iterable[ItemDefinition], groups: Iterable[GroupDefinition], checks: Iterable[CheckDefinition]
) -> Iterable[Rule]:
    for item in items:
        yield from item.shown_by
        if item.formula is not None:
            yield item.formula
        if not isinstance(item.required, bool):
            yield item.required
    yield from (group.show for group in groups if group.show is not None)
    yield from (check.when for check in checks)


def _outside(reference: Reference, form: str) -> bool:
    return bool(reference.form) and (reference.form != form or bool(reference.when))


def derivation_order(form: str, items: Mapping[str, ItemDefinition]) -> tuple[str, ...]:
    """Return the calculated items so that each comes after those its formula reads in the same record."""
    waiting = {
        name: {r.item for r in item.formula.references if r.form == form and r.when in {"", "latest"}}
        for name, item in items.items()
        if item.formula is not None
    }
    ordered = [name for name, item in items.items() if item.instrument is not None]
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs & (waiting.keys() - {name})]
        for name in ready or list(waiting):
            ordered.append(name)
            del waiting[name]
    return tuple(ordered)


def _group(name: str, group: Json, form: Json, scope: StudyScope) -> GroupDefinition:
    members = tuple(item for item, each in form["items"].items() if each["group"] == name)
    return GroupDefinition(
        name=name,
        label=group["label"],
        items=members,
        help=group["help"],
        repeat=(group["repeat"][0], group["repeat"][1]) if group["repeat"] else None,
        rows=tuple(Code(code, label) for code, label in group["rows"].items()),
        show=_rule(group["show"], scope),
    )


def _rule(rule: Json | None, scope: StudyScope) -> Rule | None:
    return None if rule is None else compile_expression(rule["expression"], scope)


def _item(form: str, name: str, item: Json, groups: Mapping[str, GroupDefinition], names: StudyNames) -> ItemDefinition:
    group = groups.get(item["group"])
    scope = names.scope(form, item["group"] if group is not None and group.repeats else "")
    formula, required, unit = item["formula"], item["required"], item["unit"] or ""
    rules = (group.show if group is not None else None, _rule(item["show"], scope))
    kind = expected_kind(item)
    return ItemDefinition(
        name=name,
        form=form,
        group=item["group"],
        repeats=group is not None and group.repeats,
        label=item["label"],
        type=item["type"],
        heading=item["heading"],
        help=item["help"],
        unit=unit,
        unit_shown=names.units.shows(unit) if unit else "",
        also=_factors(item, names.units),
        decimals=item["decimals"],
        codes=tuple(Code(code, label) for code, label in item["codes"].items()),
        codes_from=item["codes_from"],
        code_list=item["code_list"],
        numeric_codes=item["type"] == "choice" and kind == "number",
        hard=_limits(item["hard"]),
        soft=_limits(item["soft"]),
        required=required if isinstance(required, bool) else compile_expression(required["expression"], scope),
        shown_by=tuple(rule for rule in rules if rule is not None),
        nulls=tuple(item["nulls"]),
        formula=compile_expression(formula["expression"], scope, expects=kind, unit=unit or None) if formula else None,
        instrument=_instrument(item["instrument"]),
        weight=Decimal(item["weight"]) if item["weight"] is not None else None,
        analyte=item["lab"],
        sdtm=item["sdtm"],
    )


def _factors(item: Json, units: UnitTable) -> dict[str, Decimal]:
    factors = {}
    for unit, written in item["also"].items():
        factor = Decimal(written) if written is not None else units.convert(Decimal(1), unit, item["unit"])
        if factor is not None:
            factors[unit] = factor
    return factors


def _limits(text: str | None) -> Limits | None:
    if not text:
        return None
    span = Span.read(text)
    return Limits(span.low, span.high)


def _instrument(text: str | None) -> Instrument | None:
    if not text:
        return None
    name, _, result = text.partition(".")
    return Instrument(name, result, REGISTRY[name].available)


def _check(name: str, check: Json, scope: StudyScope, items: Mapping[str, ItemDefinition]) -> CheckDefinition:
    when = compile_expression(check["when"]["expression"], scope)
    return CheckDefinition(name, when, check["say"], check["level"], check["on"] or first_item(when, scope.form, items))


def first_item(rule: Rule, form: str, items: Mapping[str, ItemDefinition]) -> str:
    """Return the form's item that a rule names first, empty when it names none."""
    own = {r.item for r in rule.references if r.form == form and r.item in items}
    places = {name: rule.text.find(name) for name in own}
    return min(own, key=lambda name: (places[name], name)) if own else ""


def _outcome(name: str, read: Json, names: StudyNames) -> Outcome:
    kinds = [names.forms[m].binds for m in read["measures"] if m in names.forms]
    facts = {fact: GRADED_FACTS[fact] for kind in kinds for fact in GRADED_KINDS.get(kind, ())}
    return Outcome(
        name=name,
        level=read["level"],
        label=read["label"],
        measures=tuple(read["measures"]),
        instrument=read["instrument"],
        visits=tuple(read["visits"]),
        until=read["until"],
        populations=tuple(read["populations"]),
        shown_as=tuple(read["kinds"]),
        where=_rule(read["where"], names.scope(facts=facts)),
    )
