"""Assessments joined to episodes: start, end, the 24 hour gap, worst grade by day, time at a grade."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from safety.domain.astct.crs_tables import CrsFindings, Oxygen, Treatment
from safety.domain.astct.icans import grade_icans
from safety.domain.astct.icans_tables import Consciousness, IcansFindings, Pressure, Seizure
from safety.domain.episodes import (
    Assessment,
    CrsCourse,
    Episode,
    build_episodes,
    episode_of,
    grade_crs_course,
    instant,
    late_onset,
    worst_by_day,
)
from trials.records.domain.expressions import Range

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 2, 8, tzinfo=UTC)
WELL = CrsFindings(
    temperature=Decimal("36.8"),
    fever_other_cause=False,
    treatment=Treatment.NONE,
    hypotension=False,
    vasopressors=0,
    vasopressin=False,
    oxygen=Oxygen.NONE,
    hypoxia_other_cause=False,
)
FEVER = replace(WELL, temperature=Decimal("38.6"))
LOW_FLOW = replace(FEVER, oxygen=Oxygen.CANNULA, flow=Decimal(3))
PRESSOR = replace(FEVER, vasopressors=1, hypotension_other_cause=False)
TREATED_LOW_FLOW = replace(WELL, treatment=Treatment.ANTICYTOKINE, oxygen=Oxygen.CANNULA, flow=Decimal(3))


def course(*rows: tuple[int, CrsFindings]) -> CrsCourse:
    """Assessments by hours after the first one; the record is named after the hour."""
    return grade_crs_course((START + timedelta(hours=hour), findings, f"h{hour:03}") for hour, findings in rows)


def only(found: CrsCourse) -> Episode:
    (episode,) = found.episodes
    return episode


def grades(found: CrsCourse) -> list[int | None]:
    return [row.grading.grade for row in found.assessments]


def test_an_episode_runs_from_the_first_fever_to_the_assessment_free_of_signs() -> None:
    episode = only(course((0, WELL), (8, FEVER), (16, LOW_FLOW), (24, FEVER), (32, WELL), (40, WELL)))
    assert (episode.started, episode.ended) == (START + timedelta(hours=8), START + timedelta(hours=32))
    assert (episode.number, episode.grade, episode.peak.record) == (1, 2, "h016")


def test_fever_gone_after_tocilizumab_is_no_end_while_oxygen_runs() -> None:
    found = course((0, FEVER), (8, TREATED_LOW_FLOW), (16, TREATED_LOW_FLOW))
    assert grades(found) == [1, 2, 2]
    assert only(found).ended is None


def test_treatment_recorded_once_holds_for_the_rest_of_the_episode() -> None:
    forgotten = replace(TREATED_LOW_FLOW, treatment=Treatment.NONE)
    assert grades(course((0, FEVER), (8, TREATED_LOW_FLOW), (16, forgotten))) == [1, 2, 2]
    assert grades(course((0, FEVER), (8, forgotten))) == [1, 0]


def test_the_order_of_entry_does_not_matter() -> None:
    rows = [(0, FEVER), (8, TREATED_LOW_FLOW), (16, replace(TREATED_LOW_FLOW, treatment=None)), (30, WELL)]
    assert course(*reversed(rows)) == course(*rows)


@pytest.mark.parametrize(("hour", "episodes"), [(31, 1), (32, 2)])
def test_a_fever_is_a_new_episode_from_24_hours_free_of_signs(hour: int, episodes: int) -> None:
    found = course((0, FEVER), (8, WELL), (hour, FEVER))
    assert len(found.episodes) == episodes
    assert episode_of(found.episodes)[f"h{hour:03}"] == episodes


def test_the_gap_between_episodes_is_a_setting() -> None:
    rows = [(START, FEVER, "a"), (START + timedelta(hours=8), WELL, "b"), (START + timedelta(hours=32), FEVER, "c")]
    assert len(grade_crs_course(rows, gap=timedelta(hours=48)).episodes) == 1


def test_assessments_free_of_signs_within_the_gap_belong_to_the_episode_that_goes_on() -> None:
    episode = only(course((0, PRESSOR), (8, WELL), (16, WELL), (24, PRESSOR)))
    assert [row.record for row in episode.assessments] == ["h000", "h008", "h016", "h024"]
    assert episode.time_at(3) == Range(Decimal(8), None)


def test_a_new_episode_forgets_the_treatment_of_the_one_before() -> None:
    untreated = replace(WELL, hypotension=True, hypotension_other_cause=False)
    found = course((0, FEVER), (8, TREATED_LOW_FLOW), (16, WELL), (48, FEVER), (56, untreated))
    assert grades(found) == [1, 2, 0, 1, 0]


def test_hypotension_without_any_fever_makes_no_episode() -> None:
    found = course((0, replace(WELL, hypotension=True, hypotension_other_cause=False)))
    assert (grades(found), found.episodes) == ([0], ())


def test_a_death_is_never_left_outside_every_episode() -> None:
    assert only(course((0, replace(WELL, died=True)))).grade == 5


def test_an_assessment_that_is_not_evaluable_ends_nothing() -> None:
    found = course((0, LOW_FLOW), (8, CrsFindings()), (16, LOW_FLOW))
    episode = only(found)
    assert (episode.ended, episode.at_least, episode.at_most, episode.grade) == (None, 2, 4, None)


def test_time_at_a_grade_ends_with_the_assessment_that_found_it_lower() -> None:
    episode = only(course((0, PRESSOR), (64, PRESSOR), (72, FEVER), (80, WELL)))
    assert (episode.time_at(3), episode.time_at(1), episode.time_at(4)) == (Decimal(72), Decimal(80), Decimal(0))
    assert episode.time_at(3, "days") == Decimal(3)


def test_time_at_a_grade_can_grow_while_it_lasts() -> None:
    assert only(course((0, PRESSOR), (60, PRESSOR))).time_at(3) == Range(Decimal(60), None)


def test_the_longest_stretch_counts_not_the_sum() -> None:
    rows = course((0, PRESSOR), (40, FEVER), (48, PRESSOR), (90, FEVER), (96, WELL))
    assert only(rows).time_at(3) == Decimal(42)


def test_a_blank_between_two_high_grades_leaves_a_range() -> None:
    unknown = replace(FEVER, vasopressors=None, hypotension=True, hypotension_other_cause=False)
    episode = only(course((0, PRESSOR), (40, unknown), (48, PRESSOR), (80, FEVER), (88, WELL)))
    assert episode.time_at(3) == Range(Decimal(40), Decimal(80))


def test_hours_are_counted_between_instants_when_the_clocks_change() -> None:
    before = instant(datetime.fromisoformat("2026-10-24T12:00"), BERLIN)
    after = instant(datetime.fromisoformat("2026-10-27T12:00"), BERLIN)
    found = grade_crs_course([(before, PRESSOR, "a"), (after, FEVER, "b"), (after + timedelta(hours=8), WELL, "c")])
    assert only(found).time_at(3) == Decimal(73)


def test_the_worst_grade_of_a_day_is_by_the_local_date_of_the_site() -> None:
    found = course((0, FEVER), (14, PRESSOR), (15, LOW_FLOW), (40, WELL))
    days = worst_by_day(found.assessments, day_0=date(2026, 11, 1), zone=BERLIN)
    assert [(day.day, day.on.isoformat(), day.grade) for day in days] == [
        (1, "2026-11-02", 3),
        (2, "2026-11-03", 2),
        (3, "2026-11-04", 0),
    ]


def test_a_late_onset_asks_for_another_cause() -> None:
    assert late_onset(date(2026, 11, 15), date(2026, 11, 1)) == ()
    assert late_onset(date(2026, 11, 16), date(2026, 11, 1))[0].code == "crs-late-onset"


def test_icans_begins_with_the_first_feature_and_ends_back_at_baseline() -> None:
    well = IcansFindings(10, Consciousness.ALERT, None, Seizure.NONE, None, None, False, None, Pressure.NONE)
    scores = [(0, 10), (8, 9), (16, 2), (24, 8), (32, 10)]
    rows = [
        Assessment(START + timedelta(hours=hour), grade_icans(replace(well, ice=score)), f"h{hour}")
        for hour, score in scores
    ]
    (episode,) = build_episodes(rows)
    assert (episode.started, episode.ended) == (START + timedelta(hours=8), START + timedelta(hours=32))
    assert (episode.grade, episode.time_at(3)) == (3, Decimal(8))


def test_oxygen_without_fever_long_after_the_signs_had_gone_belongs_to_the_treated_episode() -> None:
    episode = only(course((0, FEVER), (8, TREATED_LOW_FLOW), (16, WELL), (48, TREATED_LOW_FLOW)))
    assert ([row.record for row in episode.assessments], episode.ended) == (["h000", "h008", "h016", "h048"], None)


def test_untreated_hypotension_goes_on_with_the_episode_within_the_gap_and_not_after_it() -> None:
    afebrile = replace(WELL, hypotension=True, hypotension_other_cause=False)
    soon = course((0, FEVER), (8, WELL), (16, afebrile))
    late = course((0, FEVER), (8, WELL), (40, afebrile))
    assert (grades(soon), grades(late)) == ([1, 0, 0], [1, 0, 0])
    assert (only(soon).ended, only(late).ended) == (None, START + timedelta(hours=8))


def test_a_blank_assessment_after_the_end_does_not_open_the_episode_again() -> None:
    assert only(course((0, FEVER), (8, WELL), (16, CrsFindings()))).ended == START + timedelta(hours=8)
