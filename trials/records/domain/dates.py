"""Calendar arithmetic and dates that are only partly known.

A partial date is an interval of days. Every function here takes a ``date``, a ``datetime`` (its calendar day counts)
or a ``PartialDate``; nothing reads a clock.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

_SHAPE = re.compile(r"(?P<year>\d{4})(-(?P<month>\d{2})(-(?P<day>\d{2}))?)?")


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date as far as it is known: the days ``lo`` to ``hi``, both included, and the text as it was entered.

    ``text`` is empty for a calculated interval. Raises ValueError when ``hi`` lies before ``lo``.

    >>> PartialDate.parse("2026-02")
    PartialDate(lo=datetime.date(2026, 2, 1), hi=datetime.date(2026, 2, 28), text='2026-02')
    >>> PartialDate.parse("2026-02-28").exact
    datetime.date(2026, 2, 28)
    >>> PartialDate.parse("2026").exact is None
    True
    """

    lo: date
    hi: date
    text: str = ""

    def __post_init__(self) -> None:
        if self.hi < self.lo:
            raise ValueError(f"a partial date ends on {self.hi}, before it begins on {self.lo}")

    @classmethod
    def parse(cls, text: str) -> PartialDate:
        """Read ``2026``, ``2026-11`` or ``2026-11-22`` (ISO 8601); anything else raises ValueError."""
        found = _SHAPE.fullmatch(text)
        if found is None:
            raise ValueError(f'expected a date such as 2026-11-22, 2026-11 or 2026, found "{text}"')
        year, month, day = int(found["year"]), int(found["month"] or 0), int(found["day"] or 0)
        if found["month"] is None:
            return cls(date(year, 1, 1), date(year, 12, 31), text)
        if found["day"] is None:
            return cls(date(year, month, 1), date(year, month, monthrange(year, month)[1]), text)
        return cls(date(year, month, day), date(year, month, day), text)

    @classmethod
    def of(cls, day: date) -> PartialDate:
        """Return the interval of one fully known day."""
        return cls(day, day, day.isoformat())

    @property
    def exact(self) -> date | None:
        """The day, when it is fully known; else None."""
        return self.lo if self.lo == self.hi else None

    def __str__(self) -> str:
        return self.text or (self.lo.isoformat() if self.lo == self.hi else f"{self.lo}..{self.hi}")


AnyDate = date | datetime | PartialDate


def bounds(value: AnyDate) -> tuple[date, date]:
    """Return the first and the last day that ``value`` can be.

    >>> bounds(datetime(2026, 11, 22, 23, 59))
    (datetime.date(2026, 11, 22), datetime.date(2026, 11, 22))
    """
    if isinstance(value, PartialDate):
        return value.lo, value.hi
    day = value.date() if isinstance(value, datetime) else value
    return day, day


def months_after(day: date, months: int) -> date:
    """Return the same day of the month ``months`` later, clipped to the end of a shorter month.

    >>> months_after(date(2026, 1, 31), 1), months_after(date(2026, 3, 31), -1), months_after(date(2027, 11, 30), 3)
    (datetime.date(2026, 2, 28), datetime.date(2026, 2, 28), datetime.date(2028, 2, 29))
    """
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def days_after(day: date, days: int) -> date:
    """Return the day ``days`` later.

    >>> days_after(date(2026, 2, 27), 2)
    datetime.date(2026, 3, 1)
    """
    return day + timedelta(days=days)


def completed_years(born: date, on: date) -> int:
    """Return the age in completed years; negative before birth. Born on 29 February, the year is complete on 1 March.

    >>> completed_years(date(2008, 11, 22), date(2026, 11, 21)), completed_years(date(2008, 11, 22), date(2026, 11, 22))
    (17, 18)
    >>> completed_years(date(2008, 2, 29), date(2026, 2, 28)), completed_years(date(2008, 2, 29), date(2026, 3, 1))
    (17, 18)
    """
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def months_between(start: date, end: date) -> Decimal:
    """Return whole calendar months plus the elapsed part of the month begun; negative when ``end`` is earlier.

    >>> months_between(date(2026, 1, 31), date(2026, 2, 28)), months_between(date(2026, 4, 1), date(2026, 5, 16))
    (Decimal('1'), Decimal('1.483870967741935483870967742'))
    >>> months_between(date(2026, 5, 16), date(2026, 4, 1))
    Decimal('-1.483870967741935483870967742')
    """
    if end < start:
        return -months_between(end, start)
    whole = (end.year - start.year) * 12 + end.month - start.month
    if months_after(start, whole) > end:
        whole -= 1
    begun = months_after(start, whole)
    rest = (end - begun).days
    return Decimal(whole) + (Decimal(rest) / (months_after(start, whole + 1) - begun).days if rest else 0)


def study_day(anchor: date, day: date) -> int:
    """Return the study day: the anchor is Day 0, the day before it Day -1.

    >>> study_day(date(2026, 11, 22), date(2026, 11, 22)), study_day(date(2026, 11, 22), date(2026, 11, 21))
    (0, -1)
    """
    return (day - anchor).days
