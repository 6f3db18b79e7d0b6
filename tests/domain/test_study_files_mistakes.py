"""Mistakes planted in the five study folders: each gives one message, with its file, line, path and what to do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from seeds.loader.loading import load_study

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
REFERENCE = Path(__file__).resolve().parents[1] / "reference"


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


MISTAKES = [Mistake(**row) for row in yaml.safe_load((REFERENCE / "study_file_mistakes.yaml").read_text("utf-8"))]


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
