"""The DLT window in local dates: 29 dates for one infusion, closing from Day 21, closed after Day 28."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from safety.domain.episodes import instant
from safety.domain.windows import DltWindow, WindowState

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_0 = date(2026, 10, 10)
ONE = DltWindow(DAY_0, DAY_0, BERLIN, instant(datetime.fromisoformat("2026-10-10T10:00"), BERLIN))


def on(day: int) -> date:
    return DAY_0 + timedelta(days=day)


@pytest.mark.parametrize(
    ("day", "state", "words"),
    [
        (-1, WindowState.NOT_STARTED, "not started"),
        (0, WindowState.OPEN, "open, day 0 of 28"),
        (20, WindowState.OPEN, "open, day 20 of 28"),
        (21, WindowState.CLOSING, "closing, day 21 of 28"),
        (28, WindowState.CLOSING, "closing, day 28 of 28"),
        (29, WindowState.CLOSED, "closed after 2026-11-07"),
    ],
)
def test_the_state_on_both_sides_of_every_limit(day: int, state: WindowState, words: str) -> None:
    assert (ONE.state(on(day)), ONE.words(on(day))) == (state, words)


def test_one_infusion_has_29_dates_in_the_window() -> None:
    assert sum(ONE.holds_days(on(day), on(day), "after") is True for day in range(-5, 40)) == 29


def test_a_dlt_found_by_a_person_is_shown_on_every_date() -> None:
    assert (ONE.state(on(3), had_dlt=True), ONE.words(on(40), had_dlt=True)) == (WindowState.DLT, "DLT")


def test_without_an_infusion_there_is_no_window() -> None:
    none = DltWindow(None, None, BERLIN)
    assert (none.state(on(0)), none.closes, none.day(on(0))) == (WindowState.NOT_STARTED, None, None)
    assert none.holds_days(on(0), on(0)) is False


def test_a_second_infusion_moves_the_end_and_not_the_start() -> None:
    both = DltWindow(DAY_0, on(7), BERLIN)
    assert (both.closes, both.length, both.day(on(30))) == (on(35), 35, 30)
    assert (both.state(on(27)), both.state(on(28)), both.state(on(36))) == (
        WindowState.OPEN,
        WindowState.CLOSING,
        WindowState.CLOSED,
    )


def test_a_course_that_is_not_complete_has_no_end() -> None:
    half = DltWindow(DAY_0, DAY_0, BERLIN, complete=False)
    assert (half.closes, half.state(on(60)), half.words(on(60))) == (
        None,
        WindowState.OPEN,
        "open, day 60 of an unfinished course",
    )


def test_the_length_is_a_setting_of_the_study() -> None:
    assert DltWindow(DAY_0, DAY_0, BERLIN, days=30).closes == on(30)


def test_an_assessment_before_the_start_of_the_infusion_is_outside_and_at_its_start_inside() -> None:
    start = instant(datetime.fromisoformat("2026-10-10T10:00"), BERLIN)
    assert ONE.holds_instant(start - timedelta(minutes=1)) is False
    assert ONE.holds_instant(start) is True


def test_the_window_ends_with_the_local_date_also_when_the_clocks_change_inside_it() -> None:
    last = instant(datetime.fromisoformat("2026-11-07T23:59"), BERLIN)
    assert last == datetime(2026, 11, 7, 22, 59, tzinfo=UTC)
    assert (ONE.holds_instant(last), ONE.holds_instant(last + timedelta(minutes=1))) == (True, False)


def test_the_same_instant_is_another_date_at_another_site() -> None:
    at = datetime(2026, 11, 7, 17, 0, tzinfo=UTC)
    assert DltWindow(DAY_0, DAY_0, BERLIN).holds_instant(at) is True
    assert DltWindow(DAY_0, DAY_0, SHANGHAI).holds_instant(at) is False


def test_an_assessment_on_the_day_of_an_infusion_without_a_time_is_unknown() -> None:
    untimed = DltWindow(DAY_0, DAY_0, BERLIN)
    assert untimed.holds_instant(instant(datetime.fromisoformat("2026-10-10T12:00"), BERLIN)) is None


@pytest.mark.parametrize(
    ("earliest", "latest", "phase", "inside"),
    [
        (-1, -1, None, False),
        (0, 0, None, None),
        (0, 0, "before", False),
        (0, 0, "during", True),
        (0, 0, "after", True),
        (1, 1, None, True),
        (28, 28, None, True),
        (29, 29, None, False),
        (-9, 21, None, None),
        (-9, 21, "after", True),
        (22, 51, "after", None),
        (29, 51, "after", False),
    ],
)
def test_onsets_on_the_infusion_day_and_partial_onsets(
    earliest: int, latest: int, phase: str | None, inside: bool | None
) -> None:
    assert ONE.holds_days(on(earliest), on(latest), phase) is inside  # type: ignore[arg-type]
