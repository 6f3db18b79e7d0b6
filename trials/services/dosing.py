"""Assignment to an arm and a dose level: the act that enrols, and its gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trials import policies
from trials.domain.roles import Permission
from trials.domain.states import ParticipantAction, ParticipantState
from trials.models import Arm, DoseLevel, Participant, Study
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal
from trials.records.services.act import open_act
from trials.records.services.clock import local_today, study_now
from trials.services.anchoring import save_participant
from trials.services.guards import lock_refusals, raise_refusals, reason_refusals, state_refusals, watch_locks
from trials.services.noting import shown
from trials.services.participants import lock_participant, settle_state
from trials.services.plans import cap_of, with_given

_UNCOUNTED = (Participant.State.SCREENING, Participant.State.SCREEN_FAILED, Participant.State.TAKEN_BACK)
_REASSIGNED = (ParticipantState.ENROLLED,)


@dataclass(frozen=True, slots=True)
class Slots:
    """How many are enrolled in the study, and the most there may be (None: no limit)."""

    enrolled: int
    cap: int | None

    @property
    def free(self) -> int | None:
        """Places left; None without a limit."""
        return None if self.cap is None else max(self.cap - self.enrolled, 0)


def slots_of(study: Study, cap: int | None) -> Slots:
    """Count whoever was ever enrolled or infused; screening failures and records taken back do not count."""
    counted = Participant.objects.filter(study=study).exclude(state__in=_UNCOUNTED)
    return Slots(counted.exclude(enrolled_on=None, infused_on=None).count(), cap)


def assign_dose(
    participant: Participant, *, arm: Arm, dose_level: DoseLevel, actor: Actor, reason: str = ""
) -> Participant:
    """Enrol a participant into an arm at a dose level, or move one who awaits the infusion (then with a reason)."""
    policies.require(actor, Permission.ASSIGN_DOSE, participant)
    study = participant.study
    with open_act("assign dose", chain=study.chain_key, actor=actor, study_time=study_now(study), reason=reason) as act:
        level = DoseLevel.objects.select_for_update(of=("self",)).select_related("arm").get(pk=dose_level.pk)
        row = lock_participant(participant)
        Study.objects.select_for_update().get(pk=row.study_id)
        raise_refusals(enrolment_blockers(row, arm=arm, dose_level=level, reason=reason))
        watch_locks(act, row)
        before = shown(row)
        row.arm, row.dose_level = arm, level
        row.enrolled_on = row.enrolled_on or local_today(row.study, row.site.time_zone)
        row.populations = with_given(row)
        settle_state(row)
        save_participant(act, row, before, action="assign dose", reason=reason)
        return row


def enrolment_blockers(participant: Participant, *, arm: Arm, dose_level: DoseLevel, reason: str = "") -> list[Refusal]:
    """Return everything that stands in the way of assigning this dose level; a page shows the same list."""
    reassigned = participant.state in _REASSIGNED
    action = ParticipantAction.REASSIGN if reassigned else ParticipantAction.ENROL
    found = [
        *state_refusals(participant, action),
        *_consent_blockers(participant),
        *_level_blockers(participant, arm, dose_level),
        *lock_refusals(participant),
    ]
    if reassigned:
        return [*found, *reason_refusals(reason)]
    return [*found, *_cap_blockers(participant)]


def _consent_blockers(participant: Participant) -> Iterator[Refusal]:
    if participant.consented_on is None:
        yield Refusal(
            "not_consented",
            expected="a recorded consent",
            found="none",
            action="Complete the consent form first.",
            where="consented_on",
        )


def _level_blockers(participant: Participant, arm: Arm, level: DoseLevel) -> Iterator[Refusal]:
    if arm.study_id != participant.study_id:
        yield Refusal("arm_of_study", "an arm of this study", "another study's", "Choose one of its arms.", where="arm")
    if level.arm_id != arm.pk:
        expected = f"a dose level of arm {arm.code}"
        yield Refusal("level_of_arm", expected, f"one of arm {level.arm.code}", "Choose again.", where="dose_level")
    if level.state != DoseLevel.State.OPEN:
        yield Refusal(
            "level_not_open",
            expected="an open dose level",
            found=f"level {level.number}: {level.get_state_display().lower()}",
            action="Assign to the open level, or wait for the dose decision that opens this one.",
            where="dose_level",
        )


def _cap_blockers(participant: Participant) -> Iterator[Refusal]:
    slots = slots_of(participant.study, cap_of(participant.version))
    if slots.free == 0:
        yield Refusal(
            "cap_reached",
            expected=f"fewer than {slots.cap} enrolled, the study's cap",
            found=f"{slots.enrolled} enrolled",
            action="No further participant can be enrolled; screening stays open.",
            where="cap",
        )
