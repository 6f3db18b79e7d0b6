"""What names mean in one study: the scopes in which its expressions are typed and compiled.

Read from the canonical document, which every room shares, so that a rule of eligibility, an edit check and a DLT rule
see the same items with the same types. Items stand here as types only; what a form is belongs to the capture room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from trials.definition.rules import RuleSource, compile_tree
from trials.records.domain.expressions import (
    GRADED_FACTS,
    STANDARD_FACTS,
    ConstantSymbol,
    ExpressionError,
    FactSymbol,
    GroupSymbol,
    ItemSymbol,
    RowsSymbol,
    RuleSymbol,
    Symbol,
    Type,
    UnitTable,
)

GRADED_KINDS: Mapping[str, tuple[str, ...]] = {
    "adverse_event": tuple(GRADED_FACTS),
    "crs": ("grade", "started", "ended"),
    "icans": ("grade", "started", "ended"),
    "gvhd": ("grade", "started", "ended"),
}
_KINDS = {"text": "text", "note": "text", "file": "text", "integer": "number", "yesno": "boolean", "choice": "code"}
_KINDS |= {"partialdate": "date"} | {kind: kind for kind in ("number", "date", "datetime", "time", "choices")}


def item_type(item: Mapping[str, Any]) -> Type:
    """Return the type of an item's value; all-number codes make a scale, which is a number."""
    codes = tuple(item["codes"]) if item.get("codes") else None
    if item["type"] == "choice" and codes and all(is_number(code) for code in codes):
        return Type("number", codes=codes)
    kind: Any = _KINDS[item["type"]]
    return Type(kind, unit=item.get("unit"), codes=codes)


def is_number(text: str) -> bool:
    """Whether a code is a number, as in a scale.

    >>> is_number("1.5"), is_number("-1"), is_number("IIa"), is_number("MM-0")
    (True, True, False, False)
    """
    return text.removeprefix("-").replace(".", "", 1).isdigit() and text.isascii()


@dataclass(frozen=True, slots=True)
class FormNames:
    """The items and groups of one form, as names. ``groups``: name: (items, repeats, codes of fixed rows)."""

    code: str
    binds: str
    is_log: bool
    items: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, tuple[tuple[str, ...], bool, tuple[str, ...] | None]]

    def item(self, name: str, *, rows: str = "") -> ItemSymbol | None:
        """Return an item as a symbol; ``rows`` as seen from where the expression stands."""
        found = self.items.get(name)
        if found is None:
            return None
        weight = Decimal(found["weight"]) if found.get("weight") is not None else None
        derived = found.get("formula") is not None or found.get("instrument") is not None
        lab = bool(found.get("lab"))
        return ItemSymbol(self.code, name, item_type(found), weight=weight, lab=lab, derived=derived, rows=rows)

    def repeating(self, item: str) -> str:
        """Return the group with rows in which an item stands, empty when it stands in none."""
        group = self.items[item].get("group") or ""
        return group if group and self.groups[group][1] else ""

    def group(self, name: str) -> GroupSymbol | RowsSymbol | None:
        """Return a group as a symbol."""
        if name not in self.groups:
            return None
        names, repeats, codes = self.groups[name]
        items = {each: symbol for each in names if (symbol := self.item(each)) is not None}
        if not repeats:
            return GroupSymbol(self.code, name, tuple(items.values()))
        return RowsSymbol(self.code, name, items, codes=codes)

    def rows(self) -> RowsSymbol:
        """Return a log form as rows, with the facts of its kind and its repeating groups inside."""
        items = {name: s for name in self.items if not self.repeating(name) and (s := self.item(name)) is not None}
        groups = {name: g for name in self.groups if isinstance(g := self.group(name), RowsSymbol)}
        facts = {name: GRADED_FACTS[name] for name in GRADED_KINDS.get(self.binds, ())}
        return RowsSymbol(self.code, "", items, facts=facts, groups=groups)


@dataclass(slots=True)
class StudyNames:
    """All names of one study. ``rules`` are populations and definitions, compiled when first used."""

    forms: Mapping[str, FormNames]
    visit_codes: Mapping[str, str]
    facts: Mapping[str, Type]
    constants: Mapping[str, ConstantSymbol]
    rules: Mapping[str, RuleSource]
    units: UnitTable
    dose_unit: str | None
    policies: Mapping[str, str]
    _compiled: dict[str, RuleSymbol] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> StudyNames:
        """Return the names of a canonical document."""
        study, eligibility = document["study"], document["eligibility"]
        visits = document["schedule"]["visits"]
        codes = {v["code"]: v["code"] for v in visits} | {v["alias"]: v["code"] for v in visits if v["alias"]}
        logs = {slot["form"] for slot in document["schedule"]["forms"] if slot["kind"] == "log"}
        use = {name: policy["use"] for name, policy in eligibility["policies"].items()}
        return cls(
            forms={code: _form(code, form, code in logs) for code, form in document["forms"].items()},
            visit_codes=codes,
            facts={
                **STANDARD_FACTS,
                "condition": Type("code", codes=tuple(study["conditions"])),
                "arm": Type("code", codes=tuple(study["arms"])),
                "visit": Type("code", codes=tuple(v["code"] for v in visits)),
            },
            constants={
                name: ConstantSymbol(name, Type("code", codes=tuple(policy["options"])), policy["use"])
                for name, policy in eligibility["policies"].items()
            },
            rules={name: {"how": "leaf", **rule} for name, rule in study["populations"].items()}
            | dict(eligibility["define"]),
            units=UnitTable(document["units"]),
            dose_unit=document["dose"]["unit"],
            policies=use,
        )

    def named(self, name: str) -> Symbol | None:
        """Return a population, definition or policy; a rule that leads back to itself is refused."""
        if name in self.constants:
            return self.constants[name]
        if name not in self.rules:
            return None
        if name not in self._compiled:
            if name in self._open:
                circle = ", ".join([*self._open[self._open.index(name) :], name])
                raise ExpressionError(f'"{name}" reads itself: {circle}', "a rule that does not lead back to itself")
            self._open.append(name)
            try:
                tree = compile_tree(self.rules[name], self.scope(), self.policies)
            finally:
                self._open.pop()
            self._compiled[name] = RuleSymbol(name, tree.rule)
        return self._compiled[name]

    def scope(self, form: str = "", group: str = "", facts: Mapping[str, Type] | None = None) -> StudyScope:
        """Return the scope of an expression of a form (and of an item in a repeating group), with further facts."""
        known: dict[str, Type] = {**self.facts, **(facts or {})}
        if form and group and (codes := self.forms[form].groups[group][2]) is not None:
            known["row"] = Type("code", codes=codes)
        return StudyScope(self, form, group, known)

    def graded_scope(self, form: str) -> StudyScope:
        """Return the scope of a DLT rule over the events of a graded form."""
        known = GRADED_KINDS[self.forms[form].binds]
        return self.scope(facts={name: GRADED_FACTS[name] for name in known})


@dataclass(frozen=True, slots=True)
class StudyScope:
    """The scope of one expression (see ``Scope``)."""

    study: StudyNames
    form: str
    group: str
    facts: Mapping[str, Type]

    @property
    def units(self) -> UnitTable:
        """The study's units."""
        return self.study.units

    @property
    def dose_unit(self) -> str | None:
        """The unit of the dose levels."""
        return self.study.dose_unit

    def symbol(self, name: str) -> Symbol | None:
        """Own item or group first, then a log form, a population, policy or definition, a fact."""
        own = self.member(self.form, name) if self.form else None
        if own is not None:
            return own
        form = self.study.forms.get(name)
        if form is not None and form.is_log:
            return form.rows()
        found = self.study.named(name)
        if found is None and name in self.facts:
            return FactSymbol(name, self.facts[name])
        return found

    def member(self, form: str, name: str) -> Symbol | None:
        """An item, a group or rows of a form."""
        known = self.study.forms.get(form)
        if known is None:
            return None
        if name not in known.items:
            return known.group(name)
        rows = known.repeating(name)
        if form == self.form and rows == self.group:
            rows = ""
        if known.is_log and form != self.form:
            rows = form
        return known.item(name, rows=rows)

    def visit(self, code: str) -> str | None:
        """The visit's own code for a code or alias."""
        return self.study.visit_codes.get(code)

    def names(self, form: str | None = None) -> Iterable[str]:
        """The names of a form, or all that stand bare here."""
        if form is not None:
            known = self.study.forms.get(form)
            return () if known is None else (*known.items, *known.groups)
        own = self.study.forms.get(self.form)
        mine = () if own is None else (*own.items, *own.groups)
        return (*mine, *self.study.rules, *self.study.constants, *self.facts, *self.study.forms)

    def visits(self) -> Iterable[str]:
        """Codes and aliases."""
        return tuple(self.study.visit_codes)


def _form(code: str, form: Mapping[str, Any], is_log: bool) -> FormNames:
    groups = {}
    for name, group in form["groups"].items():
        members = tuple(item for item, each in form["items"].items() if each.get("group") == name)
        rows = tuple(group["rows"]) if group.get("rows") else None
        groups[name] = (members, rows is not None or group.get("repeat") is not None, rows)
    return FormNames(code, form.get("binds") or "", is_log, form["items"], groups)
