"""Adverse events to review: narrowed by filters, with their course, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet

from safety.models import AdverseEvent
from safety.policies import SEES, visible
from trials.models import Study
from trials.records.domain.actors import Actor

SHOWN = 300
SEVERE = 3
GRADES = range(1, 6)


@dataclass(frozen=True, slots=True)
class ReviewFilters:
    """What to show; an empty field does not filter. ``grade`` 0 asks for events whose grade is not recorded."""

    grade: int | None = None
    min_grade: int | None = None
    serious: bool = False
    related: bool = False
    ongoing: bool = False
    term: str = ""
    participant: str = ""
    site: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> ReviewFilters:
        """Read the filters of an address; what makes no sense does not filter.

        >>> ReviewFilters.read({"grade": "3", "min_grade": "x", "serious": "1"}).min_grade is None
        True
        """
        return cls(
            grade=_number(query.get("grade", "")),
            min_grade=_number(query.get("min_grade", "")),
            serious=query.get("serious") == "1",
            related=query.get("related") == "1",
            ongoing=query.get("ongoing") == "1",
            term=query.get("term", "").strip(),
            participant=query.get("participant", "").strip(),
            site=query.get("site", "").strip(),
        )

    def condition(self) -> Q:
        """Return the filters as a condition on adverse events."""
        wanted = Q()
        if self.grade is not None:
            wanted &= Q(grade=self.grade) if self.grade else Q(grade=None)
        if self.min_grade is not None:
            wanted &= Q(grade__gte=self.min_grade)
        wanted &= Q(serious=True) if self.serious else Q()
        wanted &= Q(related=True) if self.related else Q()
        wanted &= Q(ongoing=True) if self.ongoing else Q()
        wanted &= Q(term__icontains=self.term) | Q(text__icontains=self.term) if self.term else Q()
        wanted &= Q(participant__number__icontains=self.participant) if self.participant else Q()
        return wanted & (Q(site__code=self.site) if self.site else Q())


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) == 1 else None


def events_of(actor: Actor, study: Study) -> QuerySet[AdverseEvent]:
    """Return the adverse events of a study that an actor may see."""
    return visible(actor, AdverseEvent.objects.filter(study=study), SEES)


def adverse_events(actor: Actor, study: Study, filters: ReviewFilters) -> list[AdverseEvent]:
    """Return the events that pass the filters, gravest first, with participants and courses; two statements."""
    rows = events_of(actor, study).filter(filters.condition())
    rows = rows.select_related("participant", "site").prefetch_related("grades")
    gravest, latest = F("grade").desc(nulls_last=True), F("started_earliest").desc(nulls_last=True)
    return list(rows.order_by(gravest, latest, "participant__number", "number")[:SHOWN])


def count_events(actor: Actor, study: Study, filters: ReviewFilters) -> dict[str, int]:
    """Return how many events there are, pass the filters, and would pass each chip alone; one statement."""
    chips = {
        "total": Q(pk__isnull=False),
        "passing": filters.condition(),
        "serious": Q(serious=True),
        "related": Q(related=True),
        "ongoing": Q(ongoing=True),
        "severe": Q(grade__gte=SEVERE),
        "ungraded": Q(grade=None),
        **{f"grade_{grade}": Q(grade=grade) for grade in GRADES},
    }
    counted = {name: Count("pk", filter=condition & Q(pk__isnull=False)) for name, condition in chips.items()}
    return events_of(actor, study).aggregate(**counted)
