"""What is worked out once per form definition: the order of its rules and who reads what."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from capture.definition.shapes import CheckDefinition, FormDefinition, FormSet, ItemDefinition
from trials.records.domain.expressions import Reference, Rule


@dataclass(frozen=True, slots=True)
class FormPlan:
    """``steps`` are the items that a rule shows or derives, each after those it reads; ``limited`` have ranges;
    ``asked``
    may be required; ``checks`` with the own items that each reads. ``outside`` whether any rule reads another
    record, ``doses`` whether any asks for the planned dose."""

    steps: tuple[ItemDefinition, ...]
    limited: tuple[ItemDefinition, ...]
    asked: tuple[ItemDefinition, ...]
    checks: tuple[tuple[CheckDefinition, frozenset[str]], ...]
    rows: tuple[str, ...]
    outside: bool
    doses: bool


@dataclass(frozen=True, slots=True)
class Dependents:
    """Forms whose rules read an item from outside the record, by (form, item), and forms that use a fact."""

    items: dict[tuple[str, str], frozenset[str]]
    facts: dict[str, frozenset[str]]
    reads: dict[str, frozenset[str]]

    def of(self, form: str, items: Iterable[str]) -> frozenset[str]:
        """Return the forms that read any of these items, or the rows of this log, from outside."""
        found: frozenset[str] = self.items.get((form, ""), frozenset())
        for item in items:
            found |= self.items.get((form, item), frozenset())
        return found


def rules_of(form: FormDefinition) -> Iterable[Rule]:
    """Yield every rule of a form."""
    for item in form.items.values():
        yield from item.shown_by
        if not isinstance(item.required, bool):
            yield item.required
        if item.formula is not None:
            yield item.formula
    for check in form.checks:
        yield check.when


def own_items(form: FormDefinition, references: Iterable[Reference]) -> frozenset[str]:
    """Return the items of this record that are read; all items of a group whose rows are walked."""
    found: set[str] = set()
    for each in references:
        if each.form != form.code or each.when:
            continue
        if each.item:
            found.add(each.item)
        elif each.rows in form.groups:
            found.update(form.groups[each.rows].items)
    return frozenset(found)


def _build_plan(form: FormDefinition) -> FormPlan:
    ruled = {item.name: item for item in form.items.values() if item.shown_by or item.derived}
    needs = {name: _needs(form, item) & ruled.keys() for name, item in ruled.items()}
    return FormPlan(
        steps=tuple(ruled[name] for name in _ordered(needs)),
        limited=tuple(item for item in form.items.values() if item.hard is not None or item.soft is not None),
        asked=tuple(item for item in form.items.values() if item.required is not False and not item.derived),
        checks=tuple((check, own_items(form, check.when.references)) for check in form.checks),
        rows=tuple(name for name, group in form.groups.items() if group.repeats),
        outside=bool(form.reads),
        doses=any("planned_dose" in rule.text for rule in rules_of(form)),
    )


def _needs(form: FormDefinition, item: ItemDefinition) -> frozenset[str]:
    rules = (*item.shown_by, *((item.formula,) if item.formula is not None else ()))
    return own_items(form, (each for rule in rules for each in rule.references)) - {item.name}


def _ordered(needs: dict[str, frozenset[str]]) -> list[str]:
    """Return names so that each comes after what it needs; publication has refused circles of formulas."""
    done: dict[str, None] = {}
    open_names: set[str] = set()

    def place(name: str) -> None:
        if name in done or name in open_names:
            return
        open_names.add(name)
        for need in sorted(needs[name]):
            place(need)
        done[name] = None

    for name in needs:
        place(name)
    return list(done)


def _build_dependents(forms: FormSet) -> Dependents:
    items: dict[tuple[str, str], set[str]] = {}
    facts: dict[str, set[str]] = {}
    for form in forms.forms.values():
        for each in form.reads:
            items.setdefault((each.form, each.item), set()).add(form.code)
            if each.rows and each.item:
                items.setdefault((each.form, ""), set()).add(form.code)
        for fact in form.facts:
            facts.setdefault(fact, set()).add(form.code)
    return Dependents(
        items={key: frozenset(found) for key, found in items.items()},
        facts={key: frozenset(found) for key, found in facts.items()},
        reads={form.code: frozenset(each.form for each in form.reads) for form in forms.forms.values()},
    )


class _Kept:
    """A bounded table by identity; the definition is kept beside what was made of it, so that no id is used twice."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._entries: OrderedDict[int, tuple[object, object]] = OrderedDict()

    def get(self, key: object) -> object | None:
        entry = self._entries.get(id(key))
        return entry[1] if entry is not None and entry[0] is key else None

    def put(self, key: object, made: object) -> None:
        with self._lock:
            self._entries[id(key)] = (key, made)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)


_PLANS, _DEPENDENTS = _Kept(4096), _Kept(64)


def form_plan(form: FormDefinition) -> FormPlan:
    """Return the plan of a form, made on first use."""
    made = _PLANS.get(form)
    if not isinstance(made, FormPlan):
        made = _build_plan(form)
        _PLANS.put(form, made)
    return made


def dependents(forms: FormSet) -> Dependents:
    """Return who reads what in a study version, made on first use."""
    made = _DEPENDENTS.get(forms)
    if not isinstance(made, Dependents):
        made = _build_dependents(forms)
        _DEPENDENTS.put(forms, made)
    return made
