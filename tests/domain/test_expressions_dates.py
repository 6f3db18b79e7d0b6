"""Calendar arithmetic and partial dates, on both sides of every edge."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from trials.records.domain.dates import (
    PartialDate,
    bounds,
    completed_years,
    days_after,
    months_after,
    months_between,
    study_day,
)

DAY = date.fromisoformat


@pytest.mark.parametrize(
    ("text", "lo", "hi"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-11", "2026-11-01", "2026-11-30"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-11-22", "2026-11-22", "2026-11-22"),
    ],
)
def test_a_partial_date_is_the_interval_of_the_days_it_can_be(text: str, lo: str, hi: str) -> None:
    read = PartialDate.parse(text)
    assert bounds(read) == (DAY(lo), DAY(hi))
    assert (str(read), read.text) == (text, text)
    assert read.exact == (DAY(lo) if lo == hi else None)


@pytest.mark.parametrize(
    "text", ["", "26", "2026-13", "2026-02-30", "2026-1", "UN-11-2026", "2026-11-22T10:00", " 2026"]
)
def test_what_is_not_a_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        PartialDate.parse(text)


def test_an_interval_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        PartialDate(DAY("2026-11-22"), DAY("2026-11-21"))


def test_the_day_of_a_date_and_time_counts() -> None:
    assert bounds(datetime.fromisoformat("2026-11-22T23:59")) == (DAY("2026-11-22"), DAY("2026-11-22"))
    assert PartialDate.of(DAY("2026-11-22")).exact == DAY("2026-11-22")


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-01-15", -1, "2025-12-15"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-11-22", 0, "2026-11-22"),
    ],
)
def test_months_are_calendar_months_clipped_to_the_end_of_a_shorter_one(day: str, months: int, expected: str) -> None:
    assert months_after(DAY(day), months) == DAY(expected)


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        ("2008-11-22", "2026-11-21", 17),
        ("2008-11-22", "2026-11-22", 18),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2028-02-29", 20),
    ],
)
def test_a_year_of_age_is_complete_on_the_birthday(born: str, on: str, years: int) -> None:
    assert completed_years(DAY(born), DAY(on)) == years


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2026-01-15", "2026-07-15", Decimal(6)),
        ("2026-01-15", "2026-07-16", 6 + Decimal(1) / 31),
        ("2026-01-15", "2026-07-14", 5 + Decimal(29) / 30),
        ("2026-01-31", "2026-02-28", Decimal(1)),
        ("2026-01-15", "2026-01-15", Decimal(0)),
        ("2026-07-15", "2026-01-15", Decimal(-6)),
    ],
)
def test_months_between_counts_whole_months_and_the_part_of_the_one_begun(
    start: str, end: str, months: Decimal
) -> None:
    assert months_between(DAY(start), DAY(end)) == months


def test_the_anchor_is_day_0() -> None:
    anchor = DAY("2026-11-22")
    assert [study_day(anchor, DAY(day)) for day in ("2026-11-21", "2026-11-22", "2026-12-20")] == [-1, 0, 28]
    assert days_after(anchor, 28) == DAY("2026-12-20")
