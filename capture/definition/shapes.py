"""What the capture room knows of one published study version: forms, items and checks, their rules compiled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from trials.definition.shapes import EVERYONE, FormSlot
from trials.records.domain.expressions import Reference, Rule, UnitTable

ItemType = Literal[
    "text", "note", "integer", "number", "date", "partialdate", "time", "datetime", "yesno", "choice", "choices", "file"
]
NullFlavour = Literal["ND", "NA", "UNK"]
Level = Literal["hard", "soft", "note"]


@dataclass(frozen=True, slots=True)
class Limits:
    """A range of numbers, ends included; an open end is None."""

    low: Decimal | None
    high: Decimal | None

    def holds(self, value: Decimal) -> bool:
        """Whether the value lies inside, ends included.

        >>> Limits(Decimal(30), Decimal(45)).holds(Decimal(45)), Limits(None, Decimal(45)).holds(Decimal("45.1"))
        (True, False)
        """
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        return f"{'' if self.low is None else self.low}..{'' if self.high is None else self.high}"


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a list with its English label."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """A named score of the registry and the result wanted, as in ``HAQ_DI.standard``; ``result`` empty: its only one.

    ``available`` false: the score is defined but not yet computed by this version of the system. The page says so; the
    item has no value then, which is never 0.
    """

    name: str
    result: str
    available: bool


@dataclass(frozen=True, slots=True)
class ItemDefinition:
    """One item of a form.

    ``unit`` is the unit stored and compared; ``also`` the others that may be typed, each with the factor to ``unit``.
    ``numeric_codes``: a scale, whose value is the number. ``required`` is a rule or a plain answer. ``shown_by`` are
    all rules that must be true for the item to be shown (its own and its group's). ``group`` is empty for an item
    outside groups; ``repeats``: it lives in rows, so its path is ``GROUP.<row>.ITEM``. ``codes_from`` is ``products``,
    ``conditions`` or ``ctcae`` where the list is not the form's own (``codes`` is filled for the first two; ``ctcae``
    is the safety room's catalogue of terms); ``code_list`` names the shared list, for translations. ``analyte`` is the
    name under which the site's normal range is looked up,
    empty when the item is no laboratory value.
    """

    name: str
    form: str
    group: str
    repeats: bool
    label: str
    type: ItemType
    heading: str = ""
    help: str = ""
    unit: str = ""
    unit_shown: str = ""
    also: Mapping[str, Decimal] = field(default_factory=dict)
    decimals: int | None = None
    codes: tuple[Code, ...] = ()
    codes_from: str = ""
    code_list: str = ""
    numeric_codes: bool = False
    hard: Limits | None = None
    soft: Limits | None = None
    required: bool | Rule = True
    shown_by: tuple[Rule, ...] = ()
    nulls: tuple[NullFlavour, ...] = ("ND", "NA", "UNK")
    formula: Rule | None = None
    instrument: Instrument | None = None
    weight: Decimal | None = None
    analyte: str = ""
    sdtm: str = ""

    @property
    def derived(self) -> bool:
        """Whether the value is calculated and never typed."""
        return self.formula is not None or self.instrument is not None

    @property
    def units(self) -> tuple[str, ...]:
        """The units that may be typed, the stored one first."""
        return (self.unit, *self.also) if self.unit else ()

    def code_label(self, code: str) -> str:
        """Return the English label of a code, or the code itself when the list does not hold it."""
        return next((each.label for each in self.codes if each.code == code), code)


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """A group of items. ``repeat`` (least, most): rows are added; ``rows``: fixed rows; neither: a plain group."""

    name: str
    label: str
    items: tuple[str, ...]
    help: str = ""
    repeat: tuple[int, int] | None = None
    rows: tuple[Code, ...] = ()
    show: Rule | None = None

    @property
    def repeats(self) -> bool:
        """Whether the group has rows, added or fixed."""
        return self.repeat is not None or bool(self.rows)


@dataclass(frozen=True, slots=True)
class CheckDefinition:
    """An edit check: ``when`` is the condition of the problem, ``on`` the item beside which the message stands."""

    name: str
    when: Rule
    say: str
    level: Level
    on: str


@dataclass(frozen=True, slots=True)
class FormDefinition:
    """One form of the study version.

    ``items`` by name, in the order of the page; ``plain`` those outside any group. ``is_log``: rows for the whole
    study; ``once``: one record outside visits. ``derived`` names the calculated items in the order in which they can be
    calculated. ``reads`` are the inputs that the form's rules need from outside the record in hand: other forms, and
    this form at other visits (``when`` is not empty then). ``facts`` are the small names they use.
    """

    code: str
    label: str
    help: str
    domain: str
    binds: str
    is_log: bool
    once: bool
    plain: tuple[str, ...]
    groups: Mapping[str, GroupDefinition]
    items: Mapping[str, ItemDefinition]
    checks: tuple[CheckDefinition, ...]
    derived: tuple[str, ...]
    reads: tuple[Reference, ...]
    facts: frozenset[str]
    cites: str = ""

    def rows_of(self, group: str) -> tuple[Code, ...]:
        """Return the fixed rows of a group, empty when it has none."""
        return self.groups[group].rows


@dataclass(frozen=True, slots=True)
class ExpectedForm:
    """A form that a participant is to have; ``required`` false: offered, but not missed."""

    form: FormDefinition
    required: bool

    @property
    def code(self) -> str:
        """The form's code."""
        return self.form.code


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome measure: what is measured (items, forms or an instrument), when, for whom and as what.

    ``measures`` are forms (``AE``), items (``MGADL.TOTAL``) or ``DLT``. ``visits`` are codes; ``until`` is a visit code
    for what is collected continuously. ``populations`` empty: everyone.
    """

    name: str
    level: Literal["primary", "secondary", "other"]
    label: str
    measures: tuple[str, ...]
    instrument: str
    visits: tuple[str, ...]
    until: str
    populations: tuple[str, ...]
    shown_as: tuple[str, ...]
    where: Rule | None = None


@dataclass(frozen=True, slots=True)
class FormSet:
    """All forms of one study version, and where they are expected."""

    forms: Mapping[str, FormDefinition]
    slots: tuple[FormSlot, ...]
    outcomes: Mapping[str, Outcome]
    units: UnitTable
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def expected_forms(self, visit: str, populations: Collection[str]) -> tuple[ExpectedForm, ...]:
        """Return the forms of a visit for a participant of these populations, in the order of the schedule.

        ``everyone`` is always one of the populations. A form that several lines name is required when any line
        requires it. An unknown visit has no forms.
        """
        return self._of((s for s in self.slots if s.kind == "visit" and visit in s.visits), populations)

    def log_forms(self, populations: Collection[str]) -> tuple[ExpectedForm, ...]:
        """Return the logs that a participant of these populations has."""
        return self._of((s for s in self.slots if s.kind == "log"), populations)

    def once_forms(self, populations: Collection[str]) -> tuple[ExpectedForm, ...]:
        """Return the forms with one record outside visits."""
        return self._of((s for s in self.slots if s.kind == "once"), populations)

    def bound(self, kind: str) -> tuple[FormDefinition, ...]:
        """Return the forms that bind a kind, such as ``infusion``."""
        return tuple(form for form in self.forms.values() if form.binds == kind)

    def text(self, key: str, language: str) -> str:
        """Return the translation of ``FORM``, ``FORM.ITEM``, ``FORM.CHECK`` or ``LIST.CODE``; empty when missing."""
        table = self.translations.get(language) or self.translations.get(language.partition("-")[0], {})
        return table.get(key, "")

    def _of(self, slots: Iterable[FormSlot], populations: Collection[str]) -> tuple[ExpectedForm, ...]:
        found: dict[str, bool] = {}
        for slot in slots:
            if slot.population == EVERYONE or slot.population in populations:
                found[slot.form] = found.get(slot.form, False) or slot.required
        return tuple(ExpectedForm(self.forms[code], required) for code, required in found.items())
