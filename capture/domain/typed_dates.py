"""Dates and times as people type them, read against a given day; what is stored is ISO 8601 text.

Day comes before month, always. A year that is left out becomes the one that brings the date nearest to ``today``, the
past when two are equally near. Two-digit years are refused, since a birth in 1926 and an infusion in 2026 look alike.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "sept",
]
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_NUMBERS = re.compile(r"(\d{1,2})\s*[/.]\s*(\d{1,2})(?:\s*[/.]\s*(\d+))?\.?", re.ASCII)
_WORDS = re.compile(r"(\d{1,2})[\s\-.]*([a-z]{3,9})[\s\-.,]*(\d+)?", re.ASCII)
_SHIFT = re.compile(r"[+-]\d{1,4}", re.ASCII)
_YEAR_MONTH = re.compile(r"(\d{4})-(\d{1,2})|(\d{1,2})\s*[/.]\s*(\d{4})|([a-z]{3,9})[\s\-.,]*(\d{4})", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})|(\d{1,2})(\d{2})", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1900, 2100
NO_SUCH_DAY = "a date of the calendar with the day before the month, such as 23/11/2026"


def read_date(text: str, today: date) -> date:
    """Read a full date; ValueError with what was expected.

    >>> day = date(2026, 11, 22)
    >>> [read_date(text, day).isoformat() for text in ("t", "y", "-1", "23/11", "23nov", "1 feb 2025", "2026-11-02")]
    ['2026-11-22', '2026-11-21', '2026-11-21', '2026-11-23', '2026-11-23', '2025-02-01', '2026-11-02']
    >>> read_date("23/11", date(2026, 1, 5)).isoformat()
    '2025-11-23'
    """
    folded = text.strip().lower()
    if folded in {"t", "today"}:
        return today
    if folded in {"y", "yesterday"}:
        return today - timedelta(days=1)
    if _SHIFT.fullmatch(folded):
        return today + timedelta(days=int(folded))
    if found := _ISO.fullmatch(folded):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _NUMBERS.fullmatch(folded):
        return _dated(found[3], int(found[2]), int(found[1]), today)
    if found := _WORDS.fullmatch(folded):
        return _dated(found[3], _month(found[2]), int(found[1]), today)
    raise ValueError("a date such as 2026-11-23, 23/11/2026, 23nov, t (today), y (yesterday) or -1")


def read_partial(text: str, today: date) -> str:
    """Read a date as far as it is known, to ``2026``, ``2026-11`` or ``2026-11-23``.

    >>> day = date(2026, 11, 22)
    >>> [read_partial(text, day) for text in ("2026", "nov 2026", "11/2026", "2026-1", "23nov", "t")]
    ['2026', '2026-11', '2026-11', '2026-01', '2026-11-23', '2026-11-22']
    """
    folded = text.strip().lower()
    if re.fullmatch(r"[0-9]{4}", folded):
        return f"{_year(int(folded)):04d}"
    if found := _YEAR_MONTH.fullmatch(folded):
        year = _year(int(found[1] or found[4] or found[6]))
        month = _month(found[5]) if found[5] else int(found[2] or found[3])
        return f"{_day(year, month, 1):%Y-%m}"
    try:
        return read_date(text, today).isoformat()
    except ValueError as error:
        raise ValueError(f"{error}; a part may be left out: 2026-11, nov 2026 or 2026") from None


def read_time(text: str) -> str:
    """Read a time of day to ``HH:MM``, 00:00 to 23:59.

    >>> read_time("9:42"), read_time("0942"), read_time("942"), read_time("23:59")
    ('09:42', '09:42', '09:42', '23:59')
    """
    found = _TIME.fullmatch(text.strip())
    if found is not None:
        hour, minute = int(found[1] or found[3]), int(found[2] or found[4])
        if hour < 24 and minute < 60:
            return f"{hour:02d}:{minute:02d}"
    raise ValueError("a time from 00:00 to 23:59, such as 09:42 or 0942")


def read_datetime(text: str, today: date) -> str:
    """Read a date and a time to ``YYYY-MM-DDTHH:MM``, local wall time.

    >>> read_datetime("t 9:42", date(2026, 11, 22)), read_datetime("2026-11-22T09:42", date(2026, 1, 1))
    ('2026-11-22T09:42', '2026-11-22T09:42')
    """
    day, _, hour = re.sub(r"(?<=[0-9])[tT](?=[0-9])", " ", text.strip()).rpartition(" ")
    if not day.strip():
        raise ValueError("a date and a time such as 2026-11-23 09:42 or t 9:42")
    return f"{read_date(day, today).isoformat()}T{read_time(hour)}"


def _dated(year: str | None, month: int, day: int, today: date) -> date:
    if year is not None:
        if len(year) != 4:
            raise ValueError("a year of four digits, such as 23/11/2026")
        return _day(int(year), month, day)
    near = [found for step in range(-4, 5) if (found := _maybe(today.year + step, month, day)) is not None]
    if not near:
        raise ValueError(NO_SUCH_DAY)
    return min(near, key=lambda each: (abs((each - today).days), each))


def _maybe(year: int, month: int, day: int) -> date | None:
    try:
        return _day(year, month, day)
    except ValueError:
        return None


def _day(year: int, month: int, day: int) -> date:
    _year(year)
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(NO_SUCH_DAY) from None


def _year(year: int) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    return year


def _month(name: str) -> int:
    if name[:3] not in _MONTHS or (len(name) > 3 and name not in _NAMES):
        raise ValueError("the name of a month, such as nov")
    return _MONTHS.index(name[:3]) + 1
