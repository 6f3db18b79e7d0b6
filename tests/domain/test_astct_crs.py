"""CRS by ASTCT 2019: every reference vector, both sides of every limit, and what a blank does."""

from __future__ import annotations

import csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from safety.domain.astct.crs import grade_crs
from safety.domain.astct.crs_tables import FEVER, HYPOXIA, TREATED, CrsFindings, CrsTables, Oxygen, Treatment
from safety.domain.grading import Condition

VECTORS = list(csv.DictReader((Path(__file__).parents[1] / "reference" / "crs_vectors.csv").open(encoding="utf-8")))
DEVICES = {
    "none": Oxygen.NONE,
    "nasal_cannula": Oxygen.CANNULA,
    "hfnc": Oxygen.HFNC,
    "facemask": Oxygen.MASK,
    "nonrebreather": Oxygen.MASK,
    "venturi": Oxygen.MASK,
    "cpap": Oxygen.POSITIVE,
    "mech_vent": Oxygen.VENTILATOR,
}
TREATMENTS = {
    "none": Treatment.NONE,
    "antipyretic": Treatment.ANTIPYRETIC,
    "steroid": Treatment.ANTICYTOKINE,
    "tocilizumab": Treatment.ANTICYTOKINE,
}


def findings_of(row: dict[str, str]) -> CrsFindings:
    return CrsFindings(
        temperature=Decimal(row["temp_c"]) if row["temp_c"] else None,
        fever_other_cause=row["fever_other_cause"] == "1",
        began_with_fever=row["crs_onset_with_fever"] == "1",
        treatment=TREATMENTS[row["antipyretic_or_anticytokine"]],
        hypotension=row["hypotension"] == "1",
        vasopressors=int(row["n_vasopressors"]),
        vasopressin=row["vasopressin"] == "1",
        hypotension_other_cause=row["hypotension_other_cause"] == "1",
        oxygen=DEVICES[row["o2_device"]],
        flow=Decimal(row["o2_flow_lpm"]) if row["o2_flow_lpm"] else None,
        hypoxia_other_cause=row["hypoxia_other_cause"] == "1",
        airway_only=row["intubated_airway_only"] == "1",
        died=row["death_due_to_crs"] == "1",
    )


WELL = CrsFindings(
    temperature=Decimal("36.8"),
    fever_other_cause=False,
    began_with_fever=True,
    treatment=Treatment.NONE,
    hypotension=False,
    vasopressors=0,
    vasopressin=False,
    hypotension_other_cause=False,
    oxygen=Oxygen.NONE,
    flow=None,
    hypoxia_other_cause=False,
    airway_only=False,
    died=False,
)
FEBRILE = replace(WELL, temperature=Decimal("38.5"))


def graded(findings: CrsFindings) -> str:
    result = grade_crs(findings)
    return str(result.grade) if result.evaluable else "NE"


def test_the_reference_holds_53_vectors() -> None:
    assert len(VECTORS) == 53


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["id"])
def test_every_reference_vector_gets_its_grade(row: dict[str, str]) -> None:
    assert graded(findings_of(row)) == row["expected_grade"], row["comment"]


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        (replace(WELL, temperature=Decimal("37.9")), "0"),
        (replace(WELL, temperature=Decimal("38.0")), "1"),
        (replace(FEBRILE, oxygen=Oxygen.CANNULA, flow=Decimal(6)), "2"),
        (replace(FEBRILE, oxygen=Oxygen.CANNULA, flow=Decimal("6.1")), "3"),
        (replace(FEBRILE, oxygen=Oxygen.HFNC, flow=Decimal("6.0")), "2"),
        (replace(FEBRILE, oxygen=Oxygen.HFNC, flow=Decimal("6.1")), "3"),
        (replace(FEBRILE, oxygen=Oxygen.BLOWBY), "2"),
        (replace(FEBRILE, hypotension=True, vasopressors=0), "2"),
        (replace(FEBRILE, hypotension=True, vasopressors=1), "3"),
        (replace(FEBRILE, hypotension=True, vasopressors=1, vasopressin=True), "3"),
        (replace(FEBRILE, hypotension=True, vasopressors=2), "4"),
    ],
)
def test_both_sides_of_every_limit(findings: CrsFindings, expected: str) -> None:
    assert graded(findings) == expected


def test_a_blank_is_never_grade_0() -> None:
    result = grade_crs(CrsFindings())
    assert (result.grade, result.evaluable, result.at_least, result.at_most) == (None, False, 0, 4)
    assert "temperature" in result.missing


def test_a_missing_temperature_without_treatment_is_not_evaluable() -> None:
    result = grade_crs(replace(WELL, temperature=None, hypotension=True))
    assert (result.grade, result.at_least, result.at_most) == (None, 0, 2)
    assert result.missing == ("temperature",)


def test_a_cannula_without_a_flow_is_at_least_grade_2() -> None:
    result = grade_crs(replace(FEBRILE, oxygen=Oxygen.CANNULA, flow=None))
    assert (result.grade, result.at_least, result.at_most, result.missing) == (None, 2, 3, ("oxygen flow",))
    assert result.working.startswith("CRS not evaluable, at least grade 2: oxygen flow not recorded")


def test_a_blank_that_cannot_change_the_grade_does_not_block_it() -> None:
    result = grade_crs(replace(FEBRILE, vasopressors=2, oxygen=None, flow=None))
    assert (result.grade, result.missing) == (4, ())


def test_another_cause_that_was_not_asked_matters_only_beside_a_finding() -> None:
    assert graded(replace(FEBRILE, hypotension_other_cause=None)) == "1"
    result = grade_crs(replace(FEBRILE, hypotension=True, hypotension_other_cause=None))
    assert (result.grade, result.missing) == (None, ("another cause of the hypotension",))


def test_unknown_treatment_of_an_afebrile_participant_is_not_evaluable_only_with_an_organ_finding() -> None:
    assert graded(replace(WELL, treatment=None)) == "0"
    result = grade_crs(replace(WELL, treatment=None, hypotension=True))
    assert (result.grade, result.missing) == (None, ("antipyretic or anti-cytokine treatment",))


def test_the_working_names_what_was_found() -> None:
    result = grade_crs(
        replace(
            FEBRILE,
            temperature=Decimal("39.5"),
            hypotension=True,
            vasopressors=1,
            oxygen=Oxygen.CANNULA,
            flow=Decimal(2),
        )
    )
    assert result.working == (
        "CRS grade 3: fever 39.5 °C, one vasopressor (grade 3) and low-flow oxygen (nasal cannula 2 L/min, at most 6) "
        "(grade 2); the more severe counts"
    )
    assert (result.rule_id, result.scale) == ("CRS-BP-3", "ASTCT 2019")


def test_the_working_says_that_fever_is_no_longer_required() -> None:
    result = grade_crs(replace(WELL, treatment=Treatment.ANTICYTOKINE, oxygen=Oxygen.CANNULA, flow=Decimal(3)))
    assert result.working == (
        "CRS grade 2: no fever (36.8 °C, below 38.0), fever is no longer required after tocilizumab or steroids and "
        "low-flow oxygen (nasal cannula 3 L/min, at most 6)"
    )


def test_what_would_raise_the_grade_stands_beside_it() -> None:
    assert grade_crs(WELL).would_raise == ("fever of 38.0 °C or more without another cause (grade 1)",)
    assert grade_crs(FEBRILE).would_raise == ("hypotension (grade 2)", "oxygen of up to 6 L/min (grade 2)")
    assert grade_crs(replace(FEBRILE, hypotension=True)).would_raise == (
        "a vasopressor (grade 3)",
        "oxygen by mask (grade 3)",
        "oxygen above 6 L/min (grade 3)",
    )
    assert grade_crs(replace(FEBRILE, vasopressors=2)).would_raise == ()


def test_hypotension_without_any_fever_is_grade_0_and_asks_a_question() -> None:
    result = grade_crs(replace(WELL, began_with_fever=False, hypotension=True))
    assert (result.grade, [(n.code, n.query) for n in result.warnings]) == (0, [("crs-never-fever", True)])


def test_persisting_hypotension_after_an_untreated_fever_asks_for_adjudication() -> None:
    result = grade_crs(replace(WELL, hypotension=True))
    assert (result.grade, [n.code for n in result.warnings]) == (0, ["crs-untreated-afebrile"])
    assert result.active is True


def test_readings_of_an_ambiguity_carry_their_mark() -> None:
    result = grade_crs(replace(FEBRILE, vasopressin=True))
    assert (result.grade, result.certainty, str(result.warnings[0])) == (
        3,
        "R",
        "Vasopressin alone counts as one vasopressor. [R]",
    )


def test_an_assessment_begins_an_episode_only_by_a_qualifying_fever() -> None:
    assert grade_crs(FEBRILE).begins is True
    assert grade_crs(replace(FEBRILE, fever_other_cause=True)).begins is False
    assert grade_crs(replace(WELL, temperature=None)).begins is None


def test_a_wrong_flow_limit_would_flip_a_reference_vector() -> None:
    wrong = tuple(
        replace(
            row,
            when=tuple(
                Condition(c.finding, ">=", c.value) if (c.finding, c.test) == ("flow", ">") else c for c in row.when
            ),
        )
        for row in HYPOXIA
    )
    flipped = [
        row["id"]
        for row in VECTORS
        if (grade_crs(findings_of(row), CrsTables(hypoxia=wrong))).grade != int(row["expected_grade"])
    ]
    assert flipped == ["CRS027"]


def test_a_wrong_fever_limit_would_flip_reference_vectors() -> None:
    wrong = tuple(
        replace(
            row, when=tuple(replace(c, value=Decimal("38.1")) if c.finding == "temperature" else c for c in row.when)
        )
        for row in FEVER
    )
    flipped = [
        row["id"]
        for row in VECTORS
        if grade_crs(findings_of(row), CrsTables(fever=wrong)).grade != int(row["expected_grade"])
    ]
    assert flipped == ["CRS013"]


def test_requiring_fever_after_treatment_would_flip_reference_vectors() -> None:
    flipped = [
        row["id"]
        for row in VECTORS
        if grade_crs(findings_of(row), CrsTables(treated=TREATED[-1:])).grade != int(row["expected_grade"])
    ]
    assert flipped == ["CRS068", "CRS072", "CRS076", "CRS085"]


def test_the_working_says_what_is_not_known_of_the_fever() -> None:
    treated = replace(WELL, treatment=Treatment.ANTIPYRETIC, hypotension=True)
    assert grade_crs(replace(treated, temperature=None)).working == (
        "CRS grade 2: temperature not recorded, fever is no longer required after an antipyretic and hypotension "
        "without a vasopressor"
    )
    assert grade_crs(replace(FEBRILE, fever_other_cause=None)).working == (
        "CRS not evaluable, at least grade 0: another cause of the fever not recorded; "
        "known: 38.5 °C, cause of the fever not recorded"
    )
    assert (
        grade_crs(replace(FEBRILE, fever_other_cause=True)).working == "CRS grade 0: fever of 38.5 °C of another cause"
    )
    assert grade_crs(replace(FEBRILE, treatment=Treatment.ANTIPYRETIC)).working == "CRS grade 1: fever 38.5 °C"


def test_a_finding_of_another_cause_is_named_but_not_counted() -> None:
    found = grade_crs(replace(FEBRILE, hypotension=True, hypotension_other_cause=True, oxygen=Oxygen.BLOWBY))
    assert found.working == "CRS grade 2: fever 38.5 °C, hypotension of another cause and blow-by oxygen"


@pytest.mark.parametrize(
    ("flow", "codes"),
    [(Decimal(6), ["crs-device-low-flow"]), (Decimal("6.1"), []), (None, ["crs-flow-missing"])],
)
def test_the_flow_of_a_high_flow_device_is_remarked(flow: Decimal | None, codes: list[str]) -> None:
    found = grade_crs(replace(FEBRILE, oxygen=Oxygen.HFNC, flow=flow))
    assert [notice.code for notice in found.warnings] == codes
