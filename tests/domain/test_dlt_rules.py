"""DLT rules of the library, compiled by the expression language, over events that are partly known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from safety.domain.adverse_events import adverse_event
from safety.domain.astct.crs_tables import CrsFindings, Oxygen, Treatment
from safety.domain.dlt import (
    DltRule,
    Evaluability,
    Judgement,
    Verdict,
    evaluability,
    evaluability_facts,
    judge,
    judge_all,
    whole_dose,
)
from safety.domain.episodes import grade_crs_course
from safety.domain.facts import GradedEvent, adverse_event_facts, episode_facts, gvhd_facts
from safety.domain.gvhd import GvhdStages, grade_gvhd
from safety.domain.windows import DltWindow, WindowState
from safety.terms.ctcae import is_haematological
from trials.records.domain.dates import PartialDate
from trials.records.domain.expressions import (
    DLT_FACTS,
    GRADED_FACTS,
    STANDARD_FACTS,
    MappingContext,
    MappingScope,
    Range,
    compile_expression,
)

ZONE = ZoneInfo("Asia/Shanghai")
DAY_0 = date(2026, 11, 2)
INFUSED_AT = datetime.fromisoformat("2026-11-02T10:00")
WINDOW = DltWindow(DAY_0, DAY_0, ZONE, datetime(2026, 11, 2, 2, 0, tzinfo=UTC))
SCOPE = MappingScope(facts={**STANDARD_FACTS, **GRADED_FACTS, **DLT_FACTS})


def rule(name: str, of: str, when: str, *exceptions: str) -> DltRule:
    return DltRule(name, of, compile_expression(when, SCOPE), frozenset(exceptions))


CRS4 = rule("CRS4", "CRS", "grade >= 4")
CRS3 = rule("CRS3", "CRS", "hours_at_grade(3) > 72")
ICANS3 = rule("ICANS3", "ICANS", "grade >= 3")
ORGAN = rule("ORGAN", "AE", "grade >= 3 and not haematological and related and days_at_grade(3) > 7")
BLOOD = rule(
    "BLOOD",
    "AE",
    "grade == 4 and haematological and not due_to_lymphodepletion and days_at_grade(4) > 28",
    "Lymphocyte count decreased",
)
DEATH = rule("DEATH", "AE", "grade == 5 and not due_to_disease")
GVHD2 = rule("GVHD2", "GVHD", "grade >= 2")
EVALUABLE = compile_expression("had_dlt or (whole_dose and study_day >= 28)", SCOPE)


def on(day: int) -> date:
    return DAY_0 + timedelta(days=day)


def partial(text: str) -> PartialDate:
    return PartialDate.parse(text)


def event(
    grades: list[tuple[int | None, object]],
    *,
    today: int = 60,
    infused_at: datetime | None = INFUSED_AT,
    **values: object,
) -> GradedEvent:
    """An adverse event whose grades begin on days (numbers) or partial dates (texts)."""

    def when(value: object) -> object:
        if isinstance(value, int):
            return on(value)
        return partial(value) if isinstance(value, str) else None

    found: dict[str, object] = {"CTCAE": "Nausea", "CART": "POSSIBLE", "DISEASE": "UNRELATED", "SERIOUS": ()}
    found["LYMPHODEPLETION"] = "UNRELATED"
    found["START"] = when(grades[0][1])
    found |= {name: on(value) if name == "END" and isinstance(value, int) else value for name, value in values.items()}
    rows = [{"GRADE": grade, "FROM": when(since)} for grade, since in grades]
    read = adverse_event(found, rows, infused_at=INFUSED_AT)
    return adverse_event_facts(read, "ae-1", today=on(today), haematological=is_haematological)


def verdict(rule: DltRule, found: GradedEvent, window: DltWindow = WINDOW) -> Verdict:
    return judge(rule, found, window).verdict


def crs(*rows: tuple[int, int], start_hours: int = 48) -> GradedEvent:
    """A CRS episode: (hours after the start, grade 0 to 4)."""
    well = CrsFindings(
        temperature=Decimal("38.6"),
        fever_other_cause=False,
        treatment=Treatment.NONE,
        hypotension=False,
        vasopressors=0,
        vasopressin=False,
        hypotension_other_cause=False,
        oxygen=Oxygen.NONE,
        hypoxia_other_cause=False,
    )
    findings = {
        0: replace(well, temperature=Decimal("36.8")),
        1: well,
        2: replace(well, oxygen=Oxygen.BLOWBY),
        3: replace(well, vasopressors=1),
        4: replace(well, vasopressors=2),
        34: replace(well, vasopressors=None, oxygen=Oxygen.MASK),
    }
    assert WINDOW.first_at is not None
    start = WINDOW.first_at + timedelta(hours=start_hours)
    course = grade_crs_course((start + timedelta(hours=hour), findings[grade], f"{hour}") for hour, grade in rows)
    (episode,) = course.episodes
    return episode_facts("CRS", episode, "crs-1", zone=ZONE)


def test_crs_grade_4_is_a_candidate_and_grade_3_is_not() -> None:
    assert verdict(CRS4, crs((0, 4), (8, 0))) is Verdict.CANDIDATE
    assert verdict(CRS4, crs((0, 3), (8, 0))) is Verdict.NO


def test_a_grade_that_may_be_3_or_4_waits_for_the_missing_finding() -> None:
    judgement = judge(CRS4, crs((0, 34), (8, 0)), WINDOW)
    assert (judgement.verdict, judgement.grade, judgement.waits_for) == (Verdict.PENDING, 3, ("the grade",))


@pytest.mark.parametrize(("hours", "expected"), [(72, Verdict.NO), (73, Verdict.CANDIDATE)])
def test_crs_grade_3_over_72_hours(hours: int, expected: Verdict) -> None:
    assert verdict(CRS3, crs((0, 3), (hours, 1), (hours + 8, 0))) is expected


def test_crs_grade_3_that_goes_on_is_pending_until_it_has_lasted_over_72_hours() -> None:
    judgement = judge(CRS3, crs((0, 3), (64, 3)), WINDOW)
    assert (judgement.verdict, judgement.waits_for) == (
        Verdict.PENDING,
        ("the end of the grade, or the limit of the rule",),
    )
    assert verdict(CRS3, crs((0, 3), (73, 3))) is Verdict.CANDIDATE


def test_crs_grade_2_for_long_is_no_candidate() -> None:
    assert verdict(CRS3, crs((0, 2), (100, 2))) is Verdict.NO
    assert verdict(CRS3, crs((0, 2), (100, 2), (108, 0))) is Verdict.NO


def test_a_stretch_that_begins_in_the_window_counts_to_its_end_outside_it() -> None:
    last_day = 27 * 24
    assert verdict(CRS3, crs((0, 3), (80, 1), (88, 0), start_hours=last_day)) is Verdict.CANDIDATE
    assert verdict(CRS3, crs((0, 3), (80, 1), (88, 0), start_hours=last_day + 72)) is Verdict.NO


@pytest.mark.parametrize(("end", "expected"), [(12, Verdict.NO), (13, Verdict.CANDIDATE)])
def test_organ_toxicity_of_7_and_of_8_days(end: int, expected: Verdict) -> None:
    assert verdict(ORGAN, event([(3, 5)], END=end)) is expected
    assert verdict(ORGAN, event([(3, 5), (2, end)], END=end + 20)) is expected


def test_an_ongoing_organ_toxicity_is_pending_for_7_days_and_a_candidate_after() -> None:
    judgement = judge(ORGAN, event([(3, 5)], ONGOING=True, today=10), WINDOW)
    assert (judgement.verdict, judgement.waits_for) == (
        Verdict.PENDING,
        ("the end of the grade, or the limit of the rule",),
    )
    assert verdict(ORGAN, event([(3, 5)], ONGOING=True, today=12)) is Verdict.PENDING
    assert verdict(ORGAN, event([(3, 5)], ONGOING=True, today=13)) is Verdict.CANDIDATE


def test_an_event_without_end_or_ongoing_stays_pending() -> None:
    assert verdict(ORGAN, event([(3, 5)], today=40)) is Verdict.PENDING


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        ("UNRELATED", Verdict.NO),
        ("UNLIKELY", Verdict.NO),
        ("POSSIBLE", Verdict.CANDIDATE),
        ("DEFINITE", Verdict.CANDIDATE),
    ],
)
def test_possible_and_stronger_is_related(cause: str, expected: Verdict) -> None:
    assert verdict(ORGAN, event([(3, 5)], END=20, CART=cause)) is expected


def test_a_missing_causality_is_pending_and_never_no() -> None:
    judgement = judge(ORGAN, event([(3, 5)], END=20, CART=None), WINDOW)
    assert (judgement.verdict, judgement.waits_for) == (Verdict.PENDING, ("causality to the CAR-T cells",))


def test_a_haematological_event_is_no_organ_toxicity_at_once() -> None:
    found = event([(3, 5)], ONGOING=True, CTCAE="Platelet count decreased", today=10)
    assert verdict(ORGAN, found) is Verdict.NO


def test_neutropenia_grade_4_from_day_5_to_20_and_to_35() -> None:
    name = "Neutrophil count decreased"
    assert verdict(BLOOD, event([(4, 5), (2, 20)], END=40, CTCAE=name)) is Verdict.NO
    assert verdict(BLOOD, event([(4, 5), (2, 33)], END=40, CTCAE=name)) is Verdict.NO
    assert verdict(BLOOD, event([(4, 5), (2, 34)], END=40, CTCAE=name)) is Verdict.CANDIDATE
    explained = event([(4, 5), (2, 35)], END=40, CTCAE=name, LYMPHODEPLETION="PROBABLE")
    assert verdict(BLOOD, explained) is Verdict.NO


def test_an_equal_likelihood_does_not_excuse_the_product() -> None:
    found = event([(4, 5), (2, 35)], END=40, CTCAE="Platelet count decreased", LYMPHODEPLETION="POSSIBLE")
    assert verdict(BLOOD, found) is Verdict.CANDIDATE


def test_a_term_that_the_rule_leaves_out_is_no_candidate() -> None:
    found = judge(BLOOD, event([(4, 5), (2, 35)], END=40, CTCAE="Lymphocyte count decreased"), WINDOW)
    assert (found.verdict, found.working) == (Verdict.NO, "Lymphocyte count decreased is left out by the rule")


def test_a_death_of_the_disease_is_no_candidate_and_one_of_unknown_cause_is_pending() -> None:
    assert verdict(DEATH, event([(5, 9)], DISEASE="DEFINITE")) is Verdict.NO
    assert verdict(DEATH, event([(5, 9)], DISEASE="UNLIKELY")) is Verdict.CANDIDATE
    assert verdict(DEATH, event([(5, 9)], DISEASE=None)) is Verdict.PENDING


def test_an_event_before_the_infusion_is_outside_but_its_worsening_is_inside() -> None:
    assert verdict(ORGAN, event([(3, -2)], END=20)) is Verdict.NO
    assert verdict(ORGAN, event([(1, -2), (3, 5)], END=20)) is Verdict.CANDIDATE
    assert verdict(ORGAN, event([(3, -2), (1, 3), (3, 5)], END=20)) is Verdict.CANDIDATE


def test_a_grade_3_repeated_after_the_infusion_is_no_new_start() -> None:
    assert verdict(ORGAN, event([(3, -2), (3, 5)], END=20)) is Verdict.NO


def test_an_onset_on_the_infusion_day_needs_its_time() -> None:
    unknown = judge(ORGAN, event([(3, 0)], END=20), WINDOW)
    assert (unknown.verdict, unknown.waits_for[0]) == (Verdict.PENDING, "the start of the event")
    before = datetime.fromisoformat("2026-11-02T09:59").time()
    after = datetime.fromisoformat("2026-11-02T10:00").time()
    assert verdict(ORGAN, event([(3, 0)], END=20, START_TIME=before)) is Verdict.NO
    assert verdict(ORGAN, event([(3, 0)], END=20, START_TIME=after)) is Verdict.CANDIDATE


def test_the_edges_of_the_window_count_and_the_days_beside_them_do_not() -> None:
    assert verdict(DEATH, event([(5, 28)])) is Verdict.CANDIDATE
    assert verdict(DEATH, event([(5, 29)])) is Verdict.NO


def test_a_partial_onset_that_may_lie_outside_is_pending() -> None:
    assert verdict(DEATH, event([(5, "2026-11")])) is Verdict.PENDING
    assert verdict(DEATH, event([(5, "2026-12")])) is Verdict.NO
    assert verdict(DEATH, event([(5, "2026-10")])) is Verdict.NO


def test_a_partial_end_leaves_a_range_of_days() -> None:
    found = event([(3, 5)], END=partial("2026-11"))
    assert found.times()[3, "days"] == Range(Decimal(0), Decimal(23))
    assert verdict(ORGAN, found) is Verdict.PENDING


def test_hours_of_an_event_known_by_dates_are_a_day_less_and_a_day_more() -> None:
    assert event([(3, 5)], END=8).times()[3, "hours"] == Range(Decimal(48), Decimal(96))


def test_a_grade_that_was_not_recorded_is_pending() -> None:
    assert verdict(DEATH, event([(None, 5)], END=20)) is Verdict.PENDING


def test_gvhd_of_grade_2_by_pattern_is_a_candidate() -> None:
    two = gvhd_facts({on(20): grade_gvhd(GvhdStages(3, 0, 0, 0))}, "g")
    one = gvhd_facts({on(20): grade_gvhd(GvhdStages(2, 0, 0, 0))}, "g")
    late = gvhd_facts({on(29): grade_gvhd(GvhdStages(3, 0, 0, 0))}, "g")
    assert [verdict(GVHD2, found) for found in (two, one, late)] == [Verdict.CANDIDATE, Verdict.NO, Verdict.NO]


def test_a_rule_that_fails_is_a_fault_and_never_a_silent_no() -> None:
    broken = DltRule("B", "AE", compile_expression("age(birth_date) > 1 and grade >= 3", SCOPE))
    found = judge(broken, event([(3, 5)]), WINDOW, {"birth_date": "not a date"})
    assert found.verdict is Verdict.FAULT


def test_events_are_judged_by_the_rules_of_their_kind_alone() -> None:
    found = judge_all([CRS4, ORGAN, DEATH], [event([(3, 5)], END=20), crs((0, 4), (8, 0))], WINDOW)
    assert [(j.event, j.rule, j.verdict) for j in found] == [
        ("ae-1", "ORGAN", Verdict.CANDIDATE),
        ("ae-1", "DEATH", Verdict.NO),
        ("crs-1", "CRS4", Verdict.CANDIDATE),
    ]


def test_the_working_names_grade_rule_and_text() -> None:
    found: Judgement = judge(CRS4, crs((0, 4), (8, 0)), WINDOW)
    assert found.working == "grade 4; rule CRS4: grade >= 4: met, for adjudication"


def evaluate(facts: Mapping[str, object]) -> object:
    return EVALUABLE.evaluate(MappingContext(facts=facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("had_dlt", "dose", "today", "left", "expected"),
    [
        (True, False, 3, False, Evaluability.EVALUABLE),
        (False, True, 28, False, Evaluability.PENDING),
        (False, True, 29, False, Evaluability.EVALUABLE),
        (False, False, 10, False, Evaluability.AT_RISK),
        (False, False, 29, False, Evaluability.NOT_EVALUABLE),
        (False, None, 29, False, Evaluability.PENDING),
        (False, True, 17, True, Evaluability.NOT_EVALUABLE),
    ],
)
def test_who_counts_for_the_dose_decision(
    had_dlt: bool, dose: bool | None, today: int, left: bool, expected: Evaluability
) -> None:
    facts = evaluability_facts(WINDOW, today=on(today), had_dlt=had_dlt, dose=dose)
    state = WINDOW.state(on(today), had_dlt=had_dlt)
    answer = evaluate(facts)
    assert evaluability(answer, state, had_dlt=had_dlt, left=left, dose=dose) is expected  # type: ignore[arg-type]


def test_who_left_on_day_17_is_not_evaluable_when_the_window_has_closed_without_him() -> None:
    facts = evaluability_facts(WINDOW, today=on(60), had_dlt=False, dose=True, followed_until=on(17))
    assert facts["study_day"] == Decimal(17)
    assert evaluability(evaluate(facts), WindowState.CLOSED, had_dlt=False) is Evaluability.NOT_EVALUABLE  # type: ignore[arg-type]


def test_a_whole_dose_has_every_product_with_its_share() -> None:
    planned = {"A": Decimal("1.0"), "B": Decimal("2.0")}
    assert whole_dose({"A": Decimal("1.0"), "B": Decimal("2.0")}, planned) is True
    assert whole_dose({"A": Decimal("1.0")}, planned) is False
    assert whole_dose({"A": Decimal("0.8"), "B": Decimal("1.6")}, planned, least_share=Decimal("0.8")) is True
    assert whole_dose({"A": Decimal("0.79"), "B": None}, planned, least_share=Decimal("0.8")) is False
    assert whole_dose({"A": Decimal("1.0"), "B": None}, planned) is None
