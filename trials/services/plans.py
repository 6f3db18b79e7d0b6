"""The schedule and the cap of a study version, in the shapes of the schedule's domain module."""

from __future__ import annotations

from trials.definition.compiled import VisitPlan, trial_definition
from trials.domain.schedule import Anchor, PlannedVisit, VisitKind
from trials.models import StudyVersion


def schedule_of(version: StudyVersion) -> tuple[PlannedVisit, ...]:
    """Return the visits of a version in the order of its schedule; ``ordinal`` counts from 1 along it."""
    return tuple(planned_visit(plan) for plan in trial_definition(version).visits)


def planned_visit(plan: VisitPlan) -> PlannedVisit:
    """Return one visit of the compiled definition as the schedule's arithmetic reads it."""
    return PlannedVisit(
        code=plan.code,
        label=plan.label,
        kind=VisitKind(plan.kind),
        anchor=Anchor(plan.anchor),
        day=plan.target,
        first=plan.opens,
        last=plan.closes,
        alias=plan.alias,
    )


def cap_of(version: StudyVersion) -> int | None:
    """Return the most participants that may be enrolled in the study; None for no limit."""
    return trial_definition(version).cap
