"""Enrolment and its gate."""

from __future__ import annotations

from datetime import date

import pytest

from seeds.factories.trials import SYSTEM, MemberFactory, ParticipantFactory, SiteFactory, infuse
from trials.domain.roles import Role
from trials.models import Arm, DoseLevel, Participant
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.services.access import actor_of
from trials.services.dosing import assign_dose, slots_of
from trials.services.participants import fail_screening, take_back_participant, withdraw_participant

pytestmark = pytest.mark.django_db


def level(participant: Participant, number: int = 1) -> DoseLevel:
    return DoseLevel.objects.select_related("arm").get(study=participant.study, number=number)


def assign(participant: Participant, number: int = 1, reason: str = "") -> Participant:
    target = level(participant, number)
    return assign_dose(participant, arm=target.arm, dose_level=target, actor=SYSTEM, reason=reason)


def test_assigning_a_dose_level_enrols() -> None:
    participant = assign(ParticipantFactory())
    row = Participant.objects.get(pk=participant.pk)
    assert (row.state, row.enrolled_on, row.dose_level_id) == ("enrolled", date(2026, 1, 5), level(row).pk)
    assert row.arm_id == level(row).arm_id


def test_the_gate_lists_all_its_blockers_at_once_and_writes_nothing() -> None:
    site = SiteFactory(cap=0)
    participant = ParticipantFactory(site=site, consented_on=None)
    foreign = Arm.objects.get(study=SiteFactory().study)
    events = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        assign_dose(participant, arm=foreign, dose_level=level(participant, 2), actor=SYSTEM)
    assert refused.value.codes == ("not_consented", "arm_of_study", "level_of_arm", "level_not_open", "cap_reached")
    row = Participant.objects.get(pk=participant.pk)
    assert (row.state, row.arm_id, AuditEvent.objects.count()) == ("screening", None, events)


def test_the_cap_is_reached_with_the_last_place_and_screening_stays_open() -> None:
    site = SiteFactory(cap=2)
    people = [ParticipantFactory(site=site) for _ in range(3)]
    for person in people[:2]:
        assign(person)
    with pytest.raises(DomainError) as refused:
        assign(people[2])
    assert refused.value.codes == ("cap_reached",)
    assert ParticipantFactory(site=site).number == "01-004"
    assert slots_of(site.study, 2).free == 0


def test_screening_failures_and_records_taken_back_do_not_count_to_the_cap_but_withdrawals_do() -> None:
    site = SiteFactory(cap=2)
    fail_screening(ParticipantFactory(site=site), reason="Not eligible", actor=SYSTEM)
    take_back_participant(ParticipantFactory(site=site, enrolled=True), reason="Mistyped record", actor=SYSTEM)
    withdraw_participant(ParticipantFactory(site=site, enrolled=True), reason="Own wish", actor=SYSTEM)
    assert slots_of(site.study, 2).enrolled == 1
    assign(ParticipantFactory(site=site))
    with pytest.raises(DomainError):
        assign(ParticipantFactory(site=site))


def test_whoever_was_infused_without_enrolment_counts_to_the_cap() -> None:
    site = SiteFactory(cap=1)
    infuse(ParticipantFactory(site=site), date(2026, 1, 5))
    with pytest.raises(DomainError) as refused:
        assign(ParticipantFactory(site=site))
    assert refused.value.codes == ("cap_reached",)


def test_a_level_that_closed_since_the_page_was_shown_is_refused() -> None:
    participant = ParticipantFactory()
    shown = level(participant)
    DoseLevel.objects.filter(pk=shown.pk).update(state=DoseLevel.State.CLOSED)
    assert shown.state == DoseLevel.State.OPEN
    with pytest.raises(DomainError) as refused:
        assign_dose(participant, arm=shown.arm, dose_level=shown, actor=SYSTEM)
    assert refused.value.codes == ("level_not_open",)
    assert Participant.objects.get(pk=participant.pk).dose_level_id is None


def test_without_a_cap_enrolment_is_not_limited() -> None:
    site = SiteFactory(cap=None)
    for _ in range(4):
        assign(ParticipantFactory(site=site))
    assert slots_of(site.study, None).free is None
    assert Participant.objects.filter(state="enrolled").count() == 4


def test_moving_somebody_enrolled_needs_a_reason_and_an_open_level() -> None:
    participant = assign(ParticipantFactory())
    with pytest.raises(DomainError) as refused:
        assign(participant, 2)
    assert refused.value.codes == ("level_not_open", "reason")
    DoseLevel.objects.filter(pk=level(participant, 2).pk).update(state="open")
    moved = assign(participant, 2, reason="Level 1 closed")
    assert (moved.dose_level_id, moved.enrolled_on) == (level(participant, 2).pk, date(2026, 1, 5))


@pytest.mark.parametrize("end", ["failed", "treated", "withdrawn", "taken back"])
def test_nobody_outside_screening_and_enrolment_is_assigned(end: str) -> None:
    participant = ParticipantFactory(enrolled=end != "failed")
    if end == "failed":
        fail_screening(participant, reason="Not eligible", actor=SYSTEM)
    elif end == "treated":
        infuse(participant, date(2026, 1, 5))
    elif end == "withdrawn":
        withdraw_participant(participant, reason="Own wish", actor=SYSTEM)
    else:
        take_back_participant(participant, reason="Mistyped record", actor=SYSTEM)
    with pytest.raises(DomainError) as refused:
        assign(participant)
    assert refused.value.codes == ("participant_state",)


def test_a_monitor_does_not_assign_doses() -> None:
    participant = ParticipantFactory()
    monitor = actor_of(MemberFactory(site=participant.site, role=Role.MONITOR))
    with pytest.raises(DomainError) as refused:
        assign_dose(participant, arm=level(participant).arm, dose_level=level(participant), actor=monitor)
    assert refused.value.kind == "forbidden"
