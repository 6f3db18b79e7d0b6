"""Registration and the ends of a participant's record."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date

from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce

from trials import policies
from trials.domain.numbering import participant_number
from trials.domain.roles import Permission
from trials.domain.states import LifeFacts, ParticipantAction, ParticipantState, state_of
from trials.models import Participant, Site, SiteActivation, SiteStay, StudyVersion, Visit
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, refuse
from trials.records.services.act import Act, open_act
from trials.records.services.clock import local_today, study_now
from trials.services.anchoring import new_visits, save_participant
from trials.services.guards import lock_refusals, raise_refusals, reason_refusals, state_refusals, watch_locks
from trials.services.noting import note_created, shown
from trials.services.plans import only_condition, schedule_of, with_given


def register_participant(
    site: Site, *, actor: Actor, consented_on: date | None = None, submission: uuid.UUID | None = None
) -> Participant:
    """Open a screening record: the site's next number, the version in force there, and all visits, in one act.

    ``submission`` is an id that the form carried; a second submission of the same form returns the first one's record.
    The number of statements does not depend on the schedule.
    """
    policies.require(actor, Permission.REGISTER_PARTICIPANT, site)
    study = site.study
    with open_act("register participant", chain=study.chain_key, actor=actor, study_time=study_now(study)) as act:
        site = Site.objects.select_for_update(of=("self",)).select_related("study").get(pk=site.pk)
        today = local_today(site.study, site.time_zone)
        version = _version_and_twin(site, today, submission).first()
        if version is not None and submission is not None and getattr(version, "already", False):
            return _registered_before(site, submission)
        raise_refusals(_registration_refusals(site, version, consented_on, today))
        assert version is not None
        return _register(act, site, version, consented_on=consented_on, today=today, submission=submission)


def _version_and_twin(site: Site, today: date, submission: uuid.UUID | None) -> QuerySet[StudyVersion]:
    """Ask in one statement for the version in force and whether the submission was taken before."""
    twin = Participant.objects.filter(pk=submission) if submission is not None else Participant.objects.none()
    starts = SiteActivation.objects.filter(site=site, version=OuterRef("pk"), from_date__lte=today)
    return (
        StudyVersion.objects.filter(study_id=site.study_id)
        .annotate(already=Coalesce(Exists(twin), Value(value=False)), since=starts.values("from_date")[:1])
        .filter(since__isnull=False)
        .order_by("-since", "-number")
        .defer("document")
    )


def _registered_before(site: Site, submission: uuid.UUID) -> Participant:
    found = Participant.objects.get(pk=submission)
    if found.site_id != site.pk:
        raise refuse(
            "submission_taken",
            expected="a form that was not submitted before",
            found="a form already used at another site",
            action="Open the registration page again.",
            kind="conflict",
        )
    return found


def _registration_refusals(
    site: Site, version: StudyVersion | None, consented_on: date | None, today: date
) -> list[Refusal]:
    found = []
    if version is None:
        found.append(
            Refusal(
                "site_not_active",
                expected=f"a study version in force at site {site.code} on {today}",
                found="none",
                action="Ask a data manager to activate a version for the site.",
            )
        )
    if consented_on is not None and consented_on > today:
        found.append(
            Refusal("date_in_future", f"a date up to {today}", f"{consented_on}", "Correct it.", where="consented_on")
        )
    return found


def _register(
    act: Act,
    site: Site,
    version: StudyVersion,
    *,
    consented_on: date | None,
    today: date,
    submission: uuid.UUID | None,
) -> Participant:
    participant = Participant(
        id=submission or uuid.uuid4(),
        study=site.study,
        site=site,
        version=version,
        sequence=site.next_sequence,
        number=participant_number(site.code, site.next_sequence),
        consented_on=consented_on,
        condition=only_condition(version),
        created_at=act.at,
    )
    participant.populations = with_given(participant)
    participant.save(force_insert=True)
    note_created(act, participant, action="register")
    stay = SiteStay(participant=participant, site=site, from_date=today)
    stay.save(force_insert=True)
    note_created(act, stay)
    _count_on(act, site)
    visits = Visit.objects.bulk_create(new_visits(participant, schedule_of(version)))
    for visit in visits:
        note_created(act, visit)
    return participant


def _count_on(act: Act, site: Site) -> None:
    """Move the site's counter on; the row is locked, and a sequence is never given twice."""
    old = site.next_sequence
    site.next_sequence += 1
    site.save(update_fields=["next_sequence"])
    act.note("Site", site.pk, "count", delta={"next_sequence": [str(old), str(site.next_sequence)]}, site=site.pk)


def life_of(participant: Participant) -> LifeFacts:
    """Return the facts that make a participant's state."""
    return LifeFacts(
        enrolled_on=participant.enrolled_on,
        infused_on=participant.infused_on,
        ended_on=participant.ended_on,
        end_reason=participant.state_reason,
        died_on=participant.died_on,
        taken_back=participant.state == Participant.State.TAKEN_BACK,
    )


def settle_state(participant: Participant) -> None:
    """Set the state that the participant's facts make."""
    participant.state = state_of(life_of(participant)).value


def fail_screening(participant: Participant, *, reason: str, actor: Actor) -> Participant:
    """End a screening that failed, with the reason; its number stays."""
    return _end(participant, ParticipantAction.FAIL_SCREENING, reason=reason, actor=actor)


def withdraw_participant(participant: Participant, *, reason: str, actor: Actor) -> Participant:
    """End the participation of somebody enrolled or treated before its planned end, with the reason."""
    return _end(participant, ParticipantAction.WITHDRAW, reason=reason, actor=actor)


def complete_participant(participant: Participant, *, actor: Actor) -> Participant:
    """End the participation of somebody treated, as planned."""
    return _end(participant, ParticipantAction.COMPLETE, reason="", actor=actor)


def _end(participant: Participant, action: ParticipantAction, *, reason: str, actor: Actor) -> Participant:
    needs_reason = action is not ParticipantAction.COMPLETE

    def end(row: Participant) -> None:
        row.ended_on = local_today(row.study, row.site.time_zone)
        row.state_reason = reason.strip()
        settle_state(row)

    return change_participant(participant, action, end, reason=reason, needs_reason=needs_reason, actor=actor)


def take_back_participant(participant: Participant, *, reason: str, actor: Actor) -> Participant:
    """Take back a record that was registered by mistake; its records stay, its number is never given again."""

    def take_back(row: Participant) -> None:
        row.state = ParticipantState.TAKEN_BACK.value
        row.state_reason = reason.strip()

    return change_participant(
        participant, ParticipantAction.TAKE_BACK, take_back, reason=reason, needs_reason=True, actor=actor
    )


def change_participant(
    participant: Participant,
    action: ParticipantAction,
    change: Callable[[Participant], None],
    *,
    reason: str,
    needs_reason: bool,
    actor: Actor,
) -> Participant:
    """Apply one act to the locked row: policy, all refusals at once, the change, re-anchoring, the note."""
    policies.require(actor, Permission.CHANGE_PARTICIPANT, participant)
    study = participant.study
    with open_act(
        f"{action.value} participant", chain=study.chain_key, actor=actor, study_time=study_now(study), reason=reason
    ) as act:
        row = lock_participant(participant)
        refusals = [*state_refusals(row, action), *lock_refusals(row)]
        raise_refusals([*refusals, *(reason_refusals(reason) if needs_reason else ())])
        before = shown(row)
        watch_locks(act, row)
        change(row)
        save_participant(act, row, before, action=action.value, reason=reason)
        return row


def lock_participant(participant: Participant) -> Participant:
    """Lock and return a participant's row with study and site."""
    rows = Participant.objects.select_for_update(of=("self",)).select_related("study", "site")
    return rows.get(pk=participant.pk)
