"""Every job that the beat or a wake-up names is one that a worker knows; an unknown name would be lost in silence."""

from __future__ import annotations

from django.conf import settings

from config.celery import app


def known() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_every_scheduled_job_and_every_wake_up_is_registered_with_the_worker() -> None:
    named = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} | set(settings.WAKEUP_TASKS)
    assert named - known() == set()


def test_every_job_of_the_house_runs_by_the_beat() -> None:
    assert known() - {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} == set()
