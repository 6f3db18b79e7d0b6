"""Flush of a transactional test: the triggers that protect audit events are lifted for it, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import TransactionTestCase

from trials.records import triggers


@contextmanager
def lifted_triggers() -> Iterator[None]:
    """Lift the triggers within a block, and put them back whatever happens in it."""
    settle_constraints()
    triggers.remove()
    try:
        yield
    finally:
        settle_constraints()
        triggers.install()


def settle_constraints() -> None:
    """Check now what PostgreSQL would check at the commit: until then it does not let the table's triggers change."""
    if connection.vendor == "postgresql" and connection.in_atomic_block and not connection.needs_rollback:
        connection.check_constraints()


@pytest.fixture(scope="session", autouse=True)
def flush_without_triggers() -> Iterator[None]:
    """Let pytest-django's flush after a transactional test empty the table of audit events too."""
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def flush_lifted(case: Any) -> None:
        with lifted_triggers():
            flush(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush_lifted)
        yield
