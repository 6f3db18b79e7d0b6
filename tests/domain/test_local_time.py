from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from trials.records.domain.local_time import in_words, to_utc


@pytest.mark.parametrize(
    ("zone", "on", "at", "instant"),
    [
        # Forward: the time does not exist and moves by the gap (one hour; half an hour at Lord Howe; two at Troll).
        ("America/New_York", date(2026, 3, 8), time(1, 59), datetime(2026, 3, 8, 6, 59, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), time(2, 0), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), time(3, 0), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), datetime(2026, 10, 3, 15, 45, tzinfo=UTC)),
        ("Antarctica/Troll", date(2026, 3, 29), time(1, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        # Back: the time comes twice and means the first one.
        ("America/New_York", date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 1), time(2, 0), datetime(2026, 11, 1, 7, 0, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 4, 5), time(1, 45), datetime(2026, 4, 4, 14, 45, tzinfo=UTC)),
        ("Antarctica/Troll", date(2026, 10, 25), time(1, 30), datetime(2026, 10, 24, 23, 30, tzinfo=UTC)),
        # Samoa had no 30 December 2011: noon of that date is noon of the next.
        ("Pacific/Apia", date(2011, 12, 29), time(12, 0), datetime(2011, 12, 29, 22, 0, tzinfo=UTC)),
        ("Pacific/Apia", date(2011, 12, 30), time(12, 0), datetime(2011, 12, 30, 22, 0, tzinfo=UTC)),
        ("Pacific/Apia", date(2011, 12, 31), time(12, 0), datetime(2011, 12, 30, 22, 0, tzinfo=UTC)),
        ("Pacific/Kiritimati", date(2026, 1, 1), time(0, 30), datetime(2025, 12, 31, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_local_time_is_one_instant(zone: str, on: date, at: time, instant: datetime) -> None:
    assert to_utc(zone, on, at) == instant


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Antarctica/Troll",
        "Asia/Shanghai",
        "America/Santiago",
    ],
)
@pytest.mark.parametrize("at", [time(0, 30), time(1, 30), time(2, 30), time(3, 30)])
def test_every_local_date_of_two_years_has_its_own_instant_never_before_the_wall_time(zone: str, at: time) -> None:
    dates = [date(2026, 1, 1) + timedelta(days=number) for number in range(730)]
    instants = [to_utc(zone, on, at) for on in dates]
    assert instants == sorted(set(instants))
    for on, instant in zip(dates, instants, strict=True):
        wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        shift = wall - datetime.combine(on, at)
        assert shift in {timedelta(0), timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2)}
        assert wall.date() == on


def test_an_instant_in_words_carries_zone_and_offset() -> None:
    instant = datetime(2026, 7, 1, 12, 0, 5, tzinfo=UTC)
    assert in_words(instant, "Asia/Shanghai") == "2026-07-01 20:00:05 CST (UTC+08:00)"
    assert in_words(instant, "Pacific/Apia") == "2026-07-02 01:00:05 Pacific/Apia (UTC+13:00)"
    assert in_words(instant, "UTC") == "2026-07-01 12:00:05 UTC (UTC+00:00)"
