"""What the trials room knows of one published study version: immutable, in the order of the study's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from trials.records.domain.expressions import Rule, UnitTable

EVERYONE = "everyone"
Anchor = Literal["first infusion", "last infusion", "consent"]
VisitKind = Literal["scheduled", "unscheduled", "end"]
SlotKind = Literal["visit", "log", "once"]
MarkKind = Literal["stated", "assumed", "open"]
Masking = Literal["none", "single", "double"]


@dataclass(frozen=True, slots=True)
class Product:
    """One investigational product. ``universal``: from a donor, not from the participant."""

    code: str
    label: str
    universal: bool
    targets: tuple[str, ...]
    route: str


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """One arm: ``products`` in the order of infusion; ``infusions`` the most per participant and product, or None."""

    code: str
    label: str
    products: tuple[str, ...]
    infusions: int | None


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """One visit of the schedule.

    ``opens`` and ``closes`` are study days, both included, counted from the day of ``anchor`` (day 0): the baseline
    visit of Day -1 with the window -1..0 has target -1, opens -2, closes -1. A visit on any day of a range has no
    ``target``. An unscheduled visit and the end of study have no days at all. ``kind`` equals ``Visit.Kind``.
    ``ordinal`` counts from 1 in the order of the file. ``alias`` is a second name (M1 for D28), ``month`` the month of
    the month table it stands for.
    """

    code: str
    label: str
    ordinal: int
    kind: VisitKind
    anchor: Anchor
    target: int | None
    opens: int | None
    closes: int | None
    alias: str = ""
    month: int | None = None


@dataclass(frozen=True, slots=True)
class FormSlot:
    """One line of the schedule of assessments: which form, for which population, where.

    ``kind`` visit: at each of ``visits`` (codes, in schedule order). log: rows for the whole study. once: one record
    outside visits. ``required`` false: offered, but not missed.
    """

    population: str
    form: str
    kind: SlotKind
    visits: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True)
class DoseStep:
    """One level of an arm's ladder: an amount for each product of the arm, in the plan's unit."""

    number: int
    amounts: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Design:
    """The escalation method: 3+3, keyboard, boin, mtpi2, i3+3; what the method does not need is None."""

    method: str
    target: Decimal | None = None
    key: tuple[Decimal, Decimal] | None = None
    overdose_above: Decimal | None = None
    overdose_from: int | None = None


@dataclass(frozen=True, slots=True)
class Stagger:
    """Least days between infusions; ``before_next_level`` None means: until the DLT window of the level has closed."""

    after_first_at_level: int
    between_others: int
    before_next_level: int | None


@dataclass(frozen=True, slots=True)
class DosePlan:
    """Ladders by arm, each rising; ``start`` numbers the first level; ``allowed`` limits any level or infusion."""

    unit: str
    allowed: tuple[Decimal | None, Decimal | None]
    ladders: Mapping[str, tuple[DoseStep, ...]]
    start: int
    cohort: int
    design: Design
    stagger: Stagger
    replace_not_evaluable: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """A reading of unclear wording: the option in use, what each option means, and why there is a choice."""

    name: str
    use: str
    options: Mapping[str, str]
    why: str


@dataclass(frozen=True, slots=True)
class RuleTree:
    """A rule as it is written, for showing: ``how`` is leaf, all, any, at least N or policy NAME.

    ``text`` is a leaf's expression; ``parts`` are the branches; ``options`` name the branches of a policy. ``rule`` is
    the compiled whole (of a policy: the option in use).
    """

    how: str
    rule: Rule
    text: str = ""
    parts: tuple[RuleTree, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of eligibility, judged for ``population`` at each of ``gates``; an excluding one must be false."""

    code: str
    population: str
    excludes: bool
    quote: str
    gates: tuple[str, ...]
    met: RuleTree
    note: str = ""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Gates in order (name: visit code), policies, named definitions and the criteria of every population."""

    gates: Mapping[str, str]
    policies: Mapping[str, Policy]
    definitions: Mapping[str, RuleTree]
    criteria: tuple[Criterion, ...]

    def criteria_for(self, populations: frozenset[str] | set[str], gate: str = "") -> tuple[Criterion, ...]:
        """Return the criteria of these populations (``everyone`` is always one), of one gate or of all."""
        wanted = {EVERYONE, *populations}
        return tuple(c for c in self.criteria if c.population in wanted and (not gate or gate in c.gates))


@dataclass(frozen=True, slots=True)
class Mark:
    """How sure a setting is: stated in the source, assumed by us, or open. ``note`` is the quote, reason or question.

    ``section`` is the file (study, schedule, dose …, or ``forms.VS``), ``path`` the dotted path inside it as written.
    ``covers`` are the full paths it points at; everything below them is covered too.
    """

    kind: MarkKind
    section: str
    path: str
    note: str
    covers: tuple[str, ...]

    def reach(self, path: str) -> int:
        """Return the length of the longest covered path that ``path`` is or lies below; 0 when it covers nothing."""
        return max((len(each) for each in self.covers if path == each or path.startswith(f"{each}.")), default=0)


@dataclass(frozen=True, slots=True)
class Verification:
    """``fully``: forms, items (``VS.WEIGHT[D-1]``) or ``primary outcomes`` verified for all; ``sample``: share 0..1."""

    fully: tuple[str, ...]
    sample: Decimal


@dataclass(frozen=True, slots=True)
class TrialDefinition:
    """One study version as the trials room reads it."""

    oid: str
    number: int
    title: str
    sponsor: str
    location: str
    registry: str
    source: str
    masking: Masking
    sites: tuple[int, int | None]
    cap: int | None
    products: Mapping[str, Product]
    arms: Mapping[str, ArmPlan]
    conditions: Mapping[str, str]
    populations: Mapping[str, Rule]
    reminders: Mapping[str, Rule]
    verification: Verification
    anchor: Anchor
    months: Mapping[int, int]
    visits: tuple[VisitPlan, ...]
    epochs: Mapping[str, tuple[str, ...]]
    sets: Mapping[str, tuple[str, ...]]
    slots: tuple[FormSlot, ...]
    dose: DosePlan
    eligibility: Eligibility
    marks: tuple[Mark, ...]
    units: UnitTable
    by_code: Mapping[str, VisitPlan] = field(default_factory=dict, repr=False)

    def visit(self, code: str) -> VisitPlan | None:
        """Return a visit by its code or its alias (M1 is D28); None when the study has no such visit."""
        return self.by_code.get(code)

    def given_populations(self, *, condition: str = "", arm: str = "") -> tuple[str, ...]:
        """Return the populations that need no rule: everyone, the participant's condition and arm."""
        return tuple(name for name in (EVERYONE, condition, arm) if name)

    def universal(self, arm: str) -> bool:
        """Whether any product of the arm comes from a donor; of the whole study while no arm is assigned."""
        codes = self.arms[arm].products if arm in self.arms else tuple(self.products)
        return any(self.products[code].universal for code in codes)

    def marks_at(self, path: str) -> tuple[Mark, ...]:
        """Return the marks that cover a setting, such as ``schedule.visits.D14.window``; the nearest first."""
        found = [(mark.reach(path), mark) for mark in self.marks]
        return tuple(mark for reach, mark in sorted(found, key=lambda pair: -pair[0]) if reach)
