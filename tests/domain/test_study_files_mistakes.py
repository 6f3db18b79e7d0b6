"""Mistakes planted in the five study folders: each gives one message, with its file, line, path and what to do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from seeds.loader.loading import load_study

SEEDS = Path(__file__).resolve().parents[2] / "seeds"


@dataclass(frozen=True)
class Mistake:
    """Replace ``old`` by ``new`` in ``file`` and load ``study``: exactly this problem is listed."""

    name: str
    study: str
    file: str
    old: str
    new: str
    place: str
    message: str
    path: str
    expected: str = ""
    near: str = ""


MISTAKES = [
    Mistake(
        "an unknown key",
        "scar02",
        "library/forms/VS.yaml",
        "SYSBP: {label:",
        "SYSBP: {lable:",
        "library/forms/VS.yaml:7",
        'unknown key "lable"',
        "items.SYSBP.lable",
        near="label",
    ),
    Mistake(
        "an unknown unit",
        "scar02",
        "library/forms/VS.yaml",
        "unit: Cel",
        "unit: degC",
        "library/forms/VS.yaml:6",
        'unknown unit "degC"',
        "items.TEMP.unit",
        near="Cel",
    ),
    Mistake(
        "a range that runs backwards",
        "scar02",
        "library/forms/VS.yaml",
        "hard: 30..45",
        "hard: 45..30",
        "library/forms/VS.yaml:6",
        '"45..30": the range runs backwards',
        "items.TEMP.hard",
        expected="30..45",
    ),
    Mistake(
        "a character YAML cannot start a value with",
        "scar02",
        "library/forms/VS.yaml",
        'unit: "%"',
        "unit: %",
        "library/forms/VS.yaml:11",
        "not readable as YAML: found character '%' that cannot start any token",
        "",
        expected='put % in quotes: "%"',
    ),
    Mistake(
        "a name that is not there",
        "scar02",
        "library/forms/VS.yaml",
        "DIABP >= SYSBP",
        "DIABP >= SISBP",
        "library/forms/VS.yaml:20",
        'nothing is called "SISBP" here',
        "checks.DIA_BELOW_SYS.when",
        near="SYSBP",
    ),
    Mistake(
        "one equals sign",
        "scar02",
        "library/forms/PREG.yaml",
        'when: RESULT == "POS"',
        'when: RESULT = "POS"',
        "library/forms/PREG.yaml:11",
        '"RESULT = "POS"" is not an expression',
        "checks.POSITIVE.when",
        expected='"==" instead of "="',
    ),
    Mistake(
        "a code that is not in the list",
        "scar02",
        "library/forms/PREG.yaml",
        'RESULT == "POS"',
        'RESULT == "POSITIVE"',
        "library/forms/PREG.yaml:11",
        '"POSITIVE" is not a code of RESULT',
        "checks.POSITIVE.when",
        expected="one of NEG, POS",
    ),
    Mistake(
        "a number without a unit",
        "scar02",
        "library/forms/SLEDAI.yaml",
        '(HEM.PLT < "100 10*9/L")',
        "(HEM.PLT < 100)",
        "library/forms/SLEDAI.yaml:61",
        '"HEM.PLT" is in 10*9/L; the number 100 has no unit',
        "checks.PLATELETS_DISAGREE.when",
        expected='"100 10*9/L" in quotes',
    ),
    Mistake(
        "an item that stands twice",
        "scar02",
        "library/forms/SLEDAI.yaml",
        "      CASTS: Urinary casts",
        "      ARTHRITIS: Arthritis again\n      CASTS: Urinary casts",
        "library/forms/SLEDAI.yaml:24",
        '"ARTHRITIS" stands twice',
        "groups.FOUR.items.ARTHRITIS",
        expected="one entry; the first is on line 22",
    ),
    Mistake(
        "a unit that does not convert by itself",
        "scar02",
        "library/forms/CHEM.yaml",
        "also: {mg/dL: 88.4}",
        "also: mg/dL",
        "library/forms/CHEM.yaml:14",
        '"mg/dL" does not convert to umol/L by itself',
        "groups.PANEL.items.CREAT.also",
        expected="the factor, for example also: {mg/dL: 88.4}",
    ),
    Mistake(
        "an instrument without such a result",
        "scar02",
        "library/forms/HAQ.yaml",
        "HAQ_DI.standard",
        "HAQ_DI.standart",
        "library/forms/HAQ.yaml:39",
        'instrument HAQ_DI has no result "standart"',
        "groups.RESULT.items.DI.instrument",
        near="standard",
    ),
    Mistake(
        "a bound form without an item of its kind",
        "scar02",
        "library/forms/CRS.yaml",
        "  OXYGEN:\n",
        "  OXIGEN:\n",
        "library/forms/CRS.yaml:4",
        "form CRS binds crs, which needs the item OXYGEN",
        "binds",
        near="OXIGEN",
    ),
    Mistake(
        "a DLT rule over a form without grades",
        "scar02",
        "library/safety.yaml",
        "of: CRS",
        "of: CSR",
        "library/safety.yaml:12",
        '"CSR" is not a form with grades in this study',
        "dlt.rules.CRS4.of",
        near="CRS",
    ),
    Mistake(
        "a set that is not there",
        "gmg-keyboard",
        "gmg-keyboard/schedule.yaml",
        "MGADL: EFFICACY",
        "MGADL: EFICACY",
        "gmg-keyboard/schedule.yaml:59",
        '"EFICACY" is neither a visit nor a set',
        "forms.everyone.MGADL",
        near="EFFICACY",
    ),
    Mistake(
        "windows that overlap",
        "gmg-keyboard",
        "gmg-keyboard/schedule.yaml",
        "D21: {day: 21, window: 2}",
        "D21: {day: 21, window: -6..2}",
        "gmg-keyboard/schedule.yaml:15",
        "the windows of D14 (day 12 to 16) and D21 (day 15 to 23) overlap",
        "visits.D21",
        expected="windows that do not touch",
    ),
    Mistake(
        "an outcome whose form is not scheduled there",
        "gmg-keyboard",
        "gmg-keyboard/schedule.yaml",
        "QMG: EFFICACY",
        "QMG: [SCR, D-1, D14..M6]",
        "gmg-keyboard/outcomes.yaml:7",
        "outcome A4 needs QMG at M9, M12, M18, M24, but the schedule has no QMG there for everyone",
        "secondary.A4.at",
        expected="these visits in the line QMG of schedule.yaml",
    ),
    Mistake(
        "cases that are not the options of a policy",
        "gmg-keyboard",
        "gmg-keyboard/eligibility.yaml",
        "          mgadl_only: true",
        "          mgadl: true",
        "gmg-keyboard/eligibility.yaml:41",
        "the cases qualifying_scale, mgadl are not the options of ocular_scope",
        "define.qmg_qualifies.all.1.policy ocular_scope",
        expected="qualifying_scale, mgadl_only",
    ),
    Mistake(
        "a quantity of another dimension",
        "ucart-rheum",
        "ucart-rheum/eligibility.yaml",
        'HEM.HB >= "60 g/L"',
        'HEM.HB >= "60 mmol/L"',
        "ucart-rheum/eligibility.yaml:70",
        '"60 mmol/L" cannot be compared with a value in g/L',
        "include.everyone.C3B.met.any.0",
        expected="a unit that converts to g/L",
    ),
    Mistake(
        "a rule that is none",
        "ucart-rheum",
        "ucart-rheum/eligibility.yaml",
        "at least 2:",
        "atleast 2:",
        "ucart-rheum/eligibility.yaml:173",
        '"atleast 2" is not a rule',
        "include.IIM.IIM2.met.all.1.atleast 2",
        near="at least 2",
    ),
    Mistake(
        "a level outside the allowed range",
        "scar02",
        "scar02/dose.yaml",
        "[0.5, 1, 2, 3]",
        "[0.5, 1, 2, 5]",
        "scar02/dose.yaml:4",
        "level 5 lies outside the allowed 0.5..3 10*6 cells/kg",
        "ladders.MAIN",
        expected="levels inside the allowed range",
    ),
    Mistake(
        "a version without a note of what changed",
        "scar02",
        "scar02/study.yaml",
        "  1: First version",
        "  2: First version",
        "scar02/study.yaml:1",
        "changes has no entry for version 1",
        "",
        expected='a line such as "1: What changed"',
    ),
    Mistake(
        "a mark that points at nothing",
        "scar02",
        "scar02/schedule.yaml",
        "visits.*.window:",
        "visit.*.window:",
        "scar02/schedule.yaml:81",
        '"visit.*.window" points at nothing in this file',
        "assumed.visit.*.window",
        near="visits.*.window",
    ),
    Mistake(
        "a ladder that does not rise",
        "scar02",
        "scar02/dose.yaml",
        "[0.5, 1, 2, 3]",
        "[0.5, 2, 1, 3]",
        "scar02/dose.yaml:4",
        "the ladder does not rise from 2 to 1",
        "ladders.MAIN",
        expected="rising levels",
    ),
    Mistake(
        "a form that is nowhere",
        "scar02",
        "scar02/schedule.yaml",
        "    SLEDAI: S",
        "    SLEDA: S",
        "scar02/schedule.yaml:69",
        'there is no form "SLEDA"',
        "forms.SLE.SLEDA",
        near="SLEDAI",
    ),
    Mistake(
        "a gate that is no visit",
        "gmg-keyboard",
        "gmg-keyboard/eligibility.yaml",
        "baseline: D-1",
        "baseline: D-2",
        "gmg-keyboard/eligibility.yaml:3",
        '"D-2" is not a visit',
        "gates.baseline",
        near="D28",
    ),
    Mistake(
        "a criterion at an unknown gate",
        "gmg-keyboard",
        "gmg-keyboard/eligibility.yaml",
        "at: infusion",
        "at: infusions",
        "gmg-keyboard/eligibility.yaml:104",
        '"infusions" is not a gate',
        "include.everyone.M9.at",
        near="infusion",
    ),
    Mistake(
        "a definition that is never used",
        "gmg-keyboard",
        "gmg-keyboard/eligibility.yaml",
        "          - mgadl_qualifies\n",
        "          - MGADL.TOTAL >= 5\n",
        "gmg-keyboard/eligibility.yaml:44",
        "the definition mgadl_qualifies is never used",
        "define.mgadl_qualifies",
        expected="a rule that names it",
    ),
    Mistake(
        "a definition that reads itself",
        "gmg-keyboard",
        "gmg-keyboard/eligibility.yaml",
        "      - MGADL.TOTAL >= 5\n",
        "      - mgadl_qualifies\n",
        "gmg-keyboard/eligibility.yaml:46",
        '"mgadl_qualifies" reads itself: mgadl_qualifies, mgadl_qualifies',
        "define.mgadl_qualifies.all.0",
        expected="a rule that does not lead back to itself",
    ),
    Mistake(
        "a formula that reads itself",
        "scar02",
        "library/forms/SLEDAI.yaml",
        "formula: TOTAL - score(COMPLEMENT)",
        "formula: CLINICAL - score(COMPLEMENT)",
        "library/forms/SLEDAI.yaml:57",
        "the formula reads itself: SLEDAI.CLINICAL reads SLEDAI.CLINICAL",
        "groups.RESULT.items.CLINICAL.formula",
        expected="a formula that does not lead back to itself",
    ),
    Mistake(
        "a form read where it is not captured",
        "ucart-rheum",
        "ucart-rheum/schedule.yaml",
        "BMARK: SCR",
        "BMARK: D-1",
        "ucart-rheum/eligibility.yaml:57",
        "BMARK is not captured at SCR, where this rule reads it",
        "include.everyone.C2.met",
        expected="BMARK at these visits, or a name with [latest]",
    ),
    Mistake(
        "a code list that is not there",
        "scar02",
        "library/forms/PREG.yaml",
        "codes: NEGPOS",
        "codes: POSNEG",
        "library/forms/PREG.yaml:7",
        '"POSNEG" is not a code list',
        "items.RESULT.codes",
        expected="a list of codelists.yaml, code: label pairs, or a plain list",
    ),
    Mistake(
        "a check beside an item that is not there",
        "scar02",
        "library/forms/PREG.yaml",
        "    when: RESULT",
        "    on: RESULTS\n    when: RESULT",
        "library/forms/PREG.yaml:11",
        'there is no item "RESULTS"',
        "checks.POSITIVE.on",
        near="RESULT",
    ),
    Mistake(
        "a text that is not text",
        "scar02",
        "library/forms/PREG.yaml",
        "label: Pregnancy test",
        "label: [Pregnancy, test]",
        "library/forms/PREG.yaml:2",
        "a list does not fit here",
        "label",
        expected="a text",
    ),
    Mistake(
        "a label that is missing",
        "scar02",
        "library/forms/PREG.yaml",
        "DATE: {label: Sample taken, type: datetime}",
        "DATE: {type: datetime}",
        "library/forms/PREG.yaml:5",
        "label is missing",
        "items.DATE",
        expected="the key label in this block",
    ),
    Mistake(
        "a type that is none",
        "scar02",
        "library/forms/PREG.yaml",
        "type: datetime",
        "type: datetim",
        "library/forms/PREG.yaml:5",
        '"datetim" is not a type',
        "items.DATE.type",
        near="datetime",
    ),
    Mistake(
        "an item without a type",
        "scar02",
        "library/forms/PREG.yaml",
        ", type: datetime}",
        "}",
        "library/forms/PREG.yaml:5",
        "type is missing",
        "items.DATE",
        expected="the key type in this block",
    ),
    Mistake(
        "a product of the arm that is not there",
        "ucart-neuro",
        "ucart-neuro/study.yaml",
        "products: [CD19-U, BCMA-U]",
        "products: [CD19-U, BCMAU]",
        "ucart-neuro/study.yaml:19",
        '"BCMAU" is not a product of the study',
        "arms.BOTH.products",
        near="BCMA-U",
    ),
    Mistake(
        "a ladder without one of the products",
        "ucart-neuro",
        "ucart-neuro/dose.yaml",
        "    BCMA-U: [1, 3, 6]\n",
        "",
        "ucart-neuro/dose.yaml:5",
        "the ladder has no amounts of BCMA-U",
        "ladders.BOTH",
        expected="a list for each product",
    ),
    Mistake(
        "a month that is not in the table",
        "scar02",
        "scar02/schedule.yaml",
        "M9: {month: 9,",
        "M9: {month: 8,",
        "scar02/schedule.yaml:20",
        "month 8 is not in the table months",
        "visits.M9.month",
        expected="one of 1, 2, 3, 6, 9, 12, 18, 24",
    ),
    Mistake(
        "a visit with two places",
        "scar02",
        "scar02/schedule.yaml",
        "M9: {month: 9,",
        "M9: {month: 9, day: 274,",
        "scar02/schedule.yaml:20",
        "the visit has day and month",
        "visits.M9",
        expected="exactly one of day, month, days and when",
    ),
    Mistake(
        "a population that is not there",
        "scar02",
        "scar02/schedule.yaml",
        "  SLE:\n    SLEDAI",
        "  SLEE:\n    SLEDAI",
        "scar02/schedule.yaml:68",
        '"SLEE" is not a population of the study',
        "forms.SLEE",
        near="SLE",
    ),
    Mistake(
        "a term that CTCAE does not have",
        "scar02",
        "library/safety.yaml",
        "except: [Lymphocyte count decreased]",
        "except: [Lymphocyte count decrease]",
        "library/safety.yaml:26",
        '"Lymphocyte count decrease" is not a CTCAE term',
        "dlt.rules.BLOOD.except",
        near="Lymphocyte count decreased",
    ),
    Mistake(
        "a comma that cuts a text in two",
        "scar02",
        "library/forms/DEATH.yaml",
        "label: Date of death",
        "label: Date, of death",
        "library/forms/DEATH.yaml:6",
        'unknown key "of death"',
        "items.DATE.of death",
        expected="one of label, heading, help, type, unit, also, decimals, codes, hard, soft, required, show, nulls, "
        "formula, instrument, weight, lab, sdtm",
    ),
    Mistake(
        "a soft range outside the hard one",
        "scar02",
        "library/forms/VS.yaml",
        "soft: 35..40",
        "soft: 35..46",
        "library/forms/VS.yaml:6",
        "soft 35..46 reaches outside hard 30..45",
        "items.TEMP",
        expected="a soft range inside the hard one",
    ),
    Mistake(
        "a tab",
        "scar02",
        "library/forms/PREG.yaml",
        "    when: RESULT",
        "\twhen: RESULT",
        "library/forms/PREG.yaml:11",
        "not readable as YAML: found character '\\t' that cannot start any token",
        "",
        expected="two spaces instead of a tab",
    ),
    Mistake(
        "a hint for the kind of a form",
        "scar02",
        "library/forms/INF.yaml",
        "binds: infusion",
        "binds: infusions",
        "library/forms/INF.yaml:4",
        '"infusions" is not a kind of form',
        "binds",
        near="infusion",
    ),
    Mistake(
        "a code that the grading does not know",
        "scar02",
        "library/forms/CRS.yaml",
        "BLOWBY: Blow-by, ",
        "",
        "library/forms/CRS.yaml:24",
        "crs reads other codes of OXYGEN than these",
        "items.OXYGEN.codes",
        expected="NONE, CANNULA, BLOWBY, MASK, HFNC, CPAP, VENT",
    ),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library and of all studies."""
    root = tmp_path_factory.mktemp("seeds")
    shutil.copytree(SEEDS / "library", root / "library")
    shutil.copytree(SEEDS / "studies", root / "studies")
    return root


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_planted_mistake_gives_exactly_one_message_that_says_where_it_is_and_what_to_do(
    tree: Path, mistake: Mistake
) -> None:
    path = tree / mistake.file if mistake.file.startswith("library/") else tree / "studies" / mistake.file
    text = path.read_text()
    assert mistake.old in text
    path.write_text(text.replace(mistake.old, mistake.new, 1))
    try:
        loaded = load_study(tree / "studies" / mistake.study)
    finally:
        path.write_text(text)
    assert loaded.document is None
    found = [(f"{p.file}:{p.line}", p.message, p.path, p.expected, p.near) for p in loaded.problems]
    assert found == [(mistake.place, mistake.message, mistake.path, mistake.expected, mistake.near)]


def test_at_least_the_37_mistakes_of_the_format_are_planted_and_none_twice() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 37


def test_several_mistakes_in_several_files_are_listed_together_in_the_order_of_files_and_lines(tree: Path) -> None:
    edits = [
        ("library/forms/VS.yaml", "unit: Cel", "unit: degC"),
        ("studies/scar02/dose.yaml", "[0.5, 1, 2, 3]", "[0.5, 1, 2, 5]"),
        ("studies/scar02/study.yaml", "masking: none", "masking: nonne"),
        ("studies/scar02/safety.yaml", "notes:", "notse:"),
    ]
    texts = {name: (tree / name).read_text() for name, _, _ in edits}
    try:
        for name, old, new in edits:
            (tree / name).write_text(texts[name].replace(old, new, 1))
        problems = load_study(tree / "studies/scar02").problems
    finally:
        for name, text in texts.items():
            (tree / name).write_text(text)
    assert [(problem.file, problem.message, problem.near) for problem in problems] == [
        ("library/forms/VS.yaml", 'unknown unit "degC"', "Cel"),
        ("scar02/dose.yaml", "level 5 lies outside the allowed 0.5..3 10*6 cells/kg", ""),
        ("scar02/safety.yaml", 'unknown key "notse"', "notes"),
        ("scar02/study.yaml", '"nonne" is not a masking', "none"),
    ]


def test_a_problem_is_printed_on_two_lines_with_the_hint_in_one_column(tree: Path) -> None:
    path = tree / "library/forms/VS.yaml"
    text = path.read_text()
    path.write_text(text.replace("SYSBP: {label:", "SYSBP: {lable:", 1))
    try:
        (problem,) = load_study(tree / "studies/scar02").problems
    finally:
        path.write_text(text)
    assert str(problem) == (
        'library/forms/VS.yaml:7: unknown key "lable"\n'
        "    at items.SYSBP.lable                                did you mean: label?"
    )


def test_a_file_that_cannot_be_read_hides_no_other_mistake_and_its_names_are_passed_over(tree: Path) -> None:
    broken, wrong = tree / "library/forms/HEM.yaml", tree / "library/forms/PREG.yaml"
    texts = broken.read_text(), wrong.read_text()
    broken.write_text(texts[0].replace("form: HEM", "form: [HEM", 1))
    wrong.write_text(
        texts[1].replace("DATE: {label: Sample taken, type: datetime}", "DATE: {label: Taken, type: when}", 1)
    )
    try:
        problems = load_study(tree / "studies/scar02").problems
    finally:
        broken.write_text(texts[0])
        wrong.write_text(texts[1])
    assert [problem.file for problem in problems] == ["library/forms/HEM.yaml", "library/forms/PREG.yaml"]


def test_an_unmapped_file_name_is_refused_so_that_nothing_is_silently_ignored(tree: Path) -> None:
    extra = tree / "studies/scar02/shedule.yaml"
    extra.write_text("anchor: consent\n")
    try:
        (problem,) = load_study(tree / "studies/scar02").problems
    finally:
        extra.unlink()
    assert (problem.file, problem.message, problem.near) == (
        "scar02/shedule.yaml",
        "a file of this name is not read",
        "schedule.yaml",
    )


def test_a_missing_file_is_one_problem(tree: Path) -> None:
    path = tree / "studies/scar02/outcomes.yaml"
    text = path.read_text()
    path.unlink()
    try:
        (problem,) = load_study(tree / "studies/scar02").problems
    finally:
        path.write_text(text)
    assert (problem.file, problem.message) == ("scar02/outcomes.yaml", "the file is missing")
