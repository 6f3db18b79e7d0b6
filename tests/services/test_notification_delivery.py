from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest

from tests.support.notifications import ask, mail_id, only
from tests.support.records import ACTOR, CHAIN, START, StandingClock, make_user
from tests.support.smtp_sink import Sink
from trials.models import User
from trials.records.domain.local_time import to_utc
from trials.records.models import Notification
from trials.records.services import clock, delivery
from trials.records.services.act import open_act
from trials.records.services.delivery import deliver_due
from trials.records.services.notifications import (
    inbox_of,
    oldest_waiting,
    request_notifications,
    undelivered_urgent,
    withdraw_notifications,
)

pytestmark = pytest.mark.django_db


def test_a_due_mail_is_sent_once_with_its_key_as_message_id(
    user: User, hands: StandingClock, in_scope: object, sink: Sink
) -> None:
    request_notifications([ask(user), ask(user, channel="inbox")])
    outcome = deliver_due()
    assert (outcome.sent, outcome.failed, outcome.dead, outcome.withdrawn) == (2, 0, 0, 0)
    assert deliver_due().sent == 0
    assert (sink.recipients, sink.message_ids) == (["chen@example.test"], [mail_id(ask(user))])
    assert {row.state for row in Notification.objects.all()} == {"sent"}
    row = Notification.objects.get(channel="email")
    assert (row.sent_at, row.attempts, row.lease_until) == (START, 1, None)


def test_a_mail_carries_the_title_and_a_link_and_nothing_else(
    user: User, hands: StandingClock, in_scope: object, sink: Sink, settings: object
) -> None:
    settings.PUBLIC_URL = "https://edc.example.test"  # type: ignore[attr-defined]
    request_notifications([ask(user)])
    deliver_due()
    body = sink.messages[0].replace("\r\n", "\n").partition("\n\n")[2].strip()
    assert body == ("Visit V2 of 01-001 is due\n\nhttps://edc.example.test/admin/visits/v1/\nSign in to read more.")


def test_what_is_not_due_waits(user: User, hands: StandingClock, in_scope: object, sink: Sink) -> None:
    request_notifications([ask(user, due_at=START + timedelta(seconds=1))])
    assert deliver_due().sent == 0
    hands.forward(seconds=1)
    assert deliver_due().sent == 1


def test_urgent_goes_first_then_the_oldest(user: User, hands: StandingClock, in_scope: object, sink: Sink) -> None:
    wanted = [
        ask(user, occurrence="new", due_at=START - timedelta(hours=1)),
        ask(user, occurrence="old", due_at=START - timedelta(hours=9)),
        ask(user, occurrence="dlt", due_at=START, urgent=True),
    ]
    request_notifications(wanted)
    assert oldest_waiting(now=START) == START - timedelta(hours=9)
    assert oldest_waiting(now=START, urgent_only=True) == START
    deliver_due()
    assert sink.message_ids == [mail_id(wanted[2]), mail_id(wanted[1]), mail_id(wanted[0])]
    assert oldest_waiting(now=START) is None


def test_a_recipient_who_lost_his_scope_gets_nothing_and_so_does_everyone_without_a_check(
    user: User, hands: StandingClock, in_scope: dict[UUID, bool], sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_scope[user.pk] = False
    request_notifications([ask(user)])
    assert deliver_due().withdrawn == 1
    assert (only().state, only().last_error) == ("withdrawn", "no longer within the recipient's scope")
    monkeypatch.setattr(delivery, "_scope_checks", [])
    request_notifications([ask(user, occurrence="2")])
    assert deliver_due().withdrawn == 1
    assert sink.messages == []


def test_a_temporary_refusal_is_tried_again_after_1_2_5_15_60_minutes(
    user: User, hands: StandingClock, in_scope: object, sink: Sink
) -> None:
    sink.answer_data = lambda message: b"451 try later"
    request_notifications([ask(user)])
    for minutes in (1, 2, 5, 15, 60, 60):
        assert deliver_due().failed == 1
        row = only()
        assert row.state == "failed"
        assert "451" in row.last_error
        assert timedelta(minutes=minutes) * 0.8 <= row.next_attempt_at - hands.at <= timedelta(minutes=minutes) * 1.2
        hands.at = row.next_attempt_at - timedelta(microseconds=1)
        assert deliver_due().failed == 0
        hands.at = row.next_attempt_at
    sink.answer_data = lambda message: b"250 ok"
    assert deliver_due().sent == 1
    assert (sink.message_ids, only().attempts) == ([mail_id(ask(user))], 7)


def test_a_mail_server_that_refuses_for_48_hours_makes_the_mail_dead(
    user: User, hands: StandingClock, in_scope: object, sink: Sink
) -> None:
    sink.answer_recipient = lambda address: b"450 busy"
    request_notifications([ask(user)])
    while only().state != "dead":
        hands.at = max(hands.at, only().next_attempt_at)
        deliver_due()
    assert timedelta(hours=46, minutes=30) < hands.at - START <= timedelta(hours=48)
    assert only().attempts > 45
    assert deliver_due().sent == 0


@pytest.mark.parametrize("stage", ["recipient", "data"])
def test_a_final_refusal_is_dead_at_once_and_an_urgent_one_appears_in_the_inbox(
    user: User, hands: StandingClock, in_scope: object, sink: Sink, stage: str
) -> None:
    if stage == "recipient":
        sink.answer_recipient = lambda address: b"550 no such user"
    else:
        sink.answer_data = lambda message: b"554 no"
    request_notifications([ask(user, urgent=True), ask(user, occurrence="2")])
    assert deliver_due().dead == 2
    assert [row.occurrence for row in undelivered_urgent()] == ["v1/2026-03-05"]
    assert [(row.occurrence, row.urgent) for row in inbox_of(user.pk)] == [("v1/2026-03-05", True)]
    assert sink.messages == []


def test_a_recipient_without_an_address_is_dead_and_does_not_stop_the_next(
    user: User, hands: StandingClock, in_scope: object, sink: Sink
) -> None:
    nobody = make_user("mora", email="")
    request_notifications([ask(nobody, urgent=True), ask(user)])
    outcome = deliver_due()
    assert (outcome.sent, outcome.dead) == (2, 1)  # his inbox and the other mail
    assert (
        Notification.objects.get(recipient=nobody, channel="email").last_error == "the recipient has no e-mail address"
    )


def test_a_mail_server_that_is_away_is_tried_again_and_no_password_problem_kills_mails(
    user: User, hands: StandingClock, in_scope: object, sink: Sink, settings: object
) -> None:
    settings.EMAIL_PORT = 1  # type: ignore[attr-defined]
    request_notifications([ask(user)])
    assert deliver_due().failed == 1
    assert "ConnectionRefusedError" in only().last_error
    settings.EMAIL_PORT = sink.port  # type: ignore[attr-defined]
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "a", "b"  # type: ignore[attr-defined]
    hands.forward(hours=1)
    assert deliver_due().failed == 1
    assert only().state == "failed"


def test_a_line_that_drops_after_the_mail_was_taken_repeats_it_with_the_same_message_id(
    user: User, hands: StandingClock, in_scope: object, sink: Sink
) -> None:
    drops = iter([None, b"250 ok"])
    sink.answer_data = lambda message: next(drops)
    request_notifications([ask(user)])
    assert deliver_due().failed == 1
    hands.forward(minutes=2)
    assert deliver_due().sent == 1
    assert sink.message_ids == [mail_id(ask(user))] * 2
    assert Notification.objects.count() == 1


def test_a_poisoned_row_is_tried_later_and_the_others_go_out(
    user: User, hands: StandingClock, sink: Sink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def check(recipient_id: UUID, chain: str, site: str, participant: str) -> bool:
        if participant == "poison":
            raise ZeroDivisionError
        return True

    monkeypatch.setattr(delivery, "_scope_checks", [check])
    request_notifications([ask(user, participant="poison", due_at=START - timedelta(days=1)), ask(user)])
    outcome = deliver_due()
    assert (outcome.sent, outcome.failed) == (1, 1)
    assert Notification.objects.get(participant="poison").last_error == "ZeroDivisionError"


def test_a_claim_that_was_never_finished_is_due_again_when_its_lease_ends(
    user: User, hands: StandingClock, in_scope: object, sink: Sink
) -> None:
    request_notifications([ask(user)])
    assert [row.key for row in delivery.claim(START)] == [ask(user).key]
    hands.forward(seconds=delivery.LEASE.total_seconds() - 1)
    assert deliver_due().sent == 0
    hands.forward(seconds=1)
    assert deliver_due().sent == 1
    assert (only().attempts, sink.message_ids) == (2, [mail_id(ask(user))])


def test_a_worker_whose_lease_ran_out_sends_nothing_and_marks_nothing(
    user: User, hands: StandingClock, in_scope: object, sink: Sink
) -> None:
    request_notifications([ask(user)])
    (stale,) = delivery.claim(START)
    hands.forward(seconds=delivery.LEASE.total_seconds())
    outcome = delivery.Outcome()
    for row, mail in delivery._with_mail_connection([stale]):
        delivery._deliver(row, mail, outcome=outcome)
    assert (outcome, sink.messages) == (delivery.Outcome(), [])
    delivery.claim(hands.at)
    delivery._mark(stale, "sent")
    assert only().state == "sending"


def test_what_is_withdrawn_while_it_is_being_sent_stays_withdrawn(
    user: User, hands: StandingClock, in_scope: object
) -> None:
    request_notifications([ask(user)])
    (row,) = delivery.claim(START)
    with open_act("save items", chain=CHAIN, actor=ACTOR) as act:
        withdraw_notifications(rule_id="visit-due", participant="p1", act=act, because="corrected")
    delivery._mark(row, "sent")
    assert only().state == "withdrawn"


def test_three_days_without_a_worker_end_with_everything_sent_once_oldest_first(
    user: User, hands: StandingClock, in_scope: object, sink: Sink
) -> None:
    wanted = [
        ask(user, occurrence=f"{hour:02d}", due_at=START + timedelta(hours=hour), urgent=hour == 40)
        for hour in range(72)
    ]
    request_notifications(wanted)
    hands.forward(hours=72)
    for _ in range(2):
        request_notifications(wanted)
        deliver_due()
    order = [wanted[40], *wanted[:40], *wanted[41:]]
    assert sink.message_ids == [mail_id(request) for request in order]
    assert Notification.objects.filter(state="sent").count() == 72


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Europe/Berlin", date(2026, 3, 27)),
        ("Europe/Berlin", date(2026, 10, 23)),
        ("Australia/Lord_Howe", date(2026, 10, 2)),
        ("Australia/Lord_Howe", date(2026, 4, 3)),
        ("Antarctica/Troll", date(2026, 3, 27)),
        ("Pacific/Apia", date(2011, 12, 28)),
    ],
)
@pytest.mark.parametrize("at", [time(0, 30), time(1, 30), time(2, 30)])
def test_a_daily_reminder_comes_once_per_local_date_while_the_clocks_change(
    user: User, in_scope: object, sink: Sink, zone: str, first: date, at: time
) -> None:
    dates = [first + timedelta(days=number) for number in range(6)]
    wanted = {on: ask(user, occurrence=f"v1/{on}", due_at=to_utc(zone, on, at)) for on in dates}
    hands = StandingClock(to_utc(zone, first, time(0)) - timedelta(hours=1))
    end: datetime = to_utc(zone, dates[-1], at) + timedelta(hours=3)
    with clock.set_source(hands):
        while hands.at < end:
            request_notifications([request for request in wanted.values() if request.due_at <= hands.at])
            deliver_due()
            hands.forward(minutes=30)
    assert sorted(sink.message_ids) == sorted(mail_id(request) for request in wanted.values())
    assert Notification.objects.filter(state="sent").count() == 6
