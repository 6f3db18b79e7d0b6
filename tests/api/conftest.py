from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def nobody_asked_yet() -> Iterator[None]:
    """Begin and end without counted requests."""
    cache.clear()
    yield
    cache.clear()
