"""The only reader of the environment."""

from __future__ import annotations

import os
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent


def text(name: str, default: str = "") -> str:
    """Return a variable's text, or the default."""
    return os.environ.get(name, default)  # noqa: TID251


def flag(name: str, *, default: bool = False) -> bool:
    """Return whether a variable says yes (1, true, yes, on)."""
    value = text(name)
    return value.strip().lower() in {"1", "true", "yes", "on"} if value else default


def use_settings() -> None:
    """Name the settings module to Django unless something else already did."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251
