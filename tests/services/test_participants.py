"""Registration, numbers, ends and take-backs of participants."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from seeds.factories.trials import SYSTEM, ParticipantFactory, SiteFactory, schedule_of_length, small_version
from trials.models import Participant, SiteStay, Visit
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.selectors.participants import find_by_number
from trials.services.participants import (
    complete_participant,
    fail_screening,
    register_participant,
    take_back_participant,
    withdraw_participant,
)
from trials.services.sites import create_site

pytestmark = pytest.mark.django_db


def statements(captured: CaptureQueriesContext) -> list[str]:
    """Leave out the frame of the transaction: a test runs in one of its own."""
    frame = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return [each["sql"] for each in captured.captured_queries if not each["sql"].startswith(frame)]


def test_numbers_count_from_one_at_each_site() -> None:
    site = SiteFactory()
    other = create_site(site.study, code="02", name="Second hospital", time_zone="Asia/Shanghai", actor=SYSTEM)
    from_first = [ParticipantFactory(site=site).number for _ in range(2)]
    assert from_first == ["01-001", "01-002"]
    assert other.next_sequence == 1


def test_every_scheduled_visit_exists_from_registration_and_names_its_version() -> None:
    participant = ParticipantFactory()
    visits = list(Visit.objects.filter(participant=participant).order_by("ordinal"))
    assert [visit.code for visit in visits] == [
        "SCR", "LD", "D-1", "D0", "D14", "D21", "D28", "M2", "M3", "M6", "M9", "M12", "M18", "M24", "EOS",
    ]  # fmt: skip
    assert {visit.version_id for visit in visits} == {participant.version_id}
    assert {visit.target for visit in visits} == {None}
    assert [visit.kind for visit in visits][-1] == Visit.Kind.END


def test_registration_is_one_act_with_one_event_for_each_record_it_touched() -> None:
    site = SiteFactory()
    before = set(AuditEvent.objects.values_list("act", flat=True))
    participant = register_participant(site, consented_on=date(2026, 1, 5), actor=SYSTEM)
    events = AuditEvent.objects.exclude(act__in=before).order_by("seq")
    assert len({event.act for event in events}) == 1
    kinds = [event.record_kind for event in events]
    assert kinds == ["Participant", "SiteStay", "Site", *["Visit"] * 15]
    assert {event.participant for event in events} == {str(participant.pk), ""}
    assert [event.participant for event in events if not event.participant] == [""]


@pytest.mark.parametrize("visits", [1, 15, 60])
def test_registration_takes_at_most_twelve_statements_up_to_sixty_visits(visits: int) -> None:
    site = SiteFactory(visits=schedule_of_length(visits))
    with CaptureQueriesContext(connection) as captured:
        participant = register_participant(site, actor=SYSTEM)
    assert len(statements(captured)) <= 12
    assert Visit.objects.filter(participant=participant).count() == visits


def test_the_same_form_submitted_twice_registers_once() -> None:
    site, submission = SiteFactory(), uuid.uuid4()
    first = register_participant(site, actor=SYSTEM, submission=submission)
    events = AuditEvent.objects.count()
    second = register_participant(site, actor=SYSTEM, submission=submission)
    assert second.pk == first.pk == submission
    assert (Participant.objects.count(), AuditEvent.objects.count()) == (1, events)


def test_a_form_used_at_one_site_cannot_register_at_another() -> None:
    first, second, submission = SiteFactory(), SiteFactory(), uuid.uuid4()
    register_participant(first, actor=SYSTEM, submission=submission)
    with pytest.raises(DomainError):
        register_participant(second, actor=SYSTEM, submission=submission)
    assert Participant.objects.count() == 1


def test_a_site_without_a_version_in_force_registers_nobody() -> None:
    version = small_version("BARE", simulated=False)
    site = create_site(version.study, code="07", name="Hospital", time_zone="Asia/Shanghai", actor=SYSTEM)
    events = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        register_participant(site, actor=SYSTEM)
    assert refused.value.codes == ("site_not_active",)
    assert (Participant.objects.count(), AuditEvent.objects.count()) == (0, events)


def test_consent_may_be_today_at_the_site_but_not_tomorrow() -> None:
    site = SiteFactory()  # the study's clock shows 5 January 2026, 10:00 in Shanghai
    with pytest.raises(DomainError) as refused:
        register_participant(site, consented_on=date(2026, 1, 6), actor=SYSTEM)
    assert refused.value.codes == ("date_in_future",)
    assert Participant.objects.count() == 0
    assert register_participant(site, consented_on=date(2026, 1, 5), actor=SYSTEM).consented_on == date(2026, 1, 5)


def test_a_screening_failure_keeps_its_number_reason_and_ends_all_waiting() -> None:
    participant = fail_screening(ParticipantFactory(), reason="Haemoglobin too low", actor=SYSTEM)
    participant.refresh_from_db()
    assert (participant.state, participant.state_reason, participant.ended_on) == (
        "screen_failed",
        "Haemoglobin too low",
        date(2026, 1, 5),
    )
    awaited = Visit.objects.filter(participant=participant, cancelled=False)
    assert [visit.code for visit in awaited] == ["EOS"]


@pytest.mark.parametrize("reason", ["", " ", "--"])
def test_screening_failure_withdrawal_and_take_back_need_a_reason(reason: str) -> None:
    participant, enrolled = ParticipantFactory(), ParticipantFactory(enrolled=True)
    events = AuditEvent.objects.count()
    for act, row in (
        (fail_screening, participant),
        (withdraw_participant, enrolled),
        (take_back_participant, enrolled),
    ):
        with pytest.raises(DomainError) as refused:
            act(row, reason=reason, actor=SYSTEM)
        assert refused.value.codes == ("reason",)
    assert AuditEvent.objects.count() == events
    assert Participant.objects.get(pk=participant.pk).state == "screening"


def test_all_refusals_of_an_act_come_at_once() -> None:
    with pytest.raises(DomainError) as refused:
        withdraw_participant(ParticipantFactory(), reason="", actor=SYSTEM)
    assert refused.value.codes == ("participant_state", "reason")


def test_withdrawal_cancels_later_visits_and_keeps_earlier_ones_awaited() -> None:
    site = SiteFactory()
    participant = ParticipantFactory(site=site, enrolled=True, infused_on=date(2025, 12, 20))
    withdrawn = withdraw_participant(participant, reason="Moved abroad", actor=SYSTEM)
    assert withdrawn.state == "withdrawn"
    rows = Visit.objects.filter(participant=participant).order_by("ordinal")
    awaited = [visit.code for visit in rows if not visit.cancelled]
    # 5 January is Day 16: the windows up to that of Day 14 have opened, that of Day 21 has not.
    assert awaited == ["SCR", "LD", "D-1", "D0", "D14", "EOS"]


def test_only_somebody_treated_completes() -> None:
    with pytest.raises(DomainError) as refused:
        complete_participant(ParticipantFactory(enrolled=True), actor=SYSTEM)
    assert refused.value.codes == ("participant_state",)
    treated = ParticipantFactory(enrolled=True, infused_on=date(2026, 1, 5))
    assert complete_participant(treated, actor=SYSTEM).state == "completed"


def test_a_number_taken_back_is_never_given_again() -> None:
    site = SiteFactory()
    first = ParticipantFactory(site=site)
    take_back_participant(first, reason="Registered twice by mistake", actor=SYSTEM)
    assert ParticipantFactory(site=site).number == "01-002"
    row = Participant.objects.get(pk=first.pk)
    assert (row.number, row.state, row.state_reason) == ("01-001", "taken_back", "Registered twice by mistake")
    assert Visit.objects.filter(participant=row, cancelled=False).count() == 0
    assert Visit.objects.filter(participant=row).count() == 15


def test_somebody_treated_cannot_be_taken_back() -> None:
    treated = ParticipantFactory(enrolled=True, infused_on=date(2026, 1, 5))
    with pytest.raises(DomainError) as refused:
        take_back_participant(treated, reason="Mistyped record", actor=SYSTEM)
    assert refused.value.codes == ("participant_state",)


def test_a_number_is_found_as_people_type_it() -> None:
    site = SiteFactory()
    for _ in range(3):
        participant = ParticipantFactory(site=site)
    found = {
        text: [row.pk for row in find_by_number(SYSTEM, text)] for text in ("3", "003", "01-003", "01-3", " 01 3 ")
    }
    assert set(map(tuple, found.values())) == {(participant.pk,)}
    assert [find_by_number(SYSTEM, text) for text in ("02-003", "4", "0", "x", "")] == [[], [], [], [], []]


def test_the_stay_at_the_first_site_begins_with_registration() -> None:
    participant = ParticipantFactory()
    stay = SiteStay.objects.get(participant=participant)
    assert (stay.site_id, stay.from_date, stay.until_date) == (participant.site_id, date(2026, 1, 5), None)
