"""Redis stopped, and restarted empty: saving goes on, and what was asked for meanwhile is delivered afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import wait_for_port
from tests.support.own_database import ROOT, child_environment, own_database, rows, run
from tests.support.smtp_sink import Sink, running_sink

CHILD = "tests.support.child"
STATES = "SELECT state, count(*) FROM records_notification GROUP BY state ORDER BY state"
pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.redis_server]


def wait_for_mails(sink: Sink, count: int, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while len(sink.messages) < count:
        assert time.monotonic() < until, f"{len(sink.messages)} of {count} mails after {seconds:.0f} s"
        time.sleep(0.1)


def test_redis_stopped_and_restarted_empty_loses_and_repeats_nothing(
    tmp_path: Path, own_redis: subprocess.Popen[bytes], free_port: int
) -> None:
    redis_url = f"redis://127.0.0.1:{free_port}/0"
    with own_database(tmp_path) as url, running_sink() as sink:
        run(url, CHILD, "prepare")
        mail = f"smtp://127.0.0.1:{sink.port}"
        words = ("celery", "-A", "tests.support.worker_app", "worker", "-B", "-P", "solo", "-l", "WARNING")
        schedule = ("--schedule", str(tmp_path / "beat"))
        # Its output goes to a file: a pipe that nobody reads would fill up and stop the worker.
        with (tmp_path / "worker.log").open("w") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", *words, *schedule],
                cwd=ROOT,
                env=child_environment(url, REDIS_URL=redis_url, EMAIL_URL=mail),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            run(url, CHILD, "ask", "0", "5", REDIS_URL=redis_url)
            wait_for_mails(sink, 5, seconds=60)
            own_redis.kill()
            own_redis.wait()
            began = time.monotonic()
            assert "asked" in run(url, CHILD, "ask", "5", "5", REDIS_URL=redis_url)
            assert time.monotonic() - began < 20
            assert ("queued", 5) in rows(url, STATES)
            again = subprocess.Popen(
                ["redis-server", "--port", str(free_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
                stdout=subprocess.DEVNULL,
            )
            try:
                wait_for_port(free_port)
                wait_for_mails(sink, 10, seconds=90)
                time.sleep(1)
                assert rows(url, STATES) == [("sent", 10)]
                assert len(set(sink.message_ids)) == len(sink.message_ids) == 10
            finally:
                again.kill()
                again.wait()
        finally:
            # The worker and the beat that it forked.
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
