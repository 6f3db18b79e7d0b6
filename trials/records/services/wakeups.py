"""Wake-ups after commit: they carry no data and may be lost, since every sweep finds the same work in the database.

They are published by a thread of their own: a save never waits for the broker, and many saves in a row ask once.
"""

from __future__ import annotations

import logging
import os
import threading

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.05
"""Wake-ups asked for within this time are published as one."""
IDLE_SECONDS = 5.0
"""The thread ends when nobody asked for this long, and begins again with the next."""


def wake_after_commit() -> None:
    """Ask for the background jobs of ``settings.WAKEUP_TASKS`` to run once this transaction has been committed."""
    if settings.WAKEUP_TASKS:
        transaction.on_commit(wake, robust=True)


def wake() -> None:
    """Ask for a wake-up; returns at once, whatever the broker does."""
    _publisher.ask()


def publish() -> None:
    """Publish the wake-ups now; a broker that is down costs a delay until the next sweep, never more."""
    for name in settings.WAKEUP_TASKS:
        try:
            current_app.send_task(name, retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            logger.warning("wake_up_lost", extra={"task": name, "cause": type(error).__name__})
            return


class Publisher:
    """A thread that publishes when asked. A forked child begins with a thread of its own."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._guard = threading.Lock()
        self._process = 0
        self._lives = False

    def ask(self) -> None:
        """Note that somebody asked, and see to it that the thread lives."""
        with self._guard:
            self._asked.set()
            if not self._lives or self._process != os.getpid():
                self._lives, self._process = True, os.getpid()
                threading.Thread(target=self._serve, name="wake-ups", daemon=True).start()

    def _serve(self) -> None:
        while self._awaited():
            threading.Event().wait(GATHER_SECONDS)
            self._asked.clear()
            publish()

    def _awaited(self) -> bool:
        """Wait to be asked; False when nobody did for a while, and then the thread is over."""
        if self._asked.wait(IDLE_SECONDS):
            return True
        with self._guard:
            if self._asked.is_set():
                return True
            self._lives = False
            return False


_publisher = Publisher()
