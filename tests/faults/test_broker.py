"""Redis gone or frozen while people save: the save stands at once, and the wake-up alone is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import env

pytestmark = [pytest.mark.faults, pytest.mark.redis_server]

# Saves in a process that knows the Redis from its start, from its main thread and from another, as web servers do.
PROGRAM = """
import sys, threading, time
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.records.services.act import open_act

def save():
    began = time.monotonic()
    with open_act("save", chain="study:FAULT", actor=Actor.system("fault")) as act:
        act.note("FormRecord", "1", "save", delta={"A": ["1"]})
    print(time.monotonic() - began, flush=True)

for line in sys.stdin:
    if line.strip() == "count":
        print(AuditEvent.objects.filter(chain_id="study:FAULT").count(), flush=True)
        continue
    threads = [threading.Thread(target=save)] if line.strip() == "thread" else []
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    threads or save()
"""


class Saver:
    """A process that saves when told."""

    def __init__(self, folder: Path, redis: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env=env.for_child(
                DJANGO_SETTINGS_MODULE="config.settings",
                DATA_DIR=str(folder),
                DATABASE_URL="",
                REDIS_URL=redis,
                PYTHONPATH=str(env.BASE_DIR),
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, word: str) -> float:
        """Ask for a save (``main`` or ``thread``: its seconds) or for the number of events (``count``)."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()


def test_saving_goes_on_within_two_seconds_when_redis_is_not_there(tmp_path: Path, free_port: int) -> None:
    saver = Saver(tmp_path, f"redis://127.0.0.1:{free_port}/0")
    try:
        seconds = [saver.ask("main"), saver.ask("main"), saver.ask("thread")]

        assert max(seconds) < 2.0
        assert saver.ask("count") == 3
    finally:
        saver.close()


def test_saving_goes_on_within_two_seconds_when_redis_freezes(
    tmp_path: Path, free_port: int, own_redis: subprocess.Popen[bytes]
) -> None:
    saver = Saver(tmp_path, f"redis://127.0.0.1:{free_port}/0")
    try:
        saver.ask("main")
        os.kill(own_redis.pid, signal.SIGSTOP)
        seconds = [saver.ask("main"), saver.ask("main"), saver.ask("thread")]
        os.kill(own_redis.pid, signal.SIGCONT)

        assert max(seconds) < 2.0
        assert saver.ask("count") == 4
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
        saver.close()


def test_wake_ups_flow_again_when_redis_comes_back(
    tmp_path: Path, free_port: int, own_redis: subprocess.Popen[bytes]
) -> None:
    saver = Saver(tmp_path, f"redis://127.0.0.1:{free_port}/0")
    try:
        saver.ask("main")
        own_redis.terminate()
        own_redis.wait()
        saver.ask("main")
        again = subprocess.Popen(
            ["redis-server", "--port", str(free_port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
        )
        try:
            assert _wakes(saver, free_port)
        finally:
            again.kill()
            again.wait()
    finally:
        saver.close()


def _wakes(saver: Saver, port: int) -> bool:
    """Save until a wake-up stands in the queue of the Redis that came back."""
    for _ in range(20):
        saver.ask("main")
        listed = subprocess.run(
            ["redis-cli", "-p", str(port), "LLEN", "celery"], capture_output=True, text=True, check=False
        )
        if listed.stdout.strip().isdigit() and int(listed.stdout) >= 2:
            return True
        time.sleep(0.25)
    return False
