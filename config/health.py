"""Two addresses for machines: is the process alive, and is everything it needs in order.

The answer names what is wrong and nothing else: no versions, no messages, no addresses. Why is in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis import Redis

from config import embedded
from trials.records import triggers
from trials.records.models import Notification
from trials.records.services import clock, heartbeat
from trials.records.tasks import BEAT

logger = logging.getLogger(__name__)

BEAT_SILENCE = timedelta(seconds=90)
URGENT_WAIT = timedelta(seconds=60)
BROKER_SECONDS = 1.0


class NotReadyError(Exception):
    """One thing is not in order; the text goes to the log."""


def check_database() -> None:
    """Ask the database for one row, and compare its clock with ours."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    if clock.difference_to_database() > clock.TOLERATED_DIFFERENCE:
        raise NotReadyError("the clocks of the database and of this process differ by more than 5 s")


def check_migrations() -> None:
    """Compare the migrations in the code with those the database has seen."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise NotReadyError(f"{len(missing)} migrations are not applied")


def check_triggers() -> None:
    """See that the triggers that protect the audit events are in place."""
    missing = triggers.missing()
    if missing:
        raise NotReadyError(f"triggers are missing: {', '.join(missing)}")


def check_broker() -> None:
    """Ask Redis for an answer; without Redis, see that this process's own worker and beat run."""
    if settings.EMBEDDED_WORKER:
        if not embedded.is_running():
            raise NotReadyError("no Redis, and no worker runs in this process")
        return
    with Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS, retry=None
    ) as client:
        client.ping()


def check_beat() -> None:
    """See that the beat's heartbeat, which a worker writes, is young: both run when it is."""
    age = heartbeat.age_of(BEAT)
    if age is None:
        raise NotReadyError("no heartbeat of the beat yet")
    if age > BEAT_SILENCE:
        raise NotReadyError("the beat's last heartbeat is older than 90 s")


def check_urgent() -> None:
    """See that no urgent notification that is due has waited a minute."""
    waiting = Notification.objects.filter(
        urgent=True,
        state__in=[Notification.State.QUEUED, Notification.State.FAILED, Notification.State.SENDING],
        due_at__lte=clock.now() - URGENT_WAIT,
        created_at__lte=clock.now() - URGENT_WAIT,
    )
    if waiting.exists():
        raise NotReadyError("an urgent notification has waited more than 60 s")


CHECKS: Mapping[str, Callable[[], None]] = {
    "database": check_database,
    "migrations": check_migrations,
    "audit triggers": check_triggers,
    "broker": check_broker,
    "beat": check_beat,
    "urgent notifications": check_urgent,
}


def _state(name: str, check: Callable[[], None]) -> str:
    """Run one check; whatever goes wrong in it means not ready, and the log says why."""
    try:
        check()
    except NotReadyError as refusal:
        logger.warning("not_ready", extra={"check": name, "cause": str(refusal)})
        return "failed"
    except Exception as error:  # noqa: BLE001 - a health page answers whatever breaks
        logger.warning("not_ready", extra={"check": name, "cause": type(error).__name__})
        return "failed"
    return "ok"


@require_safe
def alive(_request: HttpRequest) -> JsonResponse:
    """Answer that this process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when everything this house needs is in order, else 503 with what is not."""
    checks = {name: _state(name, check) for name, check in CHECKS.items()}
    is_ready = all(state == "ok" for state in checks.values())
    return JsonResponse(
        {"status": "ready" if is_ready else "not ready", "checks": checks}, status=200 if is_ready else 503
    )
