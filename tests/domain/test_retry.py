from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from trials.records.domain.retry import next_attempt, wait_before

FIRST = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 1), (2, 2), (3, 5), (4, 15), (5, 60), (6, 60), (47, 60)])
def test_the_waits_are_1_2_5_15_60_minutes_then_hourly_within_a_fifth(attempts: int, minutes: int) -> None:
    waits = [wait_before(attempts, f"key {number}") / timedelta(minutes=minutes) for number in range(500)]
    assert 0.8 <= min(waits) < 0.82
    assert 1.18 < max(waits) <= 1.2
    assert len(set(waits)) > 490


def test_the_wait_of_one_message_is_always_the_same() -> None:
    assert [wait_before(n, "k") for n in range(1, 9)] == [wait_before(n, "k") for n in range(1, 9)]


def test_nothing_is_tried_later_than_48_hours_after_the_first_moment() -> None:
    wait = wait_before(6, "k")
    last = FIRST + timedelta(hours=48) - wait
    assert next_attempt(6, "k", first=FIRST, now=last) == FIRST + timedelta(hours=48)
    assert next_attempt(6, "k", first=FIRST, now=last + timedelta(microseconds=1)) is None


def test_a_message_that_always_fails_is_tried_about_52_times() -> None:
    now, attempts = FIRST, 0
    while True:
        attempts += 1
        at = next_attempt(attempts, "k", first=FIRST, now=now)
        if at is None:
            break
        now = at
    assert 46 <= attempts <= 60
