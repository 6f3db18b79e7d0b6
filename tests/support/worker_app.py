"""The Celery app of the house with every recipient in scope: ``celery -A tests.support.worker_app worker``."""

from __future__ import annotations

import django

django.setup()

from config.celery import app  # noqa: E402
from tests.support.child import in_scope  # noqa: E402
from trials.records.services import delivery  # noqa: E402

__all__ = ["app"]

# In place of the room above, whose memberships this test does not make.
delivery._scope_checks[:] = [in_scope]
