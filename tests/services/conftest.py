"""Fixtures of the tests of notifications: a clock that stands, a person, who may know, a mail server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from tests.support.records import StandingClock, make_user
from tests.support.smtp_sink import Sink, running_sink
from trials.models import User
from trials.records.services import clock, delivery

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def hands() -> Iterator[StandingClock]:
    held = StandingClock()
    with clock.set_source(held):
        yield held


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def in_scope(monkeypatch: pytest.MonkeyPatch) -> dict[UUID, bool]:
    """A scope check in place of the one that a room above registers; who is not in it is in scope."""
    answers: dict[UUID, bool] = {}

    def check(recipient_id: UUID, chain: str, site: str, participant: str) -> bool:
        return answers.get(recipient_id, True)

    monkeypatch.setattr(delivery, "_scope_checks", [check])
    return answers


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with running_sink() as held:
        settings.EMAIL_BACKEND = SMTP
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", held.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_TIMEOUT = 2
        yield held
