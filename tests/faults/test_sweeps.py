"""Sweeps of the safety room that meet, are killed with -9, or come days late: none lost, none twice in the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.own_database import finish, own_database, rows, run, start

CHILD = "tests.support.safety_child"
PEOPLE, TOLD, CHANNELS = 6, 2, 2
EACH = PEOPLE * TOLD * CHANNELS
ALERTS = "SELECT rule_id, state, count(*) FROM records_notification GROUP BY rule_id, state ORDER BY rule_id, state"
CANDIDATES = "SELECT rule, state, count(*) FROM safety_dltcandidate GROUP BY rule, state ORDER BY rule, state"
NOTED = (
    "SELECT record_kind, action, count(*) FROM records_auditevent WHERE actor = 'system:dlt-watch' "
    "GROUP BY record_kind, action ORDER BY record_kind, action"
)
UNREAD = (
    "SELECT c.head_seq - e.seq FROM records_chain c JOIN records_eventcursor e ON e.chain = c.key "
    "WHERE e.reader = 'safety.dlt' AND c.key = 'study:SCAR02'"
)
FOUND = [("CRS3", "pending", PEOPLE), ("CRS4", "candidate", PEOPLE)]
ONCE = [("DltCandidate", "candidate", PEOPLE), ("DltCandidate", "pending", PEOPLE), ("DltWindow", "create", PEOPLE)]
pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with own_database(tmp_path) as address:
        run(address, CHILD, "prepare")
        run(address, CHILD, "day", "5")
        yield address


def everything_once(url: str) -> None:
    assert rows(url, CANDIDATES) == FOUND
    assert rows(url, ALERTS) == [("dlt-candidate", "queued", EACH)]
    assert rows(url, NOTED) == ONCE
    run(url, "manage", "audit", "verify")


def test_two_sweeps_at_once_find_everything_once(url: str) -> None:
    sweeps = [start(url, CHILD, "sweep") for _ in range(2)]
    said = [finish(sweep) for sweep in sweeps]
    assert all("failed 0" in words for words in said)
    everything_once(url)


@pytest.mark.parametrize(("point", "after", "written"), [("before the commit", 3, 2), ("before the cursor", 1, PEOPLE)])
def test_a_sweep_killed_with_9_is_finished_by_the_next_one(url: str, point: str, after: int, written: int) -> None:
    worker = start(url, CHILD, "stall", point, str(after))
    assert worker.stdout is not None
    assert worker.stdout.readline().strip() == "reached"
    worker.kill()
    worker.communicate()
    assert worker.returncode == -9
    assert rows(url, "SELECT count(*) FROM safety_dltwindow") == [(written,)]
    assert rows(url, UNREAD) != [(0,)]
    assert "failed 0" in run(url, CHILD, "sweep")
    everything_once(url)


def test_three_days_without_a_worker_and_then_two_at_once(url: str) -> None:
    run(url, CHILD, "sweep")
    run(url, CHILD, "day", "26")
    run(url, CHILD, "sweep")
    run(url, CHILD, "day", "29")
    for sweep in [start(url, CHILD, "sweep") for _ in range(2)]:
        assert "failed 0" in finish(sweep)
    assert rows(url, ALERTS) == [
        ("dlt-candidate", "queued", EACH),
        ("dlt-window-closed", "queued", EACH),
        ("dlt-window-closing", "withdrawn", EACH),
    ]
    run(url, "manage", "audit", "verify")
