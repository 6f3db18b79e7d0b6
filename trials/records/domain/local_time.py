"""A local date and time at a site, as an instant: once per local date, whatever the clocks there do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def to_utc(time_zone: str, on: date, at: time) -> datetime:
    """Return the instant in UTC of a local wall time.

    A time that comes twice (clocks go back) means the first one; a time that does not exist (clocks go forward) moves
    forward by the length of the gap. Both follow PEP 495 with ``fold=0``.

    >>> to_utc("Europe/Berlin", date(2026, 3, 29), time(2, 30)).isoformat()
    '2026-03-29T01:30:00+00:00'
    >>> to_utc("Europe/Berlin", date(2026, 10, 25), time(2, 30)).isoformat()
    '2026-10-25T00:30:00+00:00'
    """
    return datetime.combine(on, at.replace(tzinfo=None, fold=0), tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def in_words(instant: datetime, time_zone: str) -> str:
    """Return an instant as local time with its zone and offset, for people.

    >>> in_words(datetime(2026, 11, 22, 5, 30, 9, tzinfo=UTC), "Europe/Berlin")
    '2026-11-22 06:30:09 CET (UTC+01:00)'
    """
    local = instant.astimezone(ZoneInfo(time_zone))
    offset = local.strftime("%z")
    name = local.tzname() or time_zone
    shown = time_zone if name[:1] in "+-" else name
    return f"{local:%Y-%m-%d %H:%M:%S} {shown} (UTC{offset[:3]}:{offset[3:5]})"
