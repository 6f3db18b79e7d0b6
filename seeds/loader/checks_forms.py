"""Consistency of forms: units, instruments, bound kinds, circles, and that what a rule reads is captured there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capture.definition.instruments import REGISTRY
from capture.definition.sections import FormSection, ItemSection
from safety.definition import kinds as safety_kinds
from seeds.loader.reader import Node
from seeds.loader.work import Place, Work
from trials.definition import kinds as trial_kinds
from trials.definition.kinds import NeededItem
from trials.records.domain.expressions import Reference, UnitTable, nearest

KINDS: Mapping[str, tuple[NeededItem, ...]] = {**trial_kinds.KINDS, **safety_kinds.KINDS}
REQUIRED = (*trial_kinds.REQUIRED_KINDS, *safety_kinds.REQUIRED_KINDS)
TIMES = {"baseline", "previous", "latest"}


def check_items(work: Work, units: UnitTable) -> None:
    """List wrong units, instruments and kinds before expressions are typed: rules over such items are passed over."""
    for code, form in work.forms.items():
        node = work.form_nodes[code]
        for name, item in form.items.items():
            _item(work, node.find("items", name), name, item, units)
        _binds(work, node, code, form)


def check(work: Work, document: Mapping[str, Any]) -> None:
    """List what is inconsistent once all expressions are typed."""
    for code, form in work.forms.items():
        node = work.form_nodes[code]
        for name, check_ in form.checks.items():
            if check_.on and check_.on not in form.items:
                place = node.find("checks", name, "on")
                work.problems.append(
                    place.problem(f'there is no item "{check_.on}"', near=nearest(check_.on, form.items))
                )
    _kinds_present(work)
    _circles(work)
    _captured(work, document)


def _item(work: Work, node: Node, name: str, item: ItemSection, units: UnitTable) -> None:
    if item.unit is not None and item.unit not in units:
        work.problems.append(node.find("unit").problem(f'unknown unit "{item.unit}"', near=units.near(item.unit)))
        work.shapes.broken |= {name, item.unit}
    for other, factor in item.also.items() if item.unit is not None and item.unit in units else ():
        place = node.find("also")
        if other not in units:
            work.problems.append(place.problem(f'unknown unit "{other}"', near=units.near(other)))
        elif factor is None and not units.compatible(other, item.unit or ""):
            message = f'"{other}" does not convert to {item.unit} by itself'
            expected = f"the factor, for example also: {{{other}: 88.4}}"
            work.problems.append(place.problem(message, expected=expected))
        elif factor is not None and factor <= 0:
            work.problems.append(
                place.problem(f"the factor {factor} of {other} is not positive", expected="1 or another number above 0")
            )
    if item.instrument is not None:
        _instrument(work, node.find("instrument"), item.instrument)


def _instrument(work: Work, node: Node, text: str) -> None:
    name, _, result = text.partition(".")
    entry = REGISTRY.get(name)
    if entry is None:
        near = nearest(name, REGISTRY)
        work.problems.append(node.problem(f'there is no instrument "{name}"', near=near))
    elif result not in (entry.results or ("",)):
        near = nearest(result, entry.results)
        expected = "" if near else f"one of {', '.join(entry.results) or name}"
        found = f'has no result "{result}"' if result else "needs the result that is meant"
        work.problems.append(node.problem(f"instrument {name} {found}", near=near, expected=expected))


def _binds(work: Work, node: Node, code: str, form: FormSection) -> None:
    if not form.binds:
        return
    place = node.find("binds")
    needed = KINDS.get(form.binds)
    if needed is None:
        near = nearest(form.binds, KINDS)
        work.shapes.broken.add(form.binds)
        expected = "" if near else f"one of {', '.join(KINDS)}"
        work.problems.append(place.problem(f'"{form.binds}" is not a kind of form', near=near, expected=expected))
        return
    for need in needed:
        item = form.items.get(need.name)
        if item is None:
            if need.name not in work.shapes.broken:
                others = [name for name in form.items if name not in {each.name for each in needed}]
                message = f"form {code} binds {form.binds}, which needs the item {need.name}"
                near = nearest(need.name, others)
                work.problems.append(place.problem(message, near=near, expected="" if near else f"an item {need.name}"))
                work.shapes.broken.add(need.name)
            continue
        below = node.find("items", need.name)
        if item.type not in need.types:
            message = f"{form.binds} needs {need.name} as {' or '.join(need.types)}; it is {item.type}"
            work.problems.append(below.problem(message, expected=" or ".join(need.types)))
        elif need.codes and set(item.codes) != set(need.codes):
            message = f"{form.binds} reads other codes of {need.name} than these"
            work.problems.append(below.find("codes").problem(message, expected=", ".join(need.codes)))
            work.shapes.broken.add(need.name)


def _kinds_present(work: Work) -> None:
    """Each kind is bound by one form at most, and what every study needs is there."""
    by_kind: dict[str, str] = {}
    for code, form in work.forms.items():
        first = by_kind.setdefault(form.binds or code, code)
        if form.binds and first != code:
            place = work.form_nodes[code].find("binds")
            work.problems.append(place.problem(f"{first} binds {form.binds} already", expected="one form of each kind"))
    assert work.study is not None
    needed = (*REQUIRED, "condition") if len(work.study.conditions) > 1 else REQUIRED
    unreadable = bool(work.own.broken or work.library.broken or work.shapes.broken)
    for kind in needed if not unreadable else ():
        if kind not in by_kind:
            place = work.nodes["schedule"].find("forms")
            work.problems.append(
                place.problem(f"no form of the schedule binds {kind}", expected=f"a form that binds {kind}")
            )


def _circles(work: Work) -> None:
    """No formula reads itself at the same visit, directly or through others."""
    reads: dict[tuple[str, str], set[tuple[str, str]]] = {}
    where: dict[tuple[str, str], Place] = {}
    for place, compiled in work.compiled:
        if place.item:
            key = (place.form, place.item)
            where[key] = place
            reads[key] = {(r.form, r.item) for r in compiled.references if r.when in {"", "latest"} and r.item}
    reported: set[tuple[str, str]] = set()
    for start in reads:
        circle = _circle(start, reads)
        if circle and not set(circle) & reported:
            reported |= set(circle)
            way = " reads ".join(f"{form}.{item}" for form, item in [*circle, circle[0]])
            message = f"the formula reads itself: {way}"
            work.problems.append(
                where[start].node.problem(message, expected="a formula that does not lead back to itself")
            )


def _circle(start: tuple[str, str], reads: Mapping[tuple[str, str], set[tuple[str, str]]]) -> list[tuple[str, str]]:
    """Return the way from an item back to itself, empty when there is none."""
    trails = [[start]]
    seen: set[tuple[str, str]] = set()
    while trails:
        trail = trails.pop()
        for following in sorted(reads.get(trail[-1], ())):
            if following == start:
                return trail
            if following not in seen:
                seen.add(following)
                trails.append([*trail, following])
    return []


def _captured(work: Work, document: Mapping[str, Any]) -> None:
    """A form that a rule reads is captured at the visit at which it is read."""
    slots = document["schedule"]["forms"]
    held: dict[str, set[str]] = {}
    anywhere = {slot["form"] for slot in slots if slot["kind"] != "visit"}
    for slot in slots:
        held.setdefault(slot["form"], set()).update(slot["visits"])
    for place, compiled in work.compiled:
        for reference in sorted(compiled.references):
            if reference.form in held and reference.form not in anywhere | {place.form} | work.shapes.broken:
                work.problems += _read_at(place, reference, held, anywhere)


def _read_at(place: Place, reference: Reference, held: Mapping[str, set[str]], anywhere: set[str]) -> Iterator[Any]:
    there = held[reference.form]
    if reference.when and reference.when not in TIMES and ":" not in reference.when:
        if reference.when not in there:
            yield place.node.problem(
                f"{reference.form} is not captured at {reference.when}", expected=f"one of {', '.join(sorted(there))}"
            )
    elif not reference.when and place.form in anywhere:
        yield place.node.problem(
            f"{place.form} has no visit, so {reference} must name one", expected=f"for example {reference}[latest]"
        )
    elif not reference.when:
        wanted = place.visits or tuple(held.get(place.form, ())) if place.form or place.visits else ()
        missing = sorted(visit for visit in wanted if visit not in there)
        if missing:
            message = f"{reference.form} is not captured at {', '.join(missing)}, where this rule reads it"
            yield place.node.problem(message, expected=f"{reference.form} at these visits, or a name with [latest]")
