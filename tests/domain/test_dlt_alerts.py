"""Alerts of a DLT window: stable keys, new occurrences, withdrawal, nothing lost and nothing doubled."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from safety.domain.alerts import Alert, AlertKind, alerts_due, withdrawn
from safety.domain.dlt import Judgement, Verdict
from safety.domain.windows import DltWindow

DAY_0 = date(2026, 10, 10)
WINDOW = DltWindow(DAY_0, DAY_0, ZoneInfo("Europe/Berlin"))


def on(day: int) -> date:
    return DAY_0 + timedelta(days=day)


def candidate(grade: int, verdict: Verdict = Verdict.CANDIDATE) -> Judgement:
    return Judgement("ORGAN", "ae-1", verdict, grade, f"grade {grade}")


def due(
    day: int, *found: Judgement, assessed: bool = False, raised: dict[str, bool] | None = None
) -> tuple[Alert, ...]:
    return alerts_due(WINDOW, on(day), has_day_28_assessment=assessed, candidates=found, raised=raised)


def keys(alerts: tuple[Alert, ...]) -> list[str]:
    return [alert.key for alert in alerts]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (20, []),
        (21, ["dlt-window-closing:2026-10-31"]),
        (28, ["dlt-window-closing:2026-10-31"]),
        (29, ["dlt-window-closed:2026-11-07"]),
    ],
)
def test_both_sides_of_closing_and_closed(day: int, expected: list[str]) -> None:
    assert keys(due(day)) == expected


def test_the_window_needs_no_closing_alert_once_day_28_was_assessed() -> None:
    assert due(25, assessed=True) == ()
    assert due(29, assessed=True)[0].text == "The DLT window closed after 2026-11-07."
    assert due(29)[0].text == "The DLT window closed after 2026-11-07; the Day 28 assessment is missing."


def test_each_day_of_sweeping_gives_the_same_key_also_across_the_change_of_clocks() -> None:
    found = {key for day in range(21, 29) for key in keys(due(day))}
    assert found == {"dlt-window-closing:2026-10-31"}


def test_days_without_a_sweep_lose_nothing() -> None:
    assert keys(due(200)) == ["dlt-window-closed:2026-11-07"]


def test_a_candidate_alone_alerts_and_pending_or_no_does_not() -> None:
    assert keys(due(5, candidate(3))) == ["dlt-candidate:ae-1:ORGAN:3"]
    assert due(5, candidate(3, Verdict.PENDING), candidate(3, Verdict.NO)) == ()


def test_a_rising_grade_is_a_new_occurrence_and_the_old_one_stays() -> None:
    raised = {"dlt-candidate:ae-1:ORGAN:3": False}
    found = due(6, candidate(4), raised=raised)
    assert keys(found) == ["dlt-candidate:ae-1:ORGAN:4"]
    assert withdrawn(found, raised) == ()


def test_a_falling_grade_that_still_matches_is_no_new_occurrence() -> None:
    raised = {"dlt-candidate:ae-1:ORGAN:4": False}
    found = due(6, candidate(3), raised=raised)
    assert keys(found) == ["dlt-candidate:ae-1:ORGAN:4"]
    assert withdrawn(found, raised) == ()


def test_a_corrected_event_that_no_longer_matches_is_withdrawn_and_alerts_again_when_it_does() -> None:
    raised = {"dlt-candidate:ae-1:ORGAN:3": False}
    nothing = due(6, candidate(2, Verdict.NO), raised=raised)
    assert withdrawn(nothing, raised) == ("dlt-candidate:ae-1:ORGAN:3",)
    raised["dlt-candidate:ae-1:ORGAN:3"] = True
    again = due(7, candidate(3), raised=raised)
    assert keys(again) == ["dlt-candidate:ae-1:ORGAN:3#2"]
    raised["dlt-candidate:ae-1:ORGAN:3#2"] = False
    assert keys(due(8, candidate(3), raised=raised)) == ["dlt-candidate:ae-1:ORGAN:3#2"]
    assert withdrawn(due(8, candidate(3), raised=raised), raised) == ()


def test_a_candidate_of_another_rule_or_event_is_its_own_occurrence() -> None:
    other = Judgement("DEATH", "ae-1", Verdict.CANDIDATE, 5, "grade 5")
    assert keys(due(5, candidate(3), other)) == ["dlt-candidate:ae-1:ORGAN:3", "dlt-candidate:ae-1:DEATH:5"]


def test_a_corrected_infusion_date_withdraws_the_alert_of_the_old_window() -> None:
    raised = {"dlt-window-closing:2026-10-31": False}
    moved = DltWindow(on(3), on(3), ZoneInfo("Europe/Berlin"))
    found = alerts_due(moved, on(22), has_day_28_assessment=False, candidates=(), raised=raised)
    assert (found, withdrawn(found, raised)) == ((), ("dlt-window-closing:2026-10-31",))


def test_a_closing_alert_ends_with_the_assessment_or_with_the_window() -> None:
    raised = {"dlt-window-closing:2026-10-31": False}
    assert withdrawn(due(25, assessed=True, raised=raised), raised) == ("dlt-window-closing:2026-10-31",)
    assert withdrawn(due(29, raised=raised), raised) == ("dlt-window-closing:2026-10-31",)


def test_an_alert_is_due_on_a_local_date() -> None:
    assert [(alert.kind, alert.due_on) for alert in due(28)] == [(AlertKind.CLOSING, on(21))]
    assert due(40)[0].due_on == on(29)
