from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings

from tests.support.records import CHAIN, START, StandingClock, make_user
from trials.records import tasks
from trials.records.models import Heartbeat, Notification
from trials.records.services import clock, delivery, heartbeat
from trials.records.services.notifications import request_notification

pytestmark = pytest.mark.django_db


def test_the_tasks_go_by_the_names_that_beat_and_wake_ups_use() -> None:
    own = {name for name in current_app.tasks if name.startswith("trials.records.tasks.")}
    assert own == {"trials.records.tasks.deliver_notifications", "trials.records.tasks.beat_heartbeat"}
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert own <= scheduled
    assert "trials.records.tasks.deliver_notifications" in settings.WAKEUP_TASKS


def test_delivery_runs_without_celery_and_leaves_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_scope_checks", [lambda *whom: True])
    user = make_user()
    request_notification(
        kind="k", rule_id="r", chain=CHAIN, occurrence="1", recipient_id=user.pk, title="t", due_at=START
    )
    tasks.deliver_notifications()
    assert Notification.objects.get().state == "sent"
    assert Heartbeat.objects.get(name=tasks.DELIVERY).detail == "sent 1, failed 0, dead 0"


def test_the_age_of_a_heartbeat_is_told_by_the_system_clock() -> None:
    hands = StandingClock()
    with clock.set_source(hands):
        assert heartbeat.age_of(tasks.BEAT) is None
        tasks.beat_heartbeat()
        hands.forward(seconds=90)
        assert heartbeat.age_of(tasks.BEAT) == timedelta(seconds=90)
        tasks.beat_heartbeat()
        assert heartbeat.age_of(tasks.BEAT) == timedelta(0)
    assert Heartbeat.objects.count() == 1
