"""The health pages: alive whatever happens, ready only when everything needed is in order, silent about versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pytest
import time_machine
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings

from config import embedded
from trials.models import User
from trials.records import triggers
from trials.records.models import Heartbeat, Notification
from trials.records.services import clock, heartbeat
from trials.records.tasks import BEAT

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ALL_OK = {
    "database": "ok",
    "migrations": "ok",
    "audit triggers": "ok",
    "broker": "ok",
    "beat": "ok",
    "urgent notifications": "ok",
}


class RunningJobs:
    """Stands for the threads of a server, which a test process has not."""

    @staticmethod
    def is_running() -> bool:
        return True


@pytest.fixture
def at_noon() -> Iterator[None]:
    with clock.set_source(lambda: NOW):
        yield


@pytest.fixture
def in_order(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is as it should be in a process that runs its own worker."""
    settings.EMBEDDED_WORKER = True
    settings.SECURE_SSL_REDIRECT = False
    monkeypatch.setattr(embedded, "_running", [RunningJobs()])
    heartbeat.beat(BEAT)


def ready(client: Client) -> tuple[int, dict[str, str]]:
    """Return the status and the checks."""
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["checks"]


def failed(client: Client) -> list[str]:
    """Return the checks that failed; the status must say so."""
    status, checks = ready(client)
    names = [name for name, state in checks.items() if state != "ok"]
    assert status == (503 if names else 200)
    return names


def notification(*, due: datetime, urgent: bool = True, state: str = Notification.State.QUEUED) -> Notification:
    """Make a queued notification that was due at an instant."""
    recipient = User.objects.create(username="li", printed_name="Li Na", email="li@site.invalid", created_at=due)
    return Notification.objects.create(
        key="k" * 64,
        kind="dlt",
        rule_id="DLT",
        chain="study:X",
        occurrence="1",
        recipient=recipient,
        channel=Notification.Channel.INBOX,
        urgent=urgent,
        title="DLT candidate",
        due_at=due,
        created_at=due,
        next_attempt_at=due,
        state=state,
    )


def test_the_pulse_needs_no_database(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.usefixtures("in_order")
def test_a_house_in_order_is_ready(client: Client) -> None:
    assert ready(client) == (200, ALL_OK)


@pytest.mark.usefixtures("in_order")
def test_missing_migrations_are_not_ready(client: Client) -> None:
    MigrationRecorder(connection).record_unapplied("safety", "0001_initial")

    assert "migrations" in failed(client)


@pytest.mark.usefixtures("in_order")
def test_a_missing_trigger_on_audit_events_is_not_ready(client: Client) -> None:
    triggers.remove()

    assert failed(client) == ["audit triggers"]

    triggers.install()
    assert failed(client) == []


@pytest.mark.usefixtures("in_order")
def test_without_redis_and_without_a_worker_of_its_own_it_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_running", [])

    assert failed(client) == ["broker"]


@pytest.mark.usefixtures("in_order")
def test_a_redis_that_does_not_answer_is_not_ready(client: Client, settings: Settings, free_port: int) -> None:
    settings.EMBEDDED_WORKER = False
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port}/0"

    assert failed(client) == ["broker"]


@pytest.mark.redis
@pytest.mark.usefixtures("in_order")
def test_a_redis_that_answers_is_ready(client: Client, settings: Settings, redis_url: str) -> None:
    settings.EMBEDDED_WORKER = False
    settings.REDIS_URL = redis_url

    assert failed(client) == []


@pytest.mark.usefixtures("in_order")
def test_a_beat_that_never_ran_is_not_ready(client: Client) -> None:
    Heartbeat.objects.all().delete()

    assert failed(client) == ["beat"]


@pytest.mark.usefixtures("in_order", "at_noon")
@pytest.mark.parametrize(("seconds", "expected"), [(90, []), (91, ["beat"])])
def test_a_heartbeat_is_young_up_to_ninety_seconds(client: Client, seconds: int, expected: list[str]) -> None:
    Heartbeat.objects.update(at=NOW - timedelta(seconds=seconds))

    found = failed(client)

    # On PostgreSQL the frozen clock is itself a finding, as it should be.
    assert [name for name in found if name != "database"] == expected


@pytest.mark.usefixtures("in_order", "at_noon")
@pytest.mark.parametrize(("seconds", "expected"), [(59, []), (60, ["urgent notifications"])])
def test_an_urgent_notification_may_wait_less_than_a_minute(client: Client, seconds: int, expected: list[str]) -> None:
    Heartbeat.objects.update(at=NOW)
    notification(due=NOW - timedelta(seconds=seconds))

    assert [name for name in failed(client) if name != "database"] == expected


@pytest.mark.usefixtures("in_order", "at_noon")
@pytest.mark.parametrize(("urgent", "state"), [(False, Notification.State.QUEUED), (True, Notification.State.SENT)])
def test_what_is_not_urgent_or_was_sent_may_be_old(client: Client, urgent: bool, state: str) -> None:
    Heartbeat.objects.update(at=NOW)
    notification(due=NOW - timedelta(days=3), urgent=urgent, state=state)

    assert [name for name in failed(client) if name != "database"] == []


@pytest.mark.postgres
@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize(("seconds", "expected"), [(4, []), (6, ["database"])])
def test_clocks_of_database_and_process_may_differ_by_five_seconds(
    client: Client, seconds: int, expected: list[str]
) -> None:
    with time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=True):
        assert [name for name in failed(client) if name == "database"] == expected


@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_strangers_learn_no_version_and_no_product(client: Client, path: str) -> None:
    answer = client.get(path)

    told = answer.content.decode() + str(dict(answer.headers))
    assert not re.search(r"\d+\.\d+", told)
    for package in ("django", "celery", "redis", "psycopg"):
        assert version(package) not in told
        assert package not in answer.content.decode().lower()


@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_asked_by_get_only_and_kept_by_no_cache(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
    assert client.get(path).headers["Cache-Control"] == "private, no-store"


def test_health_answers_without_tls_since_probes_speak_plain_http(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert Client().get("/healthz").status_code == 200
    assert Client().get("/").status_code == 301
