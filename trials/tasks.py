"""Background jobs of the trials room: each only calls a service."""

from __future__ import annotations

from celery import shared_task

from trials.records.services import heartbeat
from trials.services import reminders


@shared_task(name="trials.tasks.sweep_reminders", ignore_result=True)  # type: ignore[untyped-decorator]
def sweep_reminders() -> None:
    """Write the reminders of visits that hold now."""
    reminders.sweep_reminders()
    heartbeat.beat("trials.sweep_reminders")
