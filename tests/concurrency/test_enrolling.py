"""Many registrations and enrolments at once: numbers without gap or repeat, and a cap that nobody slips past."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.support.own_database import finish, own_database, rows, run, start

CHILD = "tests.support.enrolling_child"
pytestmark = pytest.mark.slow


def race(url: str, name: str, *, firsts: tuple[int, int], count: int) -> Counter[str]:
    """Let two processes with so many threads each do an act at once; return how it ended how often."""
    processes = [start(url, CHILD, "race", name, str(first), str(count)) for first in firsts]
    ended: Counter[str] = Counter()
    for process in processes:
        ended.update(dict(ast.literal_eval(finish(process).strip().splitlines()[-1])))
    return ended


def test_twenty_registrations_at_once_get_twenty_numbers_without_gap_or_repeat(tmp_path: Path) -> None:
    with own_database(tmp_path) as url:
        run(url, CHILD, "prepare", "50", "0")
        assert race(url, "register", firsts=(0, 0), count=10) == {"done": 20}
        numbers = [number for (number,) in rows(url, "SELECT number FROM trials_participant ORDER BY sequence")]
        assert numbers == [f"01-{n:03d}" for n in range(1, 21)]
        assert rows(url, "SELECT next_sequence FROM trials_site") == [(21,)]
        assert rows(url, "SELECT count(*) FROM records_auditevent WHERE action = 'register'") == [(20,)]
        assert "Sound." in run(url, "manage", "audit", "verify")


def test_ten_enrolments_at_once_under_a_cap_of_three_are_exactly_three(tmp_path: Path) -> None:
    with own_database(tmp_path) as url:
        run(url, CHILD, "prepare", "3", "10")
        assert race(url, "enrol", firsts=(1, 6), count=5) == {"done": 3, "cap_reached": 7}
        states = rows(url, "SELECT state, count(*) FROM trials_participant GROUP BY state ORDER BY state")
        assert states == [("enrolled", 3), ("screening", 7)]
        assert rows(url, "SELECT count(*) FROM trials_participant WHERE enrolled_on IS NOT NULL") == [(3,)]
        assert rows(url, "SELECT count(*) FROM records_auditevent WHERE action = 'assign dose'") == [(3,)]
        assert "Sound." in run(url, "manage", "audit", "verify")
