"""What the safety room knows of one published study version: scales, collection, DLT and stopping rules, clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trials.records.domain.expressions import Rule

Per = Literal["study", "arm", "dose level", "cohort"]
Then = Literal["pause", "stop", "alert"]


@dataclass(frozen=True, slots=True)
class DltRule:
    """One clause of the DLT definition over events of a graded form ``of`` (AE, CRS, ICANS, GVHD).

    ``when`` true: a candidate for adjudication; unknown: pending. ``excepted`` are CTCAE terms it never looks at.
    """

    name: str
    of: str
    when: Rule
    excepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DltPlan:
    """The window runs from the first infusion to ``days_after_last`` days after the last one, both days included."""

    starts: Literal["first infusion", "last infusion"]
    days_after_last: int
    evaluable: Rule
    rules: tuple[DltRule, ...]

    def rules_for(self, form: str) -> tuple[DltRule, ...]:
        """Return the rules that look at events of a form."""
        return tuple(rule for rule in self.rules if rule.of == form)


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """A rule that recommends and blocks; a person decides."""

    name: str
    per: Per
    when: Rule
    then: Then


@dataclass(frozen=True, slots=True)
class SeriousDeadlines:
    """Reporting clocks of serious events: the site's in hours, the sponsor's in calendar days."""

    site_hours: int
    fatal_days: int
    other_days: int


@dataclass(frozen=True, slots=True)
class SafetyPlan:
    """One study version as the safety room reads it.

    ``scales``: kind of event: scale and version, as in ``AE: CTCAE 5.0``. ``collect_from`` and ``collect_until`` are
    visit codes. ``notes``: management hints by topic.
    """

    scales: Mapping[str, str]
    collect_from: str
    collect_until: str
    special_interest: tuple[str, ...]
    dlt: DltPlan
    stopping: tuple[StoppingRule, ...]
    serious: SeriousDeadlines
    notes: Mapping[str, str]
