from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.support.notifications import ask, only
from tests.support.records import ACTOR, CHAIN, START, StandingClock, actor_for, events, make_user
from trials.models import User
from trials.records.domain.errors import DomainError
from trials.records.models import Notification
from trials.records.services.act import open_act
from trials.records.services.notifications import (
    acknowledge_notification,
    inbox_of,
    request_notification,
    request_notifications,
    withdraw_notifications,
)

pytestmark = pytest.mark.django_db


def test_the_same_request_twice_is_one_row(user: User) -> None:
    for _ in range(3):
        request_notifications([ask(user), ask(user)])
    assert only().key == ask(user).key


@pytest.mark.parametrize(
    "change",
    [
        {"rule_id": "visit-missed"},
        {"participant": "p2"},
        {"occurrence": "v1/2026-03-06"},
        {"channel": "inbox"},
        {"participant": ""},
        {"recipient_id": UUID(int=7)},
    ],
)
def test_rule_participant_occurrence_recipient_and_channel_make_it_unique(
    user: User, change: dict[str, object]
) -> None:
    assert ask(user, **change).key != ask(user).key


@pytest.mark.parametrize("change", [{"title": "x"}, {"link": "/"}, {"urgent": True}, {"due_at": START - timedelta(1)}])
def test_what_it_says_and_when_it_is_due_do_not_make_a_second_one(user: User, change: dict[str, object]) -> None:
    assert ask(user, **change).key == ask(user).key


def test_forty_requests_are_one_statement(user: User, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(3):  # type: ignore[operator] # savepoint, insert, release
        request_notifications([ask(user, occurrence=str(number)) for number in range(40)])
    assert Notification.objects.count() == 40


def test_a_request_belongs_to_its_act_and_goes_when_the_act_fails(user: User) -> None:
    with pytest.raises(RuntimeError), open_act("save items", chain=CHAIN, actor=ACTOR):  # noqa: PT012
        request_notifications([ask(user)])
        raise RuntimeError
    assert Notification.objects.count() == 0
    with open_act("save items", chain=CHAIN, actor=ACTOR):
        request_notifications([ask(user)])
    assert only().state == "queued"


def test_a_request_by_words_is_the_same_as_one_by_object(user: User) -> None:
    key = request_notification(
        kind="reminder",
        rule_id="visit-due",
        chain=CHAIN,
        occurrence="v1/2026-03-05",
        recipient_id=user.pk,
        title="Visit V2 of 01-001 is due",
        due_at=START,
        channel="email",
        participant="p1",
    )
    assert key == only().key == ask(user).key


# Withdrawal and acknowledgement


def test_a_withdrawn_notification_keeps_its_row_leaves_the_inbox_and_is_audited(user: User) -> None:
    request_notifications([ask(user, channel="inbox"), ask(user, channel="inbox", occurrence="other")])
    with open_act("save items", chain=CHAIN, actor=ACTOR) as act:
        (gone,) = withdraw_notifications(
            rule_id="visit-due", participant="p1", occurrence="other", act=act, because="the visit took place"
        )
    assert Notification.objects.count() == 2
    assert [row.occurrence for row in inbox_of(user.pk)] == ["v1/2026-03-05"]
    (event,) = events()
    assert (event.action, event.record_id, event.reason) == ("withdraw", str(gone.pk), "the visit took place")
    request_notifications([ask(user, channel="inbox", occurrence="other")])
    assert Notification.objects.get(occurrence="other").state == "withdrawn"


def test_what_is_requested_and_withdrawn_in_one_act_never_appears(user: User) -> None:
    with open_act("save items", chain=CHAIN, actor=ACTOR) as act:
        request_notifications([ask(user), ask(user, rule_id="another")])
        withdraw_notifications(rule_id="visit-due", participant="p1", act=act, because="corrected")
    assert only().rule_id == "another"


def test_acknowledging_is_audited_once_and_empties_the_inbox(user: User, hands: StandingClock) -> None:
    request_notifications([ask(user, channel="inbox")])
    for _ in range(2):
        acknowledge_notification(only(), actor=actor_for(user))
    assert only().acknowledged_at == START
    assert list(inbox_of(user.pk)) == []
    assert [row.pk for row in inbox_of(user.pk, all_seen=True)] == [only().pk]
    assert [(event.action, event.actor) for event in events()] == [("acknowledge", "chen")]


def test_nobody_acknowledges_for_another_person_or_what_was_withdrawn(user: User) -> None:
    request_notifications([ask(user, channel="inbox")])
    with pytest.raises(DomainError) as refused:
        acknowledge_notification(only(), actor=actor_for(make_user("mora")))
    assert (refused.value.kind, refused.value.codes) == ("unknown", ("notification_unknown",))
    Notification.objects.update(state="withdrawn")
    with pytest.raises(DomainError) as refused:
        acknowledge_notification(only(), actor=actor_for(user))
    assert (refused.value.kind, refused.value.codes) == ("conflict", ("notification_withdrawn",))
    assert events() == []


def test_a_notification_enters_the_inbox_when_it_is_due_and_not_before(user: User) -> None:
    request_notifications([ask(user, channel="inbox")])
    assert not inbox_of(user.pk, now=START - timedelta(microseconds=1)).exists()
    assert inbox_of(user.pk, now=START).exists()
