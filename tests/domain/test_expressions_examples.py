"""The numbered examples of the study file format: each is typed, and gives true, false or unknown as its note says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.domain.expression_study import answer, compiled, row
from trials.records.domain.expressions import NOT_DONE, UNKNOWN, ExpressionError, Range

D = Decimal
FAILED = [row(AGENT="AZA", RESPONSE="NONE"), row(AGENT="MMF", RESPONSE="NONE"), row(AGENT="TAC")]
EARLY, LATE = "2026-11-22T08:00", "2026-11-22T09:00"
DLT = "grade >= 3 and not haematological and related and days_at_grade(3) > 7"
GAULT = '(140 - age(DATE)) * VS.WEIGHT / (72 * CREAT / 88.4) * (0.85 if sex == "F" else 1)'
INCAT = "change(LEG) + (0 if ARM + ARM[baseline] == 1 else change(ARM))"

EXAMPLES: list[tuple[int, str, str, dict[str, Any], Any]] = [
    (1, "VS", "DIABP >= SYSBP", {"DIABP": 120, "SYSBP": 120}, True),
    (1, "VS", "DIABP >= SYSBP", {"DIABP": 119, "SYSBP": 120}, False),
    (1, "VS", "DIABP >= SYSBP", {"DIABP": 120}, UNKNOWN),
    (2, "VS", 'TEMP >= "38.0 Cel"', {"TEMP": 38.0}, True),
    (2, "VS", 'TEMP >= "38.0 Cel"', {"TEMP": 37.9}, False),
    (3, "HEM", 'HB < "8 g/dL"', {"HB": 79.9}, True),
    (3, "HEM", 'HB < "8 g/dL"', {"HB": 80}, False),
    (3, "HEM", 'HB < "8 g/dL"', {}, UNKNOWN),
    (4, "VS", "abs(percent_change(WEIGHT, WEIGHT[previous])) > 10", {"WEIGHT": 89, "WEIGHT[previous]": 100}, True),
    (4, "VS", "abs(percent_change(WEIGHT, WEIGHT[previous])) > 10", {"WEIGHT": 90, "WEIGHT[previous]": 100}, False),
    (4, "VS", "abs(percent_change(WEIGHT, WEIGHT[previous])) > 10", {"WEIGHT": 90}, UNKNOWN),
    (5, "VS", "WEIGHT / (HEIGHT[latest] / 100) ** 2", {"WEIGHT": 80, "HEIGHT[latest]": 200}, D(20)),
    (5, "VS", "WEIGHT / (HEIGHT[latest] / 100) ** 2", {"WEIGHT": 80, "HEIGHT": 200}, UNKNOWN),
    (6, "DM", 'sex == "F" and WOCBP', {"sex": "M"}, False),
    (6, "DM", 'sex == "F" and WOCBP', {"sex": "F"}, UNKNOWN),
    (6, "DM", 'sex == "F" and WOCBP', {"sex": "F", "WOCBP": True}, True),
    (7, "DM", "18 <= age(consented_on) <= 80", {"birth_date": "2008-11-22", "consented_on": "2026-11-22"}, True),
    (7, "DM", "18 <= age(consented_on) <= 80", {"birth_date": "2008-11-23", "consented_on": "2026-11-22"}, False),
    (7, "DM", "18 <= age(consented_on) <= 80", {"birth_date": "1945-11-23", "consented_on": "2026-11-22"}, True),
    (7, "DM", "18 <= age(consented_on) <= 80", {"birth_date": "1945-11-22", "consented_on": "2026-11-22"}, False),
    (7, "DM", "18 <= age(consented_on) <= 80", {"birth_date": "2008", "consented_on": "2026-11-22"}, UNKNOWN),
    (7, "DM", "18 <= age(consented_on) <= 80", {"birth_date": "2007", "consented_on": "2026-11-22"}, True),
    (8, "CHEM", 'CREAT is not known and visit != "UNS"', {"visit": "D14"}, True),
    (8, "CHEM", 'CREAT is not known and visit != "UNS"', {"visit": "UNS"}, False),
    (8, "CHEM", 'CREAT is not known and visit != "UNS"', {"visit": "D14", "CREAT": 80}, False),
    (9, "CHEM", "CREAT is not_done", {"CREAT": NOT_DONE}, True),
    (9, "CHEM", "CREAT is not_done", {}, False),
    (9, "CHEM", "CREAT is not_done", {"CREAT": 80}, False),
    (10, "CHEM", "ALT / uln(ALT) > 3", {"ALT": 121, "uln ALT": 40}, True),
    (10, "CHEM", "ALT / uln(ALT) > 3", {"ALT": 120, "uln ALT": 40}, False),
    (10, "CHEM", "ALT / uln(ALT) > 3", {"ALT": 120}, UNKNOWN),
    (11, "CHEM", "ALT > 3 * uln(ALT)", {"ALT": 121, "uln ALT": 40}, True),
    (11, "CHEM", "ALT > 3 * uln(ALT)", {"ALT": 120, "uln ALT": 40}, False),
    (12, "URINE", "PROTEIN / CREAT > 0.5", {"PROTEIN": 51, "CREAT": 100}, True),
    (12, "URINE", "PROTEIN / CREAT > 0.5", {"PROTEIN": 50, "CREAT": 100}, False),
    (12, "URINE", "PROTEIN / CREAT > 0.5", {"PROTEIN": 51, "CREAT": 0}, UNKNOWN),
    (13, "HEM", 'min(ANC[D0:D28]) < "0.5 10*9/L"', {"series ANC[D0:D28]": [1.2, 0.49, 2]}, True),
    (13, "HEM", 'min(ANC[D0:D28]) < "0.5 10*9/L"', {"series ANC[D0:D28]": [1.2, 0.5, 2]}, False),
    (13, "HEM", 'min(ANC[D0:D28]) < "0.5 10*9/L"', {"series ANC[D0:D28]": [1.2, 0.5, UNKNOWN]}, UNKNOWN),
    (13, "HEM", 'min(ANC[D0:D28]) < "0.5 10*9/L"', {"series ANC[D0:D28]": [1.2, 0.4, UNKNOWN]}, True),
    (14, "MG", "TOTAL - TOTAL[baseline] <= -4", {"TOTAL": 6, "TOTAL[baseline]": 10}, True),
    (14, "MG", "TOTAL - TOTAL[baseline] <= -4", {"TOTAL": 7, "TOTAL[baseline]": 10}, False),
    (14, "MG", "TOTAL - TOTAL[baseline] <= -4", {"TOTAL": 7}, UNKNOWN),
    (
        15,
        "SLEDAI",
        "score(EIGHT) + score(FOUR) + score(TWO) + score(ONE)",
        {"SEIZURE": True, "PSYCHOSIS": False, "ARTHRITIS": True, "COMPLEMENT": True, "DNA": False}
        | {"PLATELETS": True, "FEVER": False},
        D(15),
    ),
    (
        15,
        "SLEDAI",
        "score(EIGHT) + score(FOUR) + score(TWO) + score(ONE)",
        {"SEIZURE": True, "PSYCHOSIS": False, "ARTHRITIS": True, "COMPLEMENT": True, "DNA": False, "FEVER": False},
        UNKNOWN,
    ),
    (16, "SLEDAI", "TOTAL - score(COMPLEMENT) - score(DNA)", {"TOTAL": 15, "COMPLEMENT": True, "DNA": False}, D(13)),
    (16, "SLEDAI", "TOTAL - score(COMPLEMENT) - score(DNA)", {"TOTAL": 15, "COMPLEMENT": True}, UNKNOWN),
    (17, "SLEDAI", 'PLATELETS != (HEM.PLT < "100 10*9/L")', {"PLATELETS": False, "HEM.PLT": 99}, True),
    (17, "SLEDAI", 'PLATELETS != (HEM.PLT < "100 10*9/L")', {"PLATELETS": True, "HEM.PLT": 100}, True),
    (17, "SLEDAI", 'PLATELETS != (HEM.PLT < "100 10*9/L")', {"PLATELETS": True, "HEM.PLT": 99}, False),
    (17, "SLEDAI", 'PLATELETS != (HEM.PLT < "100 10*9/L")', {"PLATELETS": True}, UNKNOWN),
    (18, "MG", "OCULAR / TOTAL <= 0.5", {"OCULAR": 3, "TOTAL": 6}, True),
    (18, "MG", "OCULAR / TOTAL <= 0.5", {"OCULAR": 4, "TOTAL": 7}, False),
    (18, "MG", "OCULAR / TOTAL <= 0.5", {"OCULAR": 0, "TOTAL": 0}, UNKNOWN),
    (19, "EFF", 'STATUS in ["CSR", "PR"] and study_day < 365', {"STATUS": "PR", "study_day": 364}, True),
    (19, "EFF", 'STATUS in ["CSR", "PR"] and study_day < 365', {"STATUS": "PR", "study_day": 365}, False),
    (19, "EFF", 'STATUS in ["CSR", "PR"] and study_day < 365', {"STATUS": "MM-0"}, False),
    (19, "EFF", 'STATUS in ["CSR", "PR"] and study_day < 365', {"STATUS": "PR"}, UNKNOWN),
    (20, "EFF", '"MMF" in AGENTS and not GLUCOCORTICOID', {"AGENTS": {"MMF"}, "GLUCOCORTICOID": False}, True),
    (20, "EFF", '"MMF" in AGENTS and not GLUCOCORTICOID', {"AGENTS": {"AZA"}}, False),
    (20, "EFF", '"MMF" in AGENTS and not GLUCOCORTICOID', {"AGENTS": {"MMF"}}, UNKNOWN),
    (21, "EFF", 'has_any(AGENTS, ["RTX", "BEL"])', {"AGENTS": {"MMF", "BEL"}}, True),
    (21, "EFF", 'has_any(AGENTS, ["RTX", "BEL"])', {"AGENTS": set()}, False),
    (21, "EFF", 'has_any(AGENTS, ["RTX", "BEL"])', {}, UNKNOWN),
    (22, "MG", 'distinct(PRIORTX, AGENT, RESPONSE == "NONE") >= 2', {"rows PRIORTX": FAILED}, True),
    (22, "MG", 'distinct(PRIORTX, AGENT, RESPONSE == "NONE") >= 3', {"rows PRIORTX": FAILED}, UNKNOWN),
    (22, "MG", 'distinct(PRIORTX, AGENT, RESPONSE == "NONE") >= 4', {"rows PRIORTX": FAILED}, False),
    (22, "MG", 'distinct(PRIORTX, AGENT, RESPONSE == "NONE") >= 2', {}, UNKNOWN),
    (23, "MG", "count(PRIORTX, ONGOING) == 0", {"rows PRIORTX": [row(ONGOING=True), row()]}, False),
    (23, "MG", "count(PRIORTX, ONGOING) == 0", {"rows PRIORTX": [row(ONGOING=False), row()]}, UNKNOWN),
    (23, "MG", "count(PRIORTX, ONGOING) == 0", {"rows PRIORTX": [row(ONGOING=False)]}, True),
    (23, "MG", "count(PRIORTX, ONGOING) == 0", {"rows PRIORTX": []}, True),
    (23, "MG", "count(PRIORTX, ONGOING) == 0", {}, UNKNOWN),
    (
        24,
        "INF",
        "any(INFUSIONS, END <= START)",
        {"rows INFUSIONS": [row(START=LATE), row(START=LATE, END=EARLY)]},
        True,
    ),
    (24, "INF", "any(INFUSIONS, END <= START)", {"rows INFUSIONS": [row(START=EARLY, END=LATE)]}, False),
    (24, "INF", "any(INFUSIONS, END <= START)", {"rows INFUSIONS": [row(START=EARLY)]}, UNKNOWN),
    (
        25,
        "JOINTS",
        "count(JOINTS, TENDER and SWOLLEN) > 10",
        {"rows JOINTS": [row(TENDER=True, SWOLLEN=True)] * 11},
        True,
    ),
    (
        25,
        "JOINTS",
        "count(JOINTS, TENDER and SWOLLEN) > 10",
        {"rows JOINTS": [row(TENDER=True, SWOLLEN=True)] * 10},
        False,
    ),
    (
        25,
        "JOINTS",
        "count(JOINTS, TENDER and SWOLLEN) > 10",
        {"rows JOINTS": [row(TENDER=True, SWOLLEN=True)] * 10 + [row(TENDER=True)]},
        UNKNOWN,
    ),
    (
        26,
        "DM",
        "0 <= days_between(PREG.DATE, enrolled_on) <= 7",
        {"PREG.DATE": EARLY, "enrolled_on": "2026-11-29"},
        True,
    ),
    (
        26,
        "DM",
        "0 <= days_between(PREG.DATE, enrolled_on) <= 7",
        {"PREG.DATE": EARLY, "enrolled_on": "2026-11-30"},
        False,
    ),
    (
        26,
        "DM",
        "0 <= days_between(PREG.DATE, enrolled_on) <= 7",
        {"PREG.DATE": EARLY, "enrolled_on": "2026-11-21"},
        False,
    ),
    (26, "DM", "0 <= days_between(PREG.DATE, enrolled_on) <= 7", {"PREG.DATE": EARLY}, UNKNOWN),
    (
        27,
        "BCELL",
        'CD19 >= "20 cells/uL" and any(DEPLETED[D0:previous])',
        {"CD19": 20, "series DEPLETED[D0:previous]": [False, UNKNOWN, True]},
        True,
    ),
    (
        27,
        "BCELL",
        'CD19 >= "20 cells/uL" and any(DEPLETED[D0:previous])',
        {"CD19": 20, "series DEPLETED[D0:previous]": [False, UNKNOWN]},
        UNKNOWN,
    ),
    (
        27,
        "BCELL",
        'CD19 >= "20 cells/uL" and any(DEPLETED[D0:previous])',
        {"CD19": 19.9, "series DEPLETED[D0:previous]": [UNKNOWN]},
        False,
    ),
    (28, "INCAT", INCAT, {"LEG": 1, "LEG[baseline]": 3, "ARM": 1, "ARM[baseline]": 0}, D(-2)),
    (28, "INCAT", INCAT, {"LEG": 1, "LEG[baseline]": 3, "ARM": 1, "ARM[baseline]": 3}, D(-4)),
    (28, "INCAT", INCAT, {"LEG": 1, "LEG[baseline]": 3, "ARM": 1}, UNKNOWN),
    (29, "MGAB", 'at_least(2, ACHR == "POS", MUSK == "POS", LRP4 == "POS")', {"ACHR": "POS", "LRP4": "NEG"}, UNKNOWN),
    (29, "MGAB", 'at_least(2, ACHR == "POS", MUSK == "POS", LRP4 == "POS")', {"ACHR": "POS", "MUSK": "POS"}, True),
    (29, "MGAB", 'at_least(2, ACHR == "POS", MUSK == "POS", LRP4 == "POS")', {"ACHR": "NEG", "LRP4": "NEG"}, False),
    (30, "MG", DLT, {"grade": 3, "haematological": True}, False),
    (30, "MG", DLT, {"grade": 3, "haematological": False, "related": True, "days 3": Range(D(5), None)}, UNKNOWN),
    (30, "MG", DLT, {"grade": 3, "haematological": False, "related": True, "days 3": Range(D(8), None)}, True),
    (30, "MG", DLT, {"grade": 3, "haematological": False, "related": True, "days 3": 7}, False),
    (
        31,
        "MG",
        "participants(CRS, grade >= 4) + participants(ICANS, grade >= 4) >= 2",
        {"cohort CRS": [[row(grade=4)], [row(grade=2)], []], "cohort ICANS": [[], [], [row(grade=4), row(grade=5)]]},
        True,
    ),
    (
        31,
        "MG",
        "participants(CRS, grade >= 4) + participants(ICANS, grade >= 4) >= 2",
        {"cohort CRS": [[row(grade=4), row(grade=4)]], "cohort ICANS": [[]]},
        False,
    ),
    (
        31,
        "MG",
        "participants(CRS, grade >= 4) + participants(ICANS, grade >= 4) >= 2",
        {"cohort CRS": [[row(grade=4)], [row()]], "cohort ICANS": [[], []]},
        UNKNOWN,
    ),
    (32, "MG", "had_dlt or (whole_dose and study_day >= 28)", {"had_dlt": True}, True),
    (
        32,
        "MG",
        "had_dlt or (whole_dose and study_day >= 28)",
        {"had_dlt": False, "whole_dose": True, "study_day": 28},
        True,
    ),
    (
        32,
        "MG",
        "had_dlt or (whole_dose and study_day >= 28)",
        {"had_dlt": False, "whole_dose": True, "study_day": 27},
        False,
    ),
    (32, "MG", "had_dlt or (whole_dose and study_day >= 28)", {"had_dlt": False, "whole_dose": True}, UNKNOWN),
    (33, "MG", "months_after(last_infused_on, 12)", {"last_infused_on": "2024-02-29"}, date(2025, 2, 28)),
    (33, "MG", "months_after(last_infused_on, 12)", {}, UNKNOWN),
    (
        34,
        "CHEM",
        GAULT,
        {"DATE": LATE, "birth_date": "1986-11-22", "VS.WEIGHT": 72, "CREAT": 88.4, "sex": "F"},
        D("85.00"),
    ),
    (34, "CHEM", GAULT, {"DATE": LATE, "birth_date": "1986-11-22", "VS.WEIGHT": 72, "CREAT": 88.4, "sex": "M"}, D(100)),
    (34, "CHEM", GAULT, {"DATE": LATE, "birth_date": "1986-11-22", "VS.WEIGHT": 72, "CREAT": 88.4}, UNKNOWN),
]


@pytest.mark.parametrize(("number", "form", "text", "given", "expected"), EXAMPLES)
def test_a_numbered_example_gives_what_its_note_says(
    number: int, form: str, text: str, given: dict[str, Any], expected: Any
) -> None:
    found = answer(form, text, given)
    assert found == expected
    assert type(found) is type(expected)


def test_every_numbered_example_is_tried() -> None:
    assert {example[0] for example in EXAMPLES} | {35} == set(range(1, 36))


def test_example_35_a_range_inside_a_comparison_is_refused_with_what_would_do() -> None:
    with pytest.raises(ExpressionError) as refused:
        compiled("MG", "any(TOTAL[D14:M6] <= 1)")
    assert "stands alone" in refused.value.message
    assert refused.value.expected == "min(TOTAL[D14:M6]) <= 1"


def test_examples_10_and_11_say_the_same_on_both_sides_of_the_edge() -> None:
    for alt in (D("119.9"), D(120), D("120.1")):
        given = {"ALT": alt, "uln ALT": 40}
        assert answer("CHEM", "ALT / uln(ALT) > 3", given) is answer("CHEM", "ALT > 3 * uln(ALT)", given)


@pytest.mark.parametrize(
    ("form", "text", "kind", "shown"),
    [
        ("VS", "DIABP >= SYSBP", "boolean", "yes/no"),
        ("VS", "WEIGHT / (HEIGHT[latest] / 100) ** 2", "number", "(cm)^-2.kg"),
        ("SLEDAI", "score(EIGHT) + score(FOUR)", "number", "number"),
        ("CHEM", "3 * uln(ALT)", "number", "U/L"),
        ("CHEM", "ALT / uln(ALT)", "number", "number"),
        ("HEM", "min(ANC[D0:D28])", "number", "10*9/L"),
        ("MG", "months_after(last_infused_on, 12)", "date", "date"),
        ("MG", "participants(CRS, grade >= 4)", "number", "number"),
    ],
)
def test_an_expression_knows_its_kind_and_unit(form: str, text: str, kind: str, shown: str) -> None:
    found = compiled(form, text).type
    assert (found.kind, found.shown) == (kind, shown)


def test_a_dose_given_is_compared_with_the_planned_dose_of_its_product() -> None:
    text = "any(INFUSIONS, abs(percent_change(DOSE, planned_dose(PRODUCT))) > 20)"
    given = {"dose CAR_A": 1, "dose CAR_B": 3}
    assert answer("INF", text, given | {"rows INFUSIONS": [row(PRODUCT="CAR_B", DOSE=3.61)]}) is True
    assert answer("INF", text, given | {"rows INFUSIONS": [row(PRODUCT="CAR_B", DOSE=3.6)]}) is False
    assert answer("INF", text, given | {"rows INFUSIONS": [row(PRODUCT="CAR_A", DOSE=3.6)]}) is True
    assert answer("INF", text, {"rows INFUSIONS": [row(PRODUCT="CAR_A", DOSE=3.6)]}) is UNKNOWN
