"""Worker and beat as threads of the one web process, for an installation without Redis.

The broker lies in memory and dies with the process; nothing is lost by it, since every job finds its work in the
database. More than one web process would each have its own, which a system check refuses.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from celery import _state
from celery.beat import Scheduler, Service
from celery.worker import WorkController

from config.celery import app

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class EmbeddedWorker(WorkController):  # type: ignore[misc]
    """A worker that says when it listens; the base class tells nobody."""

    def __init__(self, *args: object, **options: object) -> None:
        self.listens = threading.Event()
        super().__init__(*args, **options)

    def on_consumer_ready(self, consumer: object) -> None:
        """Note that messages are taken from now on."""
        super().on_consumer_ready(consumer)
        self.listens.set()


class Jobs:
    """The worker's and the beat's threads."""

    def __init__(self) -> None:
        self.worker = EmbeddedWorker(
            app=app,
            hostname="embedded@localhost",
            pool="threads",
            concurrency=2,
            loglevel="WARNING",
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        )
        # The worker marks the whole process as one that must never wait for a result; pages do not wait for any.
        _state._set_task_join_will_block(False)
        self.beat = Service(app, scheduler_cls=Scheduler, max_interval=app.conf.beat_max_loop_interval)
        self.threads = (
            threading.Thread(target=self.worker.start, name="embedded worker", daemon=True),
            threading.Thread(target=self.beat.start, name="embedded beat", daemon=True),
        )

    def start(self) -> None:
        """Start both and wait until the worker listens."""
        self.threads[0].start()
        if not self.worker.listens.wait(START_SECONDS):
            raise RuntimeError(f"The embedded worker was expected to listen within {START_SECONDS:.0f} s; it does not.")
        self.threads[1].start()

    def stop(self) -> None:
        """Stop both; a job in progress may be cut off, and the next sweep does its work."""
        self.beat.stop(wait=False)
        self.worker.stop(in_sighandler=False)
        for thread in self.threads:
            thread.join(STOP_SECONDS)

    def is_running(self) -> bool:
        """Return whether both threads live."""
        return all(thread.is_alive() for thread in self.threads)


_running: list[Jobs] = []


def is_running() -> bool:
    """Return whether this process runs its worker and its beat."""
    return any(jobs.is_running() for jobs in _running)


@contextmanager
def running_jobs() -> Iterator[Jobs]:
    """Run the worker and the beat in this process for as long as the block lasts."""
    jobs = Jobs()
    jobs.start()
    _running.append(jobs)
    try:
        yield jobs
    finally:
        _running.remove(jobs)
        jobs.stop()
