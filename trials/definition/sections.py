"""What study.yaml, schedule.yaml, eligibility.yaml and dose.yaml may hold, after ``extends`` and lists are resolved."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from trials.definition.fields import (
    Days,
    Labels,
    Number,
    Participants,
    Range,
    Rule,
    Section,
    Share,
    Sites,
    Text,
    Whole,
    Window,
    Words,
    name_like,
    one_of,
    read_days,
    refusal,
)

CAPITALS = "capitals, digits, - and _, beginning with a capital"
Oid = Annotated[str, name_like("study", r"[A-Z][A-Z0-9-]{0,39}", "capitals, digits and -")]
Code = Annotated[str, name_like("product, arm or condition", r"[A-Z][A-Z0-9_-]{0,19}", CAPITALS)]
CriterionName = Annotated[str, name_like("criterion", r"[A-Z][A-Z0-9_-]{0,19}", CAPITALS)]
SmallName = Annotated[str, name_like("rule", r"[a-z][a-z0-9_]*", "small letters, digits and _")]
FormName = Annotated[str, name_like("form", r"[A-Z][A-Z0-9]{0,7}", "up to 8 capitals or digits")]
VisitName = Annotated[
    str, name_like("visit", r"D-?\d{1,4}|M\d{1,3}|[A-Z][A-Z0-9_]{1,11}", "for example SCR, D-1, D14 or M6")
]
SetName = Annotated[str, name_like("set or epoch", r"[A-Z][A-Z0-9_]*", "capitals, digits and _")]
EventName = Annotated[str, one_of("event to count from", "first infusion", "last infusion", "consent")]
ANY_TIME, AT_THE_END = "any time", "at the end"


class ProductSection(Section):
    """One investigational product."""

    label: Text
    origin: Annotated[str, one_of("origin", "autologous", "universal")]
    targets: Words
    route: Text


class ArmSection(Section):
    """One arm."""

    label: Text
    products: Words
    infusions: Whole | None = None


class VerifySection(Section):
    """What the monitor verifies."""

    fully: Words
    sample: Share = Decimal(0)


class StudySection(Section):
    """study.yaml: identity, products, arms, conditions, populations, verification."""

    study: Oid
    version: Annotated[Whole, Field(ge=1)]
    changes: Labels
    title: Text
    sponsor: Text = ""
    location: Text = ""
    registry: Text = ""
    source: Text = ""
    masking: Annotated[str, one_of("masking", "none", "single", "double")]
    sites: Sites
    cap: Whole | None
    products: dict[Code, ProductSection]
    arms: dict[Code, ArmSection]
    conditions: dict[Code, Text]
    populations: dict[SmallName, Rule] = {}
    reminders: dict[str, Rule] = {}
    verify: VerifySection


class VisitSection(Section):
    """One visit: exactly one of ``day``, ``month``, ``days`` and ``when`` places it."""

    label: Text = ""
    day: Whole | None = None
    month: Whole | None = None
    days: Range | None = None
    when: Annotated[str, one_of("time of a visit", ANY_TIME, AT_THE_END)] | None = None
    window: Window | None = None
    alias: Annotated[str, VisitName] | None = None
    anchor: EventName | None = Field(default=None, alias="from")

    @model_validator(mode="after")
    def placed_once(self) -> VisitSection:
        """Refuse a visit without a place, with two, or with a window where there is no day to count it from."""
        given = [name for name in ("day", "month", "days", "when") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise refusal(f"the visit has {found}", "exactly one of day, month, days and when")
        if self.window is not None and given[0] in {"days", "when"}:
            raise refusal(f"a visit with {given[0]} takes no window", "a window only beside day or month")
        if self.window is not None and not _spans_zero(self.window.low, self.window.high):
            raise refusal(f'the window "{self.window}" leaves out the target day', "for example 2, or -1..0")
        if self.days is not None and (self.days.low is None or self.days.high is None):
            raise refusal(f'"{self.days}" is open', "a first and a last day, for example -28..-6")
        return self


def _spans_zero(low: Decimal | None, high: Decimal | None) -> bool:
    return low is not None and high is not None and low <= 0 <= high


class PlacesSection(Section):
    """Where a form is captured; ``offered`` are further visits at which it may be filled but is not missed."""

    at: Words
    offered: Words = []
    required: bool = True


def _places(value: Any) -> Any:
    return value if isinstance(value, dict) else {"at": value}


class ScheduleSection(Section):
    """schedule.yaml: anchor, month table, visits, epochs, sets, and which form at which visit for whom."""

    anchor: EventName
    months: dict[str, Whole] = {}
    visits: dict[VisitName, VisitSection]
    epochs: dict[SetName, Words] = {}
    sets: dict[SetName, Words] = {}
    forms: dict[str, dict[FormName, Annotated[PlacesSection, BeforeValidator(_places)]]]


class PolicySection(Section):
    """A reading of unclear wording."""

    use: Text
    options: Labels
    why: Text


class CriterionSection(Section):
    """One criterion; ``met`` is a rule or a tree of rules (see ``rules``)."""

    quote: Text
    at: Words | None = None
    met: Any
    note: Text = ""


class EligibilitySection(Section):
    """eligibility.yaml: gates, policies, definitions, criteria. The trees of rules are read by ``rules.read_tree``."""

    gates: dict[SmallName, Text]
    policies: dict[SmallName, PolicySection] = {}
    define: dict[SmallName, Any] = {}
    include: dict[str, dict[CriterionName, CriterionSection]] = {}
    exclude: dict[str, dict[CriterionName, CriterionSection]] = {}


class OverdoseSection(Section):
    """From when, and above which probability, a level counts as too toxic."""

    above: Number
    start: Participants = Field(alias="from")


class DesignSection(Section):
    """The escalation method and its settings."""

    method: Annotated[str, one_of("method", "3+3", "keyboard", "boin", "mtpi2", "i3+3")]
    target: Number | None = None
    key: Range | None = None
    overdose: OverdoseSection | None = None

    @model_validator(mode="after")
    def target_where_needed(self) -> DesignSection:
        """Every method but 3+3 needs a target rate."""
        if self.method != "3+3" and self.target is None:
            raise refusal(f"{self.method} needs a target", "target: the rate aimed at, for example 0.30")
        if self.target is not None and not 0 < self.target < 1:
            raise refusal(f"the target {self.target} is not a rate", "a number between 0 and 1")
        return self


def _next_level(value: Any) -> int | None:
    return None if value == "DLT window" else read_days(value)


class StaggerSection(Section):
    """Least time between infusions; ``next_level`` None is the DLT window."""

    first: Days = Field(alias="after the first at a level")
    others: Days = Field(alias="between the others")
    next_level: Annotated[int | None, PlainValidator(_next_level)] = Field(alias="before the next level")


class DoseSection(Section):
    """dose.yaml: ladders, cohort, design, stagger. A ladder is a list of levels, or product: list."""

    unit: Text
    allowed: Range | None = None
    ladders: dict[Code, Any]
    start: Annotated[Whole, Field(ge=1)] = 1
    cohort: Annotated[Whole, Field(ge=1)]
    design: DesignSection
    stagger: StaggerSection
    replace: Annotated[str, one_of("replacement", "not evaluable", "nobody")]
