"""The sweep as the worker runs it: woken after a commit, by name, harmless when repeated."""

from __future__ import annotations

import pytest
from celery import current_app
from django.conf import settings

from safety.models import DltWindow
from safety.tasks import sweep
from tests.support.safety import infused, published, site_in
from trials.records.models import AuditEvent, Heartbeat

pytestmark = pytest.mark.django_db


def test_the_sweep_is_woken_after_an_act_and_repeated_by_beat() -> None:
    assert sweep.name in settings.WAKEUP_TASKS
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} >= {sweep.name}
    current_app.loader.import_default_modules()
    assert sweep.name in current_app.tasks


def test_the_job_judges_leaves_its_heartbeat_and_finds_nothing_the_second_time() -> None:
    participant = infused(site_in(published()))
    sweep()
    assert DltWindow.objects.get(pk=participant.pk).state == "open"
    assert Heartbeat.objects.get(name="safety.sweep").detail == "judged 1, changed 1, failed 0"
    before = AuditEvent.objects.count()
    sweep()
    assert Heartbeat.objects.get(name="safety.sweep").detail == "judged 0, changed 0, failed 0"
    assert AuditEvent.objects.count() == before
