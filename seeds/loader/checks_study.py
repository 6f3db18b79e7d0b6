"""placeholder"""

from __future__ import annotations

from typing import Any

from seeds.loader.work import Work


def check(work: Work, document: dict[str, Any]) -> None:
    """."""
