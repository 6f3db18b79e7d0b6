"""When each background job last ran; the web process judges the age, so that a dead beat is seen by another process."""

from __future__ import annotations

from datetime import timedelta

from trials.records.models import Heartbeat
from trials.records.services import clock


def beat(name: str, *, detail: str = "") -> None:
    """Note that a job has just run; one statement, no audit event."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=clock.now(), detail=detail[:200])],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "detail"],
    )


def age_of(name: str) -> timedelta | None:
    """Return how long ago a job last ran, None when it never did."""
    at = Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
    return None if at is None else clock.now() - at
