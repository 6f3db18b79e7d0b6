"""Requests for notifications as the tests of asking and of delivery make them."""

from __future__ import annotations

from tests.support.records import CHAIN, START
from trials.models import User
from trials.records.models import Notification
from trials.records.services.notifications import (
    Request,
)


def ask(user: User, **changes: object) -> Request:
    given: dict[str, object] = {
        "kind": "reminder",
        "rule_id": "visit-due",
        "chain": CHAIN,
        "occurrence": "v1/2026-03-05",
        "recipient_id": user.pk,
        "title": "Visit V2 of 01-001 is due",
        "due_at": START,
        "channel": "email",
        "link": "/admin/visits/v1/",
        "site": "s1",
        "participant": "p1",
        **changes,
    }
    return Request(**given)  # type: ignore[arg-type]


def mail_id(request: Request) -> str:
    return request.key[:40]


def only() -> Notification:
    return Notification.objects.get()
