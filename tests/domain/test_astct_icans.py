"""ICANS by ASTCT 2019 and the ICE score: every reference vector, both sides of every limit, and what a blank does."""

from __future__ import annotations

import csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from safety.domain.astct.icans import grade_icans
from safety.domain.astct.icans_tables import (
    ICE,
    SEIZURE,
    Consciousness,
    IcansFindings,
    IcansTables,
    Pressure,
    Seizure,
)
from safety.domain.astct.ice import IceAnswers, ice_score

REFERENCE = Path(__file__).parents[1] / "reference"
VECTORS = list(csv.DictReader((REFERENCE / "icans_vectors.csv").open(encoding="utf-8")))
ICE_VECTORS = list(csv.DictReader((REFERENCE / "ice_items.csv").open(encoding="utf-8")))
CONSCIOUSNESS = {
    "alert": Consciousness.ALERT,
    "drowsy_awakens_spontaneously": Consciousness.SPONTANEOUS,
    "awakens_to_voice": Consciousness.VOICE,
    "awakens_to_tactile_only": Consciousness.TACTILE,
    "vigorous_or_repetitive_tactile": Consciousness.VIGOROUS,
    "unarousable": Consciousness.UNAROUSABLE,
}
SEIZURES = {
    "none": Seizure.NONE,
    "clinical": Seizure.CLINICAL,
    "nonconvulsive_eeg_resolves": Seizure.EEG,
    "repetitive_no_return_to_baseline": Seizure.REPETITIVE,
}
PRESSURE = {
    "none": Pressure.NONE,
    "focal_oedema": Pressure.FOCAL,
    "diffuse_oedema": Pressure.DIFFUSE,
    "cn6_palsy": Pressure.CN6,
    "papilloedema": Pressure.PAPILLOEDEMA,
}


def findings_of(row: dict[str, str]) -> IcansFindings:
    return IcansFindings(
        ice=int(row["ice"]) if row["ice"] else None,
        consciousness=CONSCIOUSNESS[row["consciousness"]],
        consciousness_other_cause=row["consciousness_other_cause"] == "1",
        seizure=SEIZURES[row["seizure"]],
        seizure_minutes=Decimal(row["seizure_min"]) if row["seizure_min"] else None,
        seizure_other_cause=row["seizure_other_cause"] == "1",
        weakness=row["motor"] == "deep_focal_weakness",
        weakness_other_cause=False,
        pressure=PRESSURE[row["icp_oedema"]],
        haemorrhage=row["haemorrhage_related"] == "1",
        died=row["death_due_to_icans"] == "1",
    )


WELL = IcansFindings(
    ice=10,
    consciousness=Consciousness.ALERT,
    consciousness_other_cause=False,
    seizure=Seizure.NONE,
    seizure_other_cause=False,
    weakness=False,
    weakness_other_cause=False,
    pressure=Pressure.NONE,
    haemorrhage=False,
    died=False,
)


def graded(findings: IcansFindings, tables: IcansTables | None = None) -> str:
    result = grade_icans(findings, tables)
    return str(result.grade) if result.evaluable else "NE"


def test_the_reference_holds_40_vectors_and_5_scores() -> None:
    assert (len(VECTORS), len(ICE_VECTORS)) == (40, 5)


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["id"])
def test_every_reference_vector_gets_its_grade(row: dict[str, str]) -> None:
    assert graded(findings_of(row)) == row["expected_grade"], row["comment"]


@pytest.mark.parametrize("row", ICE_VECTORS, ids=lambda row: row["id"])
def test_every_reference_ice_score_is_reached(row: dict[str, str]) -> None:
    answers = IceAnswers(
        year=int(row["year"]),
        month=int(row["month"]),
        city=int(row["city"]),
        hospital=int(row["hospital"]),
        objects_named=int(row["objects_named"]),
        follows_command=int(row["follows_command"]),
        writes_sentence=int(row["writes_sentence"]),
        counts_backwards=int(row["counts_100_by_10"]),
    )
    assert ice_score(answers) == int(row["expected_ice"])


def test_an_ice_task_that_was_not_assessed_gives_no_score() -> None:
    assert ice_score(IceAnswers(1, 1, 1, 1, 3, 1, 1, None)) is None


def test_points_outside_the_range_of_a_task_are_refused() -> None:
    with pytest.raises(ValueError, match="objects_named gives 0 to 3 points, found 4"):
        ice_score(IceAnswers(1, 1, 1, 1, 4, 1, 1, 1))


@pytest.mark.parametrize(
    ("ice", "expected"),
    [(0, "3"), (1, "3"), (2, "3"), (3, "2"), (6, "2"), (7, "1"), (9, "1"), (10, "0")],
)
def test_both_sides_of_every_ice_limit(ice: int, expected: str) -> None:
    assert graded(replace(WELL, ice=ice)) == expected


def test_ice_0_is_grade_3_awake_and_grade_4_unarousable() -> None:
    assert graded(replace(WELL, ice=0)) == "3"
    assert graded(replace(WELL, ice=0, consciousness=Consciousness.UNAROUSABLE)) == "4"


@pytest.mark.parametrize(("minutes", "expected"), [("4.9", "3"), ("5", "3"), ("5.0", "3"), ("5.1", "4")])
def test_both_sides_of_five_minutes_of_seizure(minutes: str, expected: str) -> None:
    assert graded(replace(WELL, seizure=Seizure.CLINICAL, seizure_minutes=Decimal(minutes))) == expected


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Consciousness.ALERT, "0"),
        (Consciousness.SPONTANEOUS, "1"),
        (Consciousness.VOICE, "2"),
        (Consciousness.TACTILE, "3"),
        (Consciousness.VIGOROUS, "4"),
        (Consciousness.UNAROUSABLE, "4"),
    ],
)
def test_every_level_of_consciousness(level: Consciousness, expected: str) -> None:
    assert graded(replace(WELL, consciousness=level)) == expected
    assert graded(replace(WELL, consciousness=level, consciousness_other_cause=True)) == "0"


@pytest.mark.parametrize("sign", list(Pressure)[2:])
def test_every_sign_of_raised_pressure_is_grade_4_and_haemorrhage_is_left_out(sign: Pressure) -> None:
    assert graded(replace(WELL, pressure=sign)) == "4"
    assert graded(replace(WELL, pressure=sign, haemorrhage=True)) == "0"


def test_a_blank_is_never_grade_0() -> None:
    result = grade_icans(IcansFindings())
    assert (result.grade, result.evaluable, result.at_least, result.at_most) == (None, False, 0, 4)


def test_ice_not_assessable_in_an_alert_participant_is_not_evaluable_and_asks_a_question() -> None:
    result = grade_icans(replace(WELL, ice=None))
    assert (result.grade, result.at_least, result.at_most, result.missing) == (None, 0, 3, ("ICE score",))
    assert [(n.code, n.query) for n in result.warnings] == [("icans-ice-missing", True)]
    assert result.working == "ICANS not evaluable, at least grade 0: ICE score not recorded"


def test_a_sedated_participant_without_ice_is_not_evaluable() -> None:
    sedated = replace(WELL, ice=None, consciousness=Consciousness.UNAROUSABLE, consciousness_other_cause=True)
    assert graded(sedated) == "NE"


def test_a_seizure_without_ice_is_grade_3_since_ice_could_not_raise_it() -> None:
    result = grade_icans(replace(WELL, ice=None, seizure=Seizure.CLINICAL, seizure_minutes=Decimal(1)))
    assert (result.grade, result.missing) == (3, ())


def test_a_seizure_of_unknown_length_is_at_least_grade_3() -> None:
    result = grade_icans(replace(WELL, seizure=Seizure.CLINICAL))
    assert (result.grade, result.at_least, result.at_most, result.missing) == (None, 3, 4, ("length of the seizure",))


def test_the_working_names_every_domain_that_counts() -> None:
    result = grade_icans(replace(WELL, ice=3, seizure=Seizure.CLINICAL, seizure_minutes=Decimal(2)))
    assert result.working == (
        "ICANS grade 3: ICE 3 (3 to 6) (grade 2) and clinical seizure of 2 min (at most 5) (grade 3); "
        "the most severe counts"
    )
    assert result.rule_id == "ICANS-SEIZURE-3"
    assert grade_icans(WELL).working == "ICANS grade 0: ICE 10, alert, no other feature"


def test_what_would_raise_the_grade_stands_beside_it() -> None:
    assert grade_icans(replace(WELL, ice=8)).would_raise == (
        "an ICE score of 6 or less (grade 2)",
        "waking only to voice (grade 2)",
    )
    assert grade_icans(replace(WELL, weakness=True)).would_raise == ()


def test_an_ice_score_equal_to_the_one_before_infusion_keeps_its_grade_and_asks() -> None:
    result = grade_icans(replace(WELL, ice=9, baseline_ice=9))
    assert (result.grade, [n.code for n in result.warnings]) == (1, ["icans-baseline-ice"])


def test_an_ice_score_of_11_is_refused() -> None:
    with pytest.raises(ValueError, match="an ICE score is 0 to 10 points, found 11"):
        grade_icans(replace(WELL, ice=11))


def flipped_by(tables: IcansTables) -> list[str]:
    return [row["id"] for row in VECTORS if graded(findings_of(row), tables) != row["expected_grade"]]


def test_a_wrong_seizure_limit_would_flip_a_reference_vector() -> None:
    wrong = tuple(
        replace(row, when=tuple(replace(c, test=">=") if c.finding == "seizure_minutes" else c for c in row.when))
        for row in SEIZURE
    )
    assert flipped_by(IcansTables(seizure=wrong)) == ["ICA036"]


def test_a_wrong_ice_limit_would_flip_a_reference_vector() -> None:
    wrong = tuple(replace(row, when=tuple(replace(c, value=7) if c.value == 6 else c for c in row.when)) for row in ICE)
    assert flipped_by(IcansTables(ice=wrong)) == ["ICA004"]


def test_grading_consciousness_of_another_cause_would_flip_a_reference_vector() -> None:
    tables = IcansTables()
    assert flipped_by(replace(tables, consciousness=tables.consciousness[1:])) == ["ICA029"]


def test_a_finding_of_another_cause_is_named_but_not_counted() -> None:
    found = grade_icans(replace(WELL, ice=8, consciousness=Consciousness.VOICE, consciousness_other_cause=True))
    assert found.working == "ICANS grade 1: ICE 8 (7 to 9) and awakens to voice, of another cause"


@pytest.mark.parametrize(("ice", "codes"), [(2, ["icans-ice-sedated"]), (3, [])])
def test_a_very_low_ice_score_in_a_participant_drowsy_of_another_cause_asks(ice: int, codes: list[str]) -> None:
    found = grade_icans(replace(WELL, ice=ice, consciousness=Consciousness.VOICE, consciousness_other_cause=True))
    assert [notice.code for notice in found.warnings] == codes


@pytest.mark.parametrize("task", ["year", "month", "city", "hospital", "follows_command", "writes_sentence"])
def test_two_points_for_a_task_of_one_are_refused(task: str) -> None:
    full = IceAnswers(1, 1, 1, 1, 3, 1, 1, 1)
    with pytest.raises(ValueError, match=f"{task} gives 0 to 1 points, found 2"):
        ice_score(replace(full, **{task: 2}))


def test_a_death_is_grade_5_and_nothing_else() -> None:
    found = grade_icans(replace(WELL, died=True))
    assert (found.at_least, found.grade, found.at_most) == (5, 5, 5)
