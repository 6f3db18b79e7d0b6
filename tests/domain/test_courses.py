"""The course of an event: unbroken time at a grade, with partial dates and missing grades as ranges."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from safety.domain.adverse_events import adverse_event
from safety.domain.courses import Course, Segment, peak, time_at
from trials.records.domain.dates import PartialDate
from trials.records.domain.expressions import Range


def days(*segments: tuple[int, int, int, int], until: int, over: int | None) -> Course:
    return Course("days", tuple(Segment(*segment) for segment in segments), until, over)


def test_a_stretch_goes_on_through_a_higher_grade() -> None:
    course = days((1, 1, 3, 3), (4, 4, 4, 4), (6, 6, 3, 3), (10, 10, 1, 1), until=12, over=12)
    assert (time_at(course, 3, "days"), time_at(course, 4, "days")) == (Decimal(9), Decimal(2))


def test_the_longest_stretch_counts() -> None:
    course = days((1, 1, 3, 3), (4, 4, 1, 1), (6, 6, 3, 3), (11, 11, 1, 1), until=12, over=12)
    assert time_at(course, 3, "days") == Decimal(5)


def test_partial_dates_give_a_range() -> None:
    course = days((1, 3, 3, 3), (10, 12, 1, 1), until=20, over=20)
    assert time_at(course, 3, "days") == Range(Decimal(7), Decimal(11))


def test_a_missing_grade_may_break_or_go_on() -> None:
    course = days((1, 1, 3, 3), (4, 4, 1, 5), (6, 6, 3, 3), (9, 9, 1, 1), until=12, over=12)
    assert time_at(course, 3, "days") == Range(Decimal(3), Decimal(8))


def test_an_event_that_never_reached_the_grade_has_no_time_at_it() -> None:
    assert time_at(days((1, 1, 2, 2), until=30, over=None), 3, "days") == Decimal(0)


def test_only_what_begins_in_the_window_counts_for_the_grade() -> None:
    course = days((1, 1, 4, 4), (5, 5, 2, 2), (8, 8, 3, 3), until=12, over=12)
    assert peak(course, lambda segment: segment.earliest > 4) == (3, 3)
    assert peak(course, lambda segment: segment.earliest > 20) is None
    assert peak(course, lambda segment: None if segment.earliest == 8 else False) == (0, 3)


def test_grades_entered_out_of_order_are_put_in_order_of_their_dates() -> None:
    rows = [{"GRADE": 2, "FROM": date(2026, 11, 9)}, {"GRADE": 3, "FROM": date(2026, 11, 1)}]
    event = adverse_event({"START": date(2026, 11, 1), "END": date(2026, 11, 20)}, rows)
    assert [period.grade for period in event.periods] == [3, 2]
    assert time_at(event.course(date(2026, 12, 1)), 3, "days") == Decimal(8)


def test_a_first_grade_without_a_date_begins_with_the_event() -> None:
    event = adverse_event({"START": PartialDate.parse("2026-11-01"), "ONGOING": True}, [{"GRADE": 3, "FROM": None}])
    assert time_at(event.course(date(2026, 11, 6)), 3, "days") == Range(Decimal(5), None)


def test_an_event_without_any_date_has_unknown_time() -> None:
    event = adverse_event({}, [{"GRADE": 3, "FROM": None}])
    assert time_at(event.course(date(2026, 11, 6)), 3, "days") == Range(Decimal(0), None)


def test_a_grade_outside_1_to_5_is_refused() -> None:
    with pytest.raises(ValueError, match="GRADE: expected 1 to 5, found 6"):
        adverse_event({}, [{"GRADE": 6, "FROM": None}])


@pytest.mark.parametrize(
    ("length", "hours"), [(0, Range(Decimal(0), Decimal(24))), (1, Range(Decimal(0), Decimal(48)))]
)
def test_hours_of_an_event_known_by_dates_are_a_range(length: int, hours: Range) -> None:
    course = days((1, 1, 3, 3), (1 + length, 1 + length, 1, 1), until=12, over=12)
    assert time_at(course, 3, "hours") == hours
