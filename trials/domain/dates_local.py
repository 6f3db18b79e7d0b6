"""Local wall time: what the clock on the wall of the site showed, kept as text beside the zone of the site."""

from __future__ import annotations

import re
from datetime import date

_WALL = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::\d{2})?)?")


def local_date(wall: str) -> date | None:
    """Return the calendar day of ``YYYY-MM-DD`` or ``YYYY-MM-DDTHH:MM``; None when it is partial or blank.

    >>> local_date("2026-11-22T23:59"), local_date("2026-11-22"), local_date("2026-11"), local_date("")
    (datetime.date(2026, 11, 22), datetime.date(2026, 11, 22), None, None)
    """
    found = _WALL.fullmatch(wall.strip())
    if found is None:
        return None
    try:
        return date.fromisoformat(found[1])
    except ValueError:
        return None


def local_minute(wall: str) -> str:
    """Return a wall time to the minute, ``YYYY-MM-DDTHH:MM``; empty when the time of day is not known.

    >>> local_minute("2026-11-22 09:05:31"), local_minute("2026-11-22")
    ('2026-11-22T09:05', '')
    """
    found = _WALL.fullmatch(wall.strip())
    return f"{found[1]}T{found[2]}" if found is not None and found[2] else ""
