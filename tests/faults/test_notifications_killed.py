"""Workers that die, sweeps that meet, a mail server that counts: none lost, none twice in the table."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded source for a test

import pytest

from tests.support.own_database import finish, own_database, rows, run, start
from tests.support.smtp_sink import ACCEPT, Sink, running_sink

CHILD = "tests.support.child"
STATES = "SELECT state, count(*) FROM records_notification GROUP BY state ORDER BY state"
pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with own_database(tmp_path) as address:
        run(address, CHILD, "prepare")
        yield address


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as held:
        yield held


def mail_to(sink: Sink) -> str:
    return f"smtp://127.0.0.1:{sink.port}"


def distinct_ids(url: str) -> set[str]:
    return {key[:40] for (key,) in rows(url, "SELECT key FROM records_notification")}


@pytest.mark.parametrize(("moment", "repeats"), [("before the mail is taken", 0), ("after the mail was taken", 1)])
def test_a_worker_killed_between_claim_and_mark_loses_nothing(url: str, sink: Sink, moment: str, repeats: int) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(_: str) -> bytes:
        reached.set()
        go_on.wait(60)
        return ACCEPT

    if repeats:
        sink.answer_data = hold
    else:
        sink.answer_recipient = hold
    run(url, CHILD, "ask", "0", "3")
    worker = start(url, CHILD, "deliver", "0", EMAIL_URL=mail_to(sink))
    assert reached.wait(60)
    worker.kill()
    worker.communicate()
    assert rows(url, STATES) == [("sending", 3)]
    go_on.set()
    while len(sink.messages) < repeats:
        time.sleep(0.02)
    assert "sent 0 " in run(url, CHILD, "deliver", "4.5", EMAIL_URL=mail_to(sink))
    assert "sent 3 " in run(url, CHILD, "deliver", "6", EMAIL_URL=mail_to(sink))
    assert rows(url, STATES) == [("sent", 3)]
    assert set(sink.message_ids) == distinct_ids(url)
    assert len(sink.message_ids) == 3 + repeats


def test_two_sweeps_and_two_workers_at_once_make_one_row_and_one_mail_each(url: str, sink: Sink) -> None:
    sweeps = [start(url, CHILD, "ask", "0", "100") for _ in range(2)]
    for sweep in sweeps:
        finish(sweep)
    workers = [start(url, CHILD, "deliver", "1", EMAIL_URL=mail_to(sink)) for _ in range(2)]
    said = [finish(worker) for worker in workers]
    assert sum(int(words.split("sent ")[1].split()[0]) for words in said) == 100
    assert rows(url, STATES) == [("sent", 100)]
    assert sorted(sink.message_ids) == sorted(distinct_ids(url))


def slowly(message: str) -> bytes:
    """Accept a mail after a while, so that a worker can be killed in the middle of it."""
    time.sleep(0.03)
    return ACCEPT


def test_workers_killed_at_random_moments_lose_nothing_and_repeat_only_under_the_same_id(url: str, sink: Sink) -> None:
    source, count, kills = Random(22_11), 60, 0
    sink.answer_data = slowly
    run(url, CHILD, "ask", "0", str(count))
    for turn in range(40):
        worker = start(url, CHILD, "deliver", str(6 * turn), EMAIL_URL=mail_to(sink))
        heard = len(sink.messages)
        until = time.monotonic() + 30
        while len(sink.messages) == heard and worker.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(source.uniform(0, 0.3))
        if worker.poll() is None:
            worker.kill()
            kills += 1
        worker.communicate()
        if rows(url, STATES) == [("sent", count)]:
            break
    assert rows(url, STATES) == [("sent", count)]
    assert set(sink.message_ids) == distinct_ids(url)
    assert kills >= 3
    assert len(sink.message_ids) - count <= kills
