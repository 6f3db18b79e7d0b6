"""When a message that could not be delivered is tried again."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

FIRST_WAITS = (1, 2, 5, 15, 60)
HOURLY = 60
GIVE_UP_AFTER = timedelta(hours=48)
JITTER_PERCENT = 20


def wait_before(attempts: int, key: str) -> timedelta:
    """Return the wait after the given number of failed attempts: 1, 2, 5, 15, 60 min, then hourly, each +-20 %.

    The jitter comes from the message's key and the attempt, so that many messages spread and one message's schedule is
    always the same.

    >>> 48 <= wait_before(1, "a").total_seconds() <= 72
    True
    >>> wait_before(9, "a") == wait_before(9, "a")
    True
    """
    minutes = FIRST_WAITS[attempts - 1] if attempts <= len(FIRST_WAITS) else HOURLY
    spread = int.from_bytes(hashlib.sha256(f"{key}/{attempts}".encode()).digest()[:4], "big") / 0xFFFFFFFF
    return timedelta(minutes=minutes) * (1 + (2 * spread - 1) * JITTER_PERCENT / 100)


def next_attempt(attempts: int, key: str, *, first: datetime, now: datetime) -> datetime | None:
    """Return when to try again, None to give up: nothing is tried later than 48 hours after the first moment."""
    at = now + wait_before(attempts, key)
    return at if at <= first + GIVE_UP_AFTER else None
