"""Background jobs of this room: thin, and only a wake-up; the work is found in the database."""

from __future__ import annotations

from celery import shared_task

from trials.records.services import delivery, heartbeat

DELIVERY = "records.deliver_notifications"
BEAT = "records.beat"


@shared_task(name="trials.records.tasks.deliver_notifications")  # type: ignore[untyped-decorator]
def deliver_notifications() -> None:
    """Deliver the notifications that are due; running twice at once does no harm."""
    outcome = delivery.deliver_due()
    heartbeat.beat(DELIVERY, detail=f"sent {outcome.sent}, failed {outcome.failed}, dead {outcome.dead}")


@shared_task(name="trials.records.tasks.beat_heartbeat")  # type: ignore[untyped-decorator]
def beat_heartbeat() -> None:
    """Note that beat, broker and worker are alive: this ran because all three are."""
    heartbeat.beat(BEAT)
