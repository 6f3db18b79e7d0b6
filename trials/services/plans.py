"""The schedule and the cap of a study version, in the shapes of the schedule's domain module."""

from __future__ import annotations

from trials.definition.compiled import VisitPlan, trial_definition
from trials.domain.schedule import Anchor, PlannedVisit, VisitKind
from trials.models import Participant, StudyVersion


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


def only_condition(version: StudyVersion) -> str:
    """Return the study's condition when it has just one, which then no form asks for; else empty."""
    conditions = tuple(trial_definition(version).conditions)
    return conditions[0] if len(conditions) == 1 else ""


def with_given(participant: Participant) -> list[str]:
    """Return the participant's populations with those that need no rule (condition, arm) as they are now.

    Populations by rule stay as they were judged; the room that holds the data judges them again when inputs change.
    """
    trial = trial_definition(participant.version)
    arm = participant.arm.code if participant.arm is not None else ""
    given = trial.given_populations(condition=participant.condition, arm=arm)
    by_rule = [name for name in participant.populations if name in trial.populations]
    return list(dict.fromkeys((*given, *by_rule)))
