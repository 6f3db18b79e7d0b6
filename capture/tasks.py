"""Background jobs of the capture room: each only calls a service."""

from __future__ import annotations

from celery import shared_task

from capture.services import drafts
from trials.records.services import heartbeat


@shared_task(name="capture.tasks.drop_old_drafts", ignore_result=True)  # type: ignore[untyped-decorator]
def drop_old_drafts() -> None:
    """Drop drafts that nobody touched for 30 days."""
    heartbeat.beat("capture.drop_old_drafts", detail=str(drafts.drop_old_drafts()))
