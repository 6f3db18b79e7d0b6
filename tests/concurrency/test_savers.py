"""Many savers of the same records at once, in processes and threads: no deadlock, no gap, no lost update."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson
import pytest

from config import env  # noqa: F401 - read by a skip condition
from tests.support.own_database import finish, own_database, rows, run, start
from tests.support.records import CHAIN

CHILD = "tests.support.child"


def judge(url: str, *, saves: int) -> None:
    """Compare what stands in the records with what the audit trail says happened, one step at a time."""
    values = dict(rows(url, "SELECT reader, seq FROM records_eventcursor"))
    assert sum(values.values()) == 2 * saves
    payloads = rows(
        url, "SELECT record_id, payload FROM records_auditevent WHERE record_kind = 'FormRecord' ORDER BY seq"
    )
    seen: Counter[str] = Counter()
    for record, payload in payloads:
        old, new = (int(value) for value in orjson.loads(payload)["VALUE"])
        assert (old, new) == (seen[record], seen[record] + 1)
        seen[record] += 1
    assert dict(seen) == values
    numbers = [
        seq for (seq,) in rows(url, f"SELECT seq FROM records_auditevent WHERE chain_id = '{CHAIN}' ORDER BY seq")
    ]
    assert numbers == list(range(1, 2 * saves + 1))
    ids = [key for (key,) in rows(url, f"SELECT id FROM records_auditevent WHERE chain_id = '{CHAIN}' ORDER BY seq")]
    assert ids == sorted(ids)
    assert "Sound." in run(url, "manage", "audit", "verify")


@pytest.mark.slow
@pytest.mark.postgres
def test_fifty_savers_on_postgresql_have_no_deadlock_no_gap_and_no_lost_update(tmp_path: Path) -> None:
    with own_database(tmp_path) as url:
        run(url, CHILD, "prepare")
        processes = [start(url, CHILD, "save", "25", "20", str(1000 * number)) for number in (1, 2)]
        assert [finish(process).strip().splitlines()[-1] for process in processes] == ["failures []"] * 2
        judge(url, saves=50 * 20)


@pytest.mark.slow
@pytest.mark.skipif("env.text('DATABASE_URL').startswith('postgres')", reason="the same with SQLite")
def test_eight_processes_on_sqlite_have_no_locked_database_no_gap_and_no_lost_update(tmp_path: Path) -> None:
    with own_database(tmp_path) as url:
        run(url, CHILD, "prepare")
        processes = [start(url, CHILD, "save", "1", "50", str(1000 * number)) for number in range(8)]
        assert [finish(process).strip().splitlines()[-1] for process in processes] == ["failures []"] * 8
        judge(url, saves=8 * 50)
