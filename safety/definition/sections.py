"""What safety.yaml may hold, after ``extends`` is resolved."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trials.definition.fields import Days, Hours, Labels, Rule, Section, Text, Whole, Words, name_like, one_of
from trials.definition.sections import CAPITALS, EventName

RuleName = Annotated[str, name_like("safety rule", r"[A-Z][A-Z0-9_-]{0,39}", CAPITALS)]


class CollectSection(Section):
    """Visits between which adverse events are collected."""

    start: Text = Field(alias="from")
    until: Text


class DltRuleSection(Section):
    """One clause of the DLT definition."""

    of: Text
    when: Rule
    excepted: Words = Field(default=[], alias="except")


class DltSection(Section):
    """The DLT window, who is evaluable, and the rules."""

    start: EventName = Field(alias="from")
    days_after_last: Annotated[Whole, Field(ge=1)] = Field(alias="days after the last infusion")
    evaluable: Rule
    rules: dict[RuleName, DltRuleSection]


class StoppingSection(Section):
    """One stopping rule."""

    per: Annotated[str, one_of("group that a stopping rule looks at", "study", "arm", "dose level", "cohort")]
    when: Rule
    then: Annotated[str, one_of("consequence", "pause", "stop", "alert")]


class SeriousSection(Section):
    """Reporting clocks of serious events."""

    site: Hours = Field(alias="site reports within")
    fatal: Days = Field(alias="fatal or life-threatening")
    other: Days


class SafetySection(Section):
    """safety.yaml."""

    scales: Labels
    collect: CollectSection
    special_interest: Words = Field(default=[], alias="special interest")
    dlt: DltSection
    stopping: dict[RuleName, StoppingSection] = {}
    serious: SeriousSection
    notes: Labels = {}
