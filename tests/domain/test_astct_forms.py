"""From the items of the forms CRS and ICANS to findings and grades."""

from __future__ import annotations

from decimal import Decimal

import pytest

from safety.domain.astct.crs import grade_crs
from safety.domain.astct.crs_tables import Oxygen, Treatment
from safety.domain.astct.forms import crs_findings, icans_findings, ice_of
from safety.domain.astct.icans import grade_icans

AIR = {
    "TEMP": Decimal("38.6"),
    "FEVER_OTHER": False,
    "TREATED": "NONE",
    "HYPOTENSION": False,
    "PRESSORS": Decimal(0),
    "VASOPRESSIN": False,
    "OXYGEN": "NONE",
    "DIED": False,
}
ALERT = {
    "ICE_DONE": True,
    "CONSCIOUSNESS": "ALERT",
    "SEIZURE": "NONE",
    "MOTOR": False,
    "OEDEMA": "NONE",
    "DIED": False,
    "YEAR": True,
    "MONTH": True,
    "CITY": True,
    "HOSPITAL": True,
    "COMMAND": True,
    "SENTENCE": True,
    "COUNTS": True,
    "OBJECT_1": True,
    "OBJECT_2": True,
    "OBJECT_3": True,
}


def test_a_complete_crs_row_is_graded_without_the_items_that_are_hidden() -> None:
    assert grade_crs(crs_findings(AIR, episode_began_with_fever=False)).grade == 1


def test_a_cannula_of_6_litres_and_of_6_1_differ() -> None:
    row = {**AIR, "OXYGEN": "CANNULA", "HYPOXIA_OTHER": False}
    assert grade_crs(crs_findings({**row, "FLOW": Decimal(6)}, episode_began_with_fever=False)).grade == 2
    assert grade_crs(crs_findings({**row, "FLOW": Decimal("6.1")}, episode_began_with_fever=False)).grade == 3


def test_every_oxygen_code_of_the_form_has_a_device() -> None:
    codes = ("NONE", "CANNULA", "BLOWBY", "MASK", "HFNC", "CPAP", "VENT")
    found = [crs_findings({"OXYGEN": code}, episode_began_with_fever=None).oxygen for code in codes]
    assert found == list(Oxygen)


def test_treatment_given_earlier_in_the_episode_is_not_undone_by_a_row_that_says_nothing() -> None:
    row = {**AIR, "TEMP": Decimal("36.8"), "HYPOTENSION": True, "HYPOTENSION_OTHER": False}
    later = crs_findings(row, episode_began_with_fever=True, earlier_treatment=Treatment.ANTICYTOKINE)
    assert (later.treatment, grade_crs(later).grade) == (Treatment.ANTICYTOKINE, 2)
    assert grade_crs(crs_findings(row, episode_began_with_fever=True)).grade == 0


def test_fever_before_the_first_assessment_counts_as_the_beginning() -> None:
    row = {**AIR, "TEMP": Decimal("36.8"), "TREATED": "ANTIPYRETIC", "OXYGEN": "BLOWBY", "HYPOXIA_OTHER": False}
    assert grade_crs(crs_findings(row, episode_began_with_fever=False)).grade == 0
    assert grade_crs(crs_findings({**row, "FEVER_BEFORE": True}, episode_began_with_fever=False)).grade == 2


def test_an_unknown_code_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match=r"OXYGEN: expected one of NONE, CANNULA, .* found 'TENT'"):
        crs_findings({"OXYGEN": "TENT"}, episode_began_with_fever=None)


def test_a_word_where_a_number_belongs_is_refused() -> None:
    with pytest.raises(ValueError, match="TEMP: expected a number, found '38'"):
        crs_findings({"TEMP": "38"}, episode_began_with_fever=None)
    with pytest.raises(ValueError, match=r"PRESSORS: expected a whole number, found 1\.5"):
        crs_findings({"PRESSORS": Decimal("1.5")}, episode_began_with_fever=None)


@pytest.mark.parametrize(
    ("failed", "score", "grade"), [((), 10, 0), (("OBJECT_1",), 9, 1), (("SENTENCE", "COUNTS"), 8, 1)]
)
def test_ice_tasks_add_up_to_the_score_and_the_grade(failed: tuple[str, ...], score: int, grade: int) -> None:
    row = {**ALERT, **dict.fromkeys(failed, False)}
    assert (ice_of(row), grade_icans(icans_findings(row)).grade) == (score, grade)


def test_one_blank_ice_task_gives_no_score_and_no_grade() -> None:
    row = {**ALERT, "OBJECT_2": None}
    assert (ice_of(row), grade_icans(icans_findings(row)).evaluable) == (None, False)


def test_ice_that_could_not_be_done_is_not_zero() -> None:
    result = grade_icans(icans_findings({**ALERT, "ICE_DONE": False}))
    assert (result.grade, result.evaluable, result.missing) == (None, False, ("ICE score",))


@pytest.mark.parametrize(
    ("items", "grade"),
    [
        ({"CONSCIOUSNESS": "VIGOROUS", "CONSCIOUSNESS_OTHER": False}, 4),
        ({"SEIZURE": "CLINICAL", "SEIZURE_MIN": Decimal(5), "SEIZURE_OTHER": False}, 3),
        ({"SEIZURE": "CLINICAL", "SEIZURE_MIN": Decimal("5.1"), "SEIZURE_OTHER": False}, 4),
        ({"SEIZURE": "EEG", "SEIZURE_OTHER": False}, 3),
        ({"SEIZURE": "REPETITIVE", "SEIZURE_OTHER": True}, 0),
        ({"MOTOR": True, "MOTOR_OTHER": False}, 4),
        ({"MOTOR": True, "MOTOR_OTHER": True}, 0),
        ({"OEDEMA": "FOCAL", "HAEMORRHAGE": False}, 3),
        ({"OEDEMA": "CUSHING", "HAEMORRHAGE": False}, 4),
        ({"OEDEMA": "FOCAL", "HAEMORRHAGE": True}, 0),
        ({"DIED": True}, 5),
    ],
)
def test_every_domain_of_the_icans_form_reaches_its_grade(items: dict[str, object], grade: int) -> None:
    assert grade_icans(icans_findings({**ALERT, **items})).grade == grade
