"""Targets, windows and states of visits, on both sides of every boundary."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from trials.domain.schedule import (
    Anchor,
    Anchors,
    PlannedVisit,
    VisitFacts,
    VisitKind,
    VisitStatus,
    Window,
    WindowState,
    days_outside,
    find_visit,
    status_on,
    window_of,
)

DAY_0 = date(2026, 3, 2)
INFUSED = Anchors(infused_on=DAY_0, last_infused_on=DAY_0)
# Code, target, first and last day of the window in days from Day 0; the protocol's defaults.
PROTOCOL = (
    ("SCR", None, -28, -6),
    ("APH", None, -60, -10),
    ("LD", None, -5, -3),
    ("D-1", -1, -2, -1),
    ("D0", 0, 0, 0),
    ("D1", 1, 1, 1),
    ("D4", 4, 3, 5),
    ("D7", 7, 6, 8),
    ("D10", 10, 9, 11),
    ("D14", 14, 12, 16),
    ("D21", 21, 19, 23),
    ("D28", 28, 25, 31),
    ("M2", 61, 54, 68),
    ("M3", 91, 84, 98),
    ("M6", 183, 169, 197),
    ("M9", 274, 260, 288),
    ("M12", 365, 351, 379),
    ("M18", 548, 518, 578),
    ("M24", 730, 700, 760),
)


def plan(code: str, day: int | None, first: int, last: int) -> PlannedVisit:
    return PlannedVisit(code, day=day, first=first, last=last)


def day(number: int) -> date:
    return DAY_0 + timedelta(days=number)


@pytest.mark.parametrize(("code", "target", "first", "last"), PROTOCOL)
def test_every_visit_is_placed_from_the_first_infusion(code: str, target: int | None, first: int, last: int) -> None:
    window = window_of(plan(code, target, first, last), INFUSED)
    expected = None if target is None else day(target)
    assert window == Window(expected, day(first), day(last), provisional=False)


@pytest.mark.parametrize(("code", "target", "first", "last"), PROTOCOL)
def test_both_edges_belong_to_the_window_and_the_days_beyond_do_not(
    code: str, target: int | None, first: int, last: int
) -> None:
    window = window_of(plan(code, target, first, last), INFUSED)
    found = [days_outside(window, day(number)) for number in (first - 1, first, last, last + 1)]
    assert found == [-1, 0, 0, 1]


def test_month_24_is_730_days_after_the_infusion_across_a_leap_year() -> None:
    anchors = Anchors(infused_on=date(2027, 3, 1))
    assert window_of(plan("M24", 730, 700, 760), anchors).target == date(2029, 2, 28)


def test_a_visit_without_its_anchor_has_no_window() -> None:
    assert window_of(plan("D14", 14, 12, 16), Anchors(consented_on=DAY_0)) == Window()


def test_a_planned_infusion_places_visits_provisionally() -> None:
    window = window_of(plan("D14", 14, 12, 16), Anchors(planned_infusion_on=DAY_0))
    assert window == Window(day(14), day(12), day(16), provisional=True)


def test_the_infusion_that_took_place_counts_and_not_the_plan() -> None:
    anchors = Anchors(infused_on=DAY_0, planned_infusion_on=day(-7))
    assert window_of(plan("D14", 14, 12, 16), anchors) == Window(day(14), day(12), day(16), provisional=False)


def test_a_visit_counted_from_consent_is_never_provisional() -> None:
    visit = PlannedVisit.on_day("W1", 7, after=2, anchor=Anchor.CONSENT)
    assert window_of(visit, Anchors(consented_on=DAY_0)) == Window(day(7), day(7), day(9))


def test_a_visit_counted_from_the_last_infusion_moves_with_it() -> None:
    visit = PlannedVisit.on_day("D28", 28, before=3, after=3, anchor=Anchor.LAST_INFUSION)
    assert window_of(visit, Anchors(infused_on=DAY_0, last_infused_on=day(2))).target == day(30)
    assert window_of(visit, Anchors(infused_on=DAY_0)).target == day(28)


def test_unscheduled_visits_and_the_end_of_study_have_no_window() -> None:
    for kind in (VisitKind.UNSCHEDULED, VisitKind.END):
        assert window_of(PlannedVisit("X", kind=kind), INFUSED) == Window()
    assert days_outside(Window(), DAY_0) == 0


def test_month_1_and_day_28_are_one_visit() -> None:
    visits = (PlannedVisit.on_day("D21", 21), PlannedVisit.on_day("D28", 28, before=3, after=3, alias="M1"))
    found = {name: find_visit(visits, name) for name in ("D28", "M1", "M2", "")}
    assert found == {"D28": visits[1], "M1": visits[1], "M2": None, "": None}


@pytest.mark.parametrize(("first", "last", "target"), [(2, 1, None), (1, 3, 4), (1, 3, 0)])
def test_a_window_that_runs_backwards_or_leaves_its_day_out_is_refused(
    first: int, last: int, target: int | None
) -> None:
    with pytest.raises(ValueError, match="X: "):
        plan("X", target, first, last)


def test_half_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="both ends"):
        PlannedVisit("X", first=1)


D28 = window_of(plan("D28", 28, 25, 31), INFUSED)


@pytest.mark.parametrize(
    ("number", "state", "days"),
    [
        (24, WindowState.NOT_DUE, 0),
        (25, WindowState.WINDOW_OPEN, 6),
        (27, WindowState.WINDOW_OPEN, 4),
        (28, WindowState.CLOSING, 3),
        (31, WindowState.CLOSING, 0),
        (32, WindowState.OVERDUE, 1),
        (40, WindowState.OVERDUE, 9),
    ],
)
def test_an_awaited_visit_goes_from_not_due_to_overdue(number: int, state: WindowState, days: int) -> None:
    assert status_on(VisitFacts(D28), day(number)) == VisitStatus(state, days)


def test_a_window_of_one_day_is_closing_on_it_and_overdue_after() -> None:
    facts = VisitFacts(window_of(plan("D0", 0, 0, 0), INFUSED))
    states = [status_on(facts, day(number)).state for number in (-1, 0, 1)]
    assert states == [WindowState.NOT_DUE, WindowState.CLOSING, WindowState.OVERDUE]


@pytest.mark.parametrize(
    ("number", "state", "days"),
    [
        (24, WindowState.OUT_OF_WINDOW, -1),
        (25, WindowState.IN_WINDOW, 0),
        (31, WindowState.IN_WINDOW, 0),
        (32, WindowState.OUT_OF_WINDOW, 1),
    ],
)
def test_a_visit_with_a_date_is_judged_by_it_whatever_day_it_is(number: int, state: WindowState, days: int) -> None:
    for today in (0, 28, 400):
        assert status_on(VisitFacts(D28, actual=day(number)), day(today)) == VisitStatus(state, days)


def test_a_booked_visit_is_planned_until_its_window_opens() -> None:
    facts = VisitFacts(D28, planned=day(27))
    assert [status_on(facts, day(number)).state for number in (24, 25)] == [
        WindowState.PLANNED,
        WindowState.WINDOW_OPEN,
    ]


def test_nothing_is_overdue_by_a_planned_infusion_alone() -> None:
    window = window_of(plan("D14", 14, 12, 16), Anchors(planned_infusion_on=DAY_0))
    assert status_on(VisitFacts(window), day(17)) == VisitStatus(WindowState.CLOSING, 0)


def test_missed_and_cancelled_visits_are_awaited_no_more() -> None:
    assert status_on(VisitFacts(D28, missed=True), day(40)).state is WindowState.MISSED
    assert status_on(VisitFacts(D28, cancelled=True), day(40)).state is WindowState.NOT_APPLICABLE


def test_a_visit_whose_anchor_is_unknown_is_not_due() -> None:
    assert status_on(VisitFacts(), day(0)).state is WindowState.NOT_DUE
