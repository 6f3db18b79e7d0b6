"""Content and shape of a study version: what a change of words touches, and what a change of rules touches."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from seeds.loader.hashing import content_hash, report, shape_hash, text_of
from seeds.loader.loading import load_study

SEEDS = Path(__file__).resolve().parents[2] / "seeds"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library and of all studies."""
    root = tmp_path_factory.mktemp("seeds")
    shutil.copytree(SEEDS / "library", root / "library")
    shutil.copytree(SEEDS / "studies", root / "studies")
    return root


def document_with(tree: Path, *edits: tuple[str, str, str], study: str = "scar02") -> dict[str, Any]:
    texts = {name: (tree / name).read_text() for name, _, _ in edits}
    try:
        for name, old, new in edits:
            assert old in texts[name], f"{old!r} is not in {name}"
            (tree / name).write_text((tree / name).read_text().replace(old, new, 1))
        loaded = load_study(tree / "studies" / study)
    finally:
        for name, text in texts.items():
            (tree / name).write_text(text)
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.document is not None
    return loaded.document


@pytest.fixture(scope="module")
def scar02(tree: Path) -> dict[str, Any]:
    return document_with(tree)


def test_the_same_folder_gives_the_same_text_and_hashes(tree: Path, scar02: dict[str, Any]) -> None:
    again = document_with(tree)
    assert text_of(again) == text_of(scar02)
    assert content_hash(text_of(again)) == content_hash(text_of(scar02))


def test_a_comment_and_another_order_of_keys_in_an_item_change_nothing(tree: Path, scar02: dict[str, Any]) -> None:
    edits = [
        ("library/forms/VS.yaml", "form: VS", "# a comment\nform: VS"),
        ("library/forms/VS.yaml", "unit: Cel, decimals: 1", "decimals: 1, unit: Cel"),
    ]
    assert text_of(document_with(tree, *edits)) == text_of(scar02)


WORDS = {
    "a label": ("library/forms/VS.yaml", "label: Temperature", "label: Body temperature"),
    "a message": ("library/forms/VS.yaml", "say: Diastolic", "say: The diastolic"),
    "a help": ("library/forms/BILAG.yaml", "help: The past 4 weeks", "help: The last 4 weeks"),
    "the label of a code": ("library/codelists.yaml", "F: Female", "F: Woman"),
    "the title": ("studies/scar02/study.yaml", "title: Anti-BCMA", "title: Study of anti-BCMA"),
    "the label of a visit": ("studies/scar02/schedule.yaml", "label: Baseline", "label: Before the infusion"),
    "a mark": ("studies/scar02/schedule.yaml", "The source gives no windows.", "No windows are given."),
    "a translation": ("library/labels/zh.yaml", "VS.TEMP: 体温", "VS.TEMP: 温度"),
    "a note of safety": ("studies/scar02/safety.yaml", "Manage by the local plan", "Follow the local plan"),
    "the label of an outcome": ("studies/scar02/outcomes.yaml", "label: ESR", "label: Sedimentation"),
    "how a unit is shown": ("library/units.yaml", "shows: mmHg", "shows: mm Hg"),
    "a publication cited": ("library/forms/SLEDAI.yaml", "cites: Gladman", "cites: D. Gladman"),
}


@pytest.mark.parametrize("change", WORDS.values(), ids=WORDS)
def test_a_change_of_words_changes_the_content_and_keeps_the_shape(
    tree: Path, scar02: dict[str, Any], change: tuple[str, str, str]
) -> None:
    changed = document_with(tree, change)
    assert text_of(changed) != text_of(scar02)
    assert shape_hash(changed) == shape_hash(scar02)


SHAPES = {
    "a range": ("library/forms/VS.yaml", "hard: 30..45", "hard: 30..44"),
    "a unit": (
        "library/forms/VS.yaml",
        "PULSE: {label: Pulse, type: integer, unit: /min",
        "PULSE: {label: Pulse, type: integer, unit: s",
    ),
    "a rule": ("library/forms/VS.yaml", "when: DIABP >= SYSBP", "when: DIABP > SYSBP"),
    "a code": ("library/codelists.yaml", "OTH: Other}", "OTHER: Other}"),
    "the order of items": (
        "library/forms/PREG.yaml",
        "  RESULT: {label: hCG, codes: NEGPOS}\n  LACTATING: {label: Breast-feeding, type: yesno}\n",
        "  LACTATING: {label: Breast-feeding, type: yesno}\n  RESULT: {label: hCG, codes: NEGPOS}\n",
    ),
    "a window": ("studies/scar02/schedule.yaml", "D21: {day: 21, window: 2}", "D21: {day: 21, window: 1}"),
    "where a form is captured": ("studies/scar02/schedule.yaml", "    ECOG: SCR", "    ECOG: [SCR, D-1]"),
    "a dose level": ("studies/scar02/dose.yaml", "[0.5, 1, 2, 3]", "[0.5, 1, 2, 2.5]"),
    "the cap": ("studies/scar02/study.yaml", "cap: 18", "cap: 20"),
    "a DLT rule": ("library/safety.yaml", "hours_at_grade(3) > 72", "hours_at_grade(3) > 48"),
    "whether an item is required": ("library/forms/VS.yaml", "type: time, required: false", "type: time"),
    "the level of a check": ("library/forms/IG.yaml", "level: note", "level: soft"),
}


@pytest.mark.parametrize("change", SHAPES.values(), ids=SHAPES)
def test_a_change_of_a_rule_or_setting_changes_the_shape(
    tree: Path, scar02: dict[str, Any], change: tuple[str, str, str]
) -> None:
    assert shape_hash(document_with(tree, change)) != shape_hash(scar02)


def test_a_higher_version_with_its_note_alone_keeps_the_shape(tree: Path, scar02: dict[str, Any]) -> None:
    change = ("studies/scar02/study.yaml", "version: 1\nchanges:\n", "version: 2\nchanges:\n  2: Nothing new.\n")
    assert shape_hash(document_with(tree, change)) == shape_hash(scar02)


def test_the_report_names_each_setting_that_changed(tree: Path, scar02: dict[str, Any]) -> None:
    after = document_with(
        tree,
        ("library/forms/VS.yaml", "hard: 30..45", "hard: 30..44"),
        ("studies/scar02/schedule.yaml", "D21: {day: 21, window: 2}", "D21: {day: 21, window: 1}"),
        ("studies/scar02/study.yaml", "cap: 18", "cap: 20"),
    )
    lines = report(scar02, after)
    assert "study.cap: 18 -> 20" in lines
    assert "forms.VS.items.TEMP.hard: 30..45 -> 30..44" in lines
    assert "schedule.visits.D21.opens: 19 -> 20" in lines
    assert len(lines) == 4


def test_expressions_stand_in_the_document_as_text_with_the_file_they_came_from(scar02: dict[str, Any]) -> None:
    check = scar02["forms"]["VS"]["checks"]["DIA_BELOW_SYS"]
    assert check["when"] == {"expression": "DIABP >= SYSBP", "from": "library/forms/VS.yaml"}
    shown = scar02["forms"]["URINE"]["items"]["PROT24"]["show"]
    assert shown == {"expression": 'condition == "SLE"', "from": "scar02/forms/URINE.yaml"}


def test_nothing_in_the_document_names_a_library_any_more(scar02: dict[str, Any]) -> None:
    sex = scar02["forms"]["DM"]["items"]["SEX"]
    assert (sex["codes"], sex["code_list"]) == ({"F": "Female", "M": "Male"}, "SEX")
    assert scar02["forms"]["HEM"]["items"]["HB"]["group"] == "COUNT"
    assert scar02["safety"]["dlt"]["days_after_last"] == 28
