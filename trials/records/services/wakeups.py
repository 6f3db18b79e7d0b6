"""Wake-ups after commit: they carry no data and may be lost, since every sweep finds the same work in the database."""

from __future__ import annotations

import logging

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def wake_after_commit() -> None:
    """Ask for the background jobs of ``settings.WAKEUP_TASKS`` to run once this transaction has been committed."""
    transaction.on_commit(wake, robust=True)


def wake() -> None:
    """Publish the wake-ups; a broker that is down costs a delay until the next sweep, never the save."""
    for name in settings.WAKEUP_TASKS:
        try:
            current_app.send_task(name, retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            logger.warning("wake_up_lost", extra={"task": name, "cause": type(error).__name__})
            return
