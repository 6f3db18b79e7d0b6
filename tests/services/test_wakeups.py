"""Wake-ups: asked for after commit, published by a thread of their own, gathered when many are asked for."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import transaction
from django.test import override_settings

from trials.records.services import wakeups


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moments: list[float] = []
    monkeypatch.setattr(wakeups, "publish", lambda: moments.append(time.monotonic()))
    return moments


def _wait_for(moments: list[float], count: int) -> None:
    deadline = time.monotonic() + 5
    while len(moments) < count and time.monotonic() < deadline:
        threading.Event().wait(0.01)


def test_a_hundred_wake_ups_in_a_row_are_published_as_a_few(published: list[float]) -> None:
    for _ in range(100):
        wakeups.wake()
    _wait_for(published, 1)
    threading.Event().wait(3 * wakeups.GATHER_SECONDS)
    assert 1 <= len(published) <= 3


def test_a_wake_up_after_the_thread_went_idle_is_published_too(
    published: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "IDLE_SECONDS", 0.05)
    publisher = wakeups.Publisher()
    publisher.ask()
    _wait_for(published, 1)
    threading.Event().wait(0.3)
    publisher.ask()
    _wait_for(published, 2)
    assert len(published) == 2


@pytest.mark.django_db(transaction=True)
@override_settings(WAKEUP_TASKS=["some.task"])
def test_nothing_is_asked_for_when_the_transaction_is_rolled_back(published: list[float]) -> None:
    with transaction.atomic():
        wakeups.wake_after_commit()
        transaction.set_rollback(True)
    threading.Event().wait(3 * wakeups.GATHER_SECONDS)
    assert published == []
    with transaction.atomic():
        wakeups.wake_after_commit()
    _wait_for(published, 1)
    assert len(published) == 1
