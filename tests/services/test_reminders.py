"""Reminders of visits: who is written to, when, once, and no longer."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from seeds.factories.trials import BEGIN, SYSTEM, MemberFactory, ParticipantFactory, SiteFactory, VisitFactory, infuse
from trials.domain.roles import Role
from trials.models import Participant, Study, User, Visit
from trials.records.models import Notification
from trials.records.services.notifications import Request
from trials.services.participants import take_back_participant
from trials.services.reminders import sweep_reminders, sweep_study
from trials.services.study_clock import advance_clock
from trials.services.visits import clear_visit_date, miss_visit, start_visit, unmiss_visit
from trials.tasks import sweep_reminders as task

pytestmark = pytest.mark.django_db
TODAY = date(2026, 1, 5)


def treated_so_that_day_14_is(days_away: int) -> Participant:
    """Return a participant whose Day 14 lies that many days after today, and whose other visits are dealt with."""
    day_0 = TODAY + timedelta(days=days_away - 14)
    participant = ParticipantFactory(consented_on=None, infused_on=day_0)
    others = Visit.objects.filter(participant=participant, kind="scheduled").exclude(code="D14")
    others.update(missed=True, missed_reason="Not of interest here")
    return participant


def rules(channel: str = "inbox", state: str = "queued") -> list[str]:
    rows = Notification.objects.filter(channel=channel, state=state).order_by("rule_id")
    return [row.rule_id.removeprefix("visit.") for row in rows]


@pytest.mark.parametrize(
    ("days_away", "expected"),
    [
        (8, []),
        (7, ["upcoming"]),
        (3, ["upcoming"]),
        (2, ["due", "upcoming"]),
        (1, ["closing", "upcoming"]),
        (0, ["closing"]),
        (-2, ["closing"]),
        (-3, ["overdue"]),
        (-300, ["overdue"]),
    ],
)
def test_each_rule_holds_from_its_day_to_its_day(days_away: int, expected: list[str]) -> None:
    participant = treated_so_that_day_14_is(days_away)
    MemberFactory(site=participant.site)
    assert sweep_study(participant.study) == len(expected) + len({"closing", "overdue"} & set(expected))
    assert rules() == expected
    assert rules("email") == sorted({"closing", "overdue"} & set(expected))


def test_a_second_scan_writes_nothing_more() -> None:
    participant = treated_so_that_day_14_is(-3)
    MemberFactory(site=participant.site)
    assert (sweep_reminders(), sweep_reminders()) == (2, 0)
    assert Notification.objects.count() == 2


def test_the_scan_and_a_single_request_meet_in_the_same_key() -> None:
    participant = treated_so_that_day_14_is(-3)
    MemberFactory(site=participant.site)
    sweep_reminders()
    row = Notification.objects.get(channel="inbox")
    visit = Visit.objects.get(participant=participant, code="D14")
    assert row.occurrence == f"{visit.pk}:{visit.target}"
    assert isinstance(row.pk, UUID)
    request = Request(
        kind="visit_reminder",
        rule_id="visit.overdue",
        chain=participant.study.chain_key,
        occurrence=row.occurrence,
        recipient_id=row.recipient_id,
        title="",
        due_at=row.due_at,
        participant=str(participant.pk),
    )
    assert row.key == request.key
    assert (row.site, row.participant, row.urgent) == (str(participant.site_id), str(participant.pk), True)
    assert row.title == f"Visit D14 of {participant.number} has no date and its window has passed"


def test_coordinators_and_investigators_of_the_site_and_the_study_are_written_to_and_nobody_else() -> None:
    participant = treated_so_that_day_14_is(5)
    site = participant.site
    told = {
        MemberFactory(site=site, role=Role.COORDINATOR).pk,
        MemberFactory(site=site, role=Role.INVESTIGATOR).pk,
        MemberFactory(site=site, role=Role.COORDINATOR, whole_study=True).pk,
    }
    MemberFactory(site=site, role=Role.MONITOR)
    MemberFactory(site=SiteFactory(), role=Role.COORDINATOR)
    gone = MemberFactory(site=site)
    gone.memberships.update(valid_until=date(2000, 1, 2))
    User.objects.filter(pk=MemberFactory(site=site).pk).update(is_active=False)
    sweep_reminders()
    assert set(Notification.objects.values_list("recipient_id", flat=True)) == told


def test_somebody_with_two_roles_is_written_to_once() -> None:
    participant = treated_so_that_day_14_is(5)
    user = MemberFactory(site=participant.site)
    second = user.memberships.get()
    second.pk, second.role, second._state.adding = UUID(int=1), Role.INVESTIGATOR.value, True
    second.save()
    sweep_reminders()
    assert Notification.objects.count() == 1


def test_a_moved_target_is_a_new_occurrence_and_the_old_one_is_withdrawn() -> None:
    participant = treated_so_that_day_14_is(5)
    MemberFactory(site=participant.site)
    sweep_reminders()
    record = participant.infusions.get().record_id
    infuse(participant, TODAY - timedelta(days=10), record_id=record)
    sweep_reminders()
    found = Notification.objects.order_by("occurrence").values_list("occurrence", "state")
    visit = Visit.objects.get(participant=participant, code="D14")
    assert list(found) == [(f"{visit.pk}:2026-01-09", "queued"), (f"{visit.pk}:2026-01-10", "withdrawn")]


@pytest.mark.parametrize("end", ["date", "missed", "taken back"])
def test_a_visit_that_is_no_longer_awaited_takes_its_reminders_back(end: str) -> None:
    participant = ParticipantFactory(consented_on=None)
    MemberFactory(site=participant.site)
    Visit.objects.filter(participant=participant).exclude(code="D14").update(missed=True)
    Visit.objects.filter(participant=participant, code="D14").update(
        target=TODAY, opens=TODAY - timedelta(days=2), closes=TODAY + timedelta(days=2)
    )
    sweep_reminders()
    assert rules() == ["closing"]
    visit = VisitFactory(participant=participant, code="D14")
    if end == "date":
        start_visit(visit, on=TODAY, actor=SYSTEM)
    elif end == "missed":
        miss_visit(visit, reason="Was abroad", actor=SYSTEM)
    else:
        take_back_participant(participant, reason="Mistyped record", actor=SYSTEM)
    sweep_reminders()
    assert (rules(), rules(state="withdrawn")) == ([], ["closing"])


def test_what_was_acknowledged_is_not_withdrawn() -> None:
    participant = treated_so_that_day_14_is(5)
    MemberFactory(site=participant.site)
    sweep_reminders()
    Notification.objects.update(acknowledged_at=BEGIN, state="sent")
    start_visit(VisitFactory(participant=participant, code="D14"), on=TODAY, actor=SYSTEM)
    sweep_reminders()
    assert Notification.objects.get().state == "sent"


@pytest.mark.parametrize("mistake", ["date", "missed"])
def test_a_visit_that_is_awaited_again_is_reminded_of_again_and_never_twice(mistake: str) -> None:
    participant = treated_so_that_day_14_is(-3)
    MemberFactory(site=participant.site)
    assert sweep_reminders() == 2
    keys = sorted(Notification.objects.values_list("key", flat=True))
    Notification.objects.update(state="sent", attempts=3, sent_at=BEGIN, last_error="late", due_at=BEGIN)
    visit = VisitFactory(participant=participant, code="D14")
    if mistake == "date":
        start_visit(visit, on=TODAY, actor=SYSTEM)
    else:
        miss_visit(visit, reason="Was abroad", actor=SYSTEM)
    assert sweep_reminders() == 0
    assert (rules(state="withdrawn"), rules("email", "withdrawn")) == (["overdue"], ["overdue"])
    if mistake == "date":
        clear_visit_date(visit, reason="Another participant's date", actor=SYSTEM)
    else:
        unmiss_visit(visit, reason="Came after all", actor=SYSTEM)
    assert (sweep_reminders(), sweep_reminders()) == (2, 0)
    assert (rules(), rules("email")) == (["overdue"], ["overdue"])
    assert sorted(Notification.objects.values_list("key", flat=True)) == keys
    for row in Notification.objects.all():
        assert (row.attempts, row.last_error, row.sent_at, row.acknowledged_at) == (0, "", None, None)
        assert row.due_at == row.next_attempt_at > BEGIN


def test_what_was_withdrawn_stays_so_for_a_rule_or_a_recipient_that_no_longer_holds() -> None:
    participant = treated_so_that_day_14_is(5)
    gone, stays = MemberFactory(site=participant.site), MemberFactory(site=participant.site)
    sweep_reminders()
    visit = VisitFactory(participant=participant, code="D14")
    start_visit(visit, on=TODAY, actor=SYSTEM)
    sweep_reminders()
    clear_visit_date(visit, reason="Another participant's date", actor=SYSTEM)
    gone.memberships.update(valid_until=date(2000, 1, 2))
    sweep_reminders()
    assert list(Notification.objects.filter(state="queued").values_list("recipient_id", flat=True)) == [stays.pk]
    miss_visit(visit, reason="Was abroad", actor=SYSTEM)
    sweep_reminders()
    unmiss_visit(visit, reason="Came after all", actor=SYSTEM)
    Study.objects.filter(pk=participant.study_id).update(clock=BEGIN + timedelta(days=60))
    sweep_reminders()
    assert (rules(), rules(state="withdrawn")) == (["overdue"], ["upcoming", "upcoming"])


def test_days_on_which_no_scan_ran_are_caught_up() -> None:
    participant = treated_so_that_day_14_is(9)
    MemberFactory(site=participant.site)
    assert sweep_reminders() == 0
    Study.objects.filter(pk=participant.study_id).update(clock=BEGIN + timedelta(days=60))
    sweep_reminders()
    assert rules() == ["overdue"]


def test_a_simulated_month_writes_each_reminder_on_its_day() -> None:
    participant = treated_so_that_day_14_is(9)
    MemberFactory(site=participant.site)
    advance_clock(participant.study, days=31, actor=SYSTEM)
    assert Counter(rules()) == {"upcoming": 1, "due": 1, "closing": 1, "overdue": 1}


def test_nothing_is_overdue_by_a_plan_alone() -> None:
    participant = treated_so_that_day_14_is(-3)
    MemberFactory(site=participant.site)
    Visit.objects.filter(participant=participant, code="D14").update(provisional=True)
    assert sweep_reminders() == 0


@pytest.mark.parametrize("participants", [1, 4])
def test_the_scan_takes_the_same_statements_for_any_number_of_visits(participants: int) -> None:
    site = SiteFactory()
    MemberFactory(site=site)
    for _ in range(participants):
        infuse(ParticipantFactory(site=site, consented_on=None), TODAY - timedelta(days=16))
    with CaptureQueriesContext(connection) as captured:
        written = sweep_reminders()
    # Sites; what no longer holds; what holds again; four rules, two of them through two channels.
    frame = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    assert len([each for each in captured.captured_queries if not each["sql"].startswith(frame)]) == 1 + 1 + 1 + 6
    assert written == participants * len(list(Notification.objects.filter(participant=str(first_of(site.pk)))))


def first_of(site_id: UUID) -> UUID:
    return Participant.objects.filter(site_id=site_id).values_list("pk", flat=True)[0]


def test_the_job_scans_all_studies() -> None:
    for _ in range(2):
        MemberFactory(site=treated_so_that_day_14_is(5).site)
    task()
    assert Counter(Notification.objects.values_list("chain", flat=True)).most_common(1)[0][1] == 1
    assert Notification.objects.count() == 2
