"""Anchors, targets and windows: whatever moves Day 0 moves every visit's target and window, never its actual date."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date

from trials import policies
from trials.domain.roles import Permission
from trials.domain.schedule import Anchors, PlannedVisit, VisitKind, window_of
from trials.domain.states import ENDED, ParticipantState
from trials.models import Participant, StudyVersion, Visit
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal
from trials.records.services.act import Act, open_act
from trials.records.services.clock import study_now
from trials.services.deviations import WINDOW, Ground, Key, judge_deviations, window_grounds
from trials.services.guards import lock_refusals, raise_refusals
from trials.services.noting import Shown, note_changed, save_changes, shown
from trials.services.plans import schedule_of

DERIVED = ("target", "opens", "closes", "provisional", "cancelled")
"""The columns of a visit that follow from the anchors and the participant's end."""

NOT_ENROLLED, NO_CONSENT = "ELIGIBILITY", "CONSENT"


def anchors_of(participant: Participant) -> Anchors:
    """Return what is known of the dates from which visits are counted."""
    return Anchors(
        consented_on=participant.consented_on,
        infused_on=participant.infused_on,
        last_infused_on=participant.last_infused_on,
        planned_infusion_on=participant.planned_infusion_on,
    )


def new_visits(participant: Participant, schedule: Sequence[PlannedVisit]) -> list[Visit]:
    """Return, unsaved, the visits that exist from consent: every scheduled one and the end of study."""
    anchors = anchors_of(participant)
    visits = []
    for ordinal, plan in enumerate(schedule, start=1):
        if plan.kind is VisitKind.UNSCHEDULED:
            continue
        visit = Visit(
            study_id=participant.study_id,
            site_id=participant.site_id,
            participant=participant,
            version_id=participant.version_id,
            code=plan.code,
            ordinal=ordinal,
            kind=plan.kind.value,
        )
        place(visit, plan, anchors)
        visits.append(visit)
    return visits


def place(visit: Visit, plan: PlannedVisit | None, anchors: Anchors) -> None:
    """Set target and window of a visit by its plan."""
    if plan is None:
        return
    window = window_of(plan, anchors)
    visit.target, visit.opens, visit.closes = window.target, window.opens, window.closes
    visit.provisional = window.provisional


def is_cancelled(visit: Visit, participant: Participant) -> bool:
    """Say whether a visit is no longer awaited: the participant's time in the study ended before its window opened.

    The end-of-study visit is awaited from whoever took part; nothing is awaited from a record that was taken back.
    """
    state = ParticipantState(participant.state)
    if state not in ENDED or visit.actual is not None or visit.missed:
        return False
    if state is ParticipantState.TAKEN_BACK:
        return True
    if visit.kind == Visit.Kind.END:
        return False
    ended = [day for day in (participant.ended_on, participant.died_on) if day is not None]
    return visit.opens is None or not ended or visit.opens > min(ended)


def reanchor(participant: Participant, *, act: Act, reason: str = "") -> None:
    """Recompute target, window and expectation of all visits of a participant, and judge their deviations again."""
    visits = list(Visit.objects.select_for_update().filter(participant=participant).order_by("pk"))
    plans = _plans(visits)
    anchors = anchors_of(participant)
    moved = []
    for visit in visits:
        visit.participant = participant
        before = shown(visit)
        place(visit, plans.get((visit.version_id, visit.code)), anchors)
        visit.cancelled = is_cancelled(visit, participant)
        if note_changed(act, visit, before, action="re-anchor", reason=reason, only=DERIVED):
            moved.append(visit)
    if moved:
        Visit.objects.bulk_update(moved, DERIVED)
    judge_visits(participant, visits, act=act)


def judge_visits(participant: Participant, visits: Iterable[Visit], *, act: Act) -> None:
    """Judge the window deviations of these visits and what the participant's own facts give ground for."""
    visits = list(visits)
    grounds = {**window_grounds(visits), **fact_grounds(participant)}
    judged: list[Key] = [(visit.pk, WINDOW) for visit in visits]
    judge_deviations(participant, grounds, judged=[*judged, (None, NOT_ENROLLED), (None, NO_CONSENT)], act=act)


def fact_grounds(participant: Participant) -> dict[Key, Ground]:
    """Return the deviations of an infusion that happened without, or before, enrolment or consent."""
    infused = participant.infused_on
    if infused is None:
        return {}
    grounds: dict[Key, Ground] = {}
    if participant.enrolled_on is None or participant.enrolled_on > infused:
        grounds[None, NOT_ENROLLED] = Ground(infused, f"Infused on {infused} without being enrolled.")
    if participant.consented_on is None or participant.consented_on > infused:
        grounds[None, NO_CONSENT] = Ground(infused, f"Infused on {infused} without consent recorded before.")
    return grounds


def _plans(visits: Sequence[Visit]) -> dict[tuple[uuid.UUID, str], PlannedVisit]:
    """Return the plans of the visits, each by the version it is pinned to."""
    versions = StudyVersion.objects.filter(pk__in={visit.version_id for visit in visits}).defer("document")
    return {(version.pk, plan.code): plan for version in versions for plan in schedule_of(version)}


def save_participant(act: Act, participant: Participant, before: Shown, *, action: str, reason: str = "") -> bool:
    """Write and note a participant's changed columns, and re-anchor when any did."""
    if not save_changes(act, participant, before, action=action, reason=reason):
        return False
    reanchor(participant, act=act, reason=reason)
    return True


def plan_infusion(participant: Participant, *, on: date | None, actor: Actor) -> Participant:
    """Set or clear the planned day of the first infusion; targets and windows are provisional until it took place."""
    policies.require(actor, Permission.CHANGE_PARTICIPANT, participant)
    study = participant.study
    with open_act("plan infusion", chain=study.chain_key, actor=actor, study_time=study_now(study)) as act:
        row = Participant.objects.select_for_update(of=("self",)).select_related("study", "site").get(pk=participant.pk)
        raise_refusals(_plan_refusals(row, on))
        before = shown(row)
        row.planned_infusion_on = on
        save_participant(act, row, before, action="plan infusion")
        return row


def _plan_refusals(participant: Participant, on: date | None) -> list[Refusal]:
    found = list(lock_refusals(participant))
    if participant.infused_on is not None:
        found.append(
            Refusal(
                "already_infused",
                expected="a participant who awaits the first infusion",
                found=f"the first infusion on {participant.infused_on}",
                action="Correct the infusion form if that is wrong.",
            )
        )
    if ParticipantState(participant.state) in ENDED:
        found.append(Refusal("participant_ended", "a participant under study", participant.state, "Check the number."))
    if on is not None and participant.consented_on is not None and on < participant.consented_on:
        expected = f"a day from {participant.consented_on}, the day of consent"
        found.append(Refusal("date_before_consent", expected, f"{on}", "Choose a later day.", where="date"))
    return found
