"""Background jobs of the safety room: thin, and only a wake-up; the work is found in the database."""

from __future__ import annotations

from celery import shared_task

from safety.services import watch
from trials.records.services import heartbeat


@shared_task(name="safety.tasks.sweep", ignore_result=True)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Judge whoever an event touched or a date concerns; running twice at once does no harm."""
    heartbeat.beat("safety.sweep", detail=str(watch.sweep()))
