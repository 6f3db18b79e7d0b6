"""The command ``load_study``: what it writes, what it refuses, and that it writes nothing when it refuses."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from capture.definition.compiled import form_set
from safety.definition.compiled import safety_plan
from trials.definition.compiled import trial_definition
from trials.models import Arm, DoseLevel, Study, StudyVersion
from trials.records.models import AuditEvent

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
STUDIES = ("ccar168", "gmg-keyboard", "scar02", "ucart-neuro", "ucart-rheum")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of SCAR02 beside a copy of the library, to be changed freely."""
    shutil.copytree(SEEDS / "library", tmp_path / "library")
    shutil.copytree(SEEDS / "studies" / "scar02", tmp_path / "studies" / "scar02")
    return tmp_path / "studies" / "scar02"


def load(folder: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("load_study", str(folder), *options, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def refused(folder: Path, *options: str) -> tuple[str, str]:
    err = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("load_study", str(folder), *options, stdout=io.StringIO(), stderr=err)
    assert caught.value.returncode == 1
    return str(caught.value), err.getvalue()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1))


def nothing_written() -> bool:
    rows = (Study, StudyVersion, Arm, DoseLevel, AuditEvent)
    return not any(model.objects.exists() for model in rows)


@pytest.mark.parametrize("name", STUDIES)
def test_each_of_the_five_studies_is_published_and_compiles_again_from_the_database(name: str) -> None:
    said = load(SEEDS / "studies" / name, "--simulated")
    version = StudyVersion.objects.select_related("study").get()
    assert said.startswith(f"{version.study.oid} version 1 published: ")
    assert version.study.simulated
    assert version.published_by == "system:load_study"
    assert trial_definition(version).oid == version.study.oid
    assert "INF" in form_set(version).forms
    assert safety_plan(version).dlt.days_after_last == 28
    assert trial_definition(version) is trial_definition(StudyVersion.objects.get(pk=version.pk))


def test_the_ladder_and_the_arm_of_scar02_are_rows_and_only_the_first_level_is_open() -> None:
    load(SEEDS / "studies" / "scar02")
    levels = DoseLevel.objects.order_by("number").values_list("number", "amounts", "unit", "state")
    assert list(levels) == [
        (1, {"SCAR02": "0.5"}, "10*6 cells/kg", "open"),
        (2, {"SCAR02": "1"}, "10*6 cells/kg", "not_open"),
        (3, {"SCAR02": "2"}, "10*6 cells/kg", "not_open"),
        (4, {"SCAR02": "3"}, "10*6 cells/kg", "not_open"),
    ]
    assert list(Arm.objects.values_list("code", "label", "products")) == [("MAIN", "Single arm", ["SCAR02"])]
    assert not Study.objects.get().simulated


def test_check_says_what_it_found_and_writes_nothing() -> None:
    said = load(SEEDS / "studies" / "scar02", "--check")
    assert said == "scar02: 35 forms, 79 expressions, no problem. Nothing was written."
    assert nothing_written()


def test_a_bad_folder_is_refused_with_all_its_problems_and_writes_nothing(folder: Path) -> None:
    edit(folder / "dose.yaml", "[0.5, 1, 2, 3]", "[0.5, 1, 5]")
    edit(folder / "schedule.yaml", "D21: {day: 21, window: 2}", "D21: {day: 21, window: 6}")
    summary, problems = refused(folder)
    assert summary.startswith("scar02: 3 problems; nothing was written.")
    assert "scar02/dose.yaml:4: level 5 lies outside the allowed 0.5..3 10*6 cells/kg" in problems
    assert "the windows of D14 (day 12 to 16) and D21 (day 15 to 27) overlap" in problems
    assert "the windows of D21 (day 15 to 27) and D28 (day 25 to 31) overlap" in problems
    assert nothing_written()


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    _, problems = refused(tmp_path / "nowhere")
    assert "there is no such folder" in problems
    assert nothing_written()


def test_an_unknown_user_cannot_publish() -> None:
    summary, _ = refused(SEEDS / "studies" / "scar02", "--as", "nobody")
    assert summary == 'There is no user "nobody"; expected the name of an active user.'
    assert nothing_written()


def test_the_same_folder_again_changes_nothing(folder: Path) -> None:
    load(folder)
    events = AuditEvent.objects.count()
    assert load(folder) == "SCAR02 version 1 is published already; nothing changed."
    assert AuditEvent.objects.count() == events
    assert StudyVersion.objects.get().revision == 1


def test_other_words_are_published_in_place_and_the_compiled_forms_show_them(folder: Path) -> None:
    load(folder)
    assert form_set(StudyVersion.objects.get()).forms["VS"].items["TEMP"].label == "Temperature"
    edit(folder.parent.parent / "library/forms/VS.yaml", "label: Temperature", "label: Body temperature")
    said = load(folder).splitlines()
    assert said[0] == "SCAR02 version 1: words replaced in place (revision 2)."
    assert said[1].strip() == "forms.VS.items.TEMP.label: Temperature -> Body temperature"
    version = StudyVersion.objects.get()
    assert (version.number, version.revision) == (1, 2)
    assert form_set(version).forms["VS"].items["TEMP"].label == "Body temperature"


def test_another_shape_under_the_same_number_is_refused_and_leaves_the_version_alone(folder: Path) -> None:
    load(folder)
    before = StudyVersion.objects.get()
    edit(folder.parent.parent / "library/forms/VS.yaml", "hard: 30..45", "hard: 31..45")
    summary, _ = refused(folder)
    assert "expected a version above 1, since more than words changed" in summary
    after = StudyVersion.objects.get()
    assert (after.content_hash, after.revision) == (before.content_hash, 1)


def test_another_shape_under_a_higher_number_is_a_new_version_with_a_report_of_what_changed(folder: Path) -> None:
    load(folder)
    edit(folder.parent.parent / "library/forms/VS.yaml", "hard: 30..45", "hard: 31..45")
    edit(folder / "study.yaml", "version: 1\nchanges:\n", "version: 2\nchanges:\n  2: Lowest temperature corrected.\n")
    said = load(folder).splitlines()
    assert said[0] == "SCAR02 version 2 published: 35 forms, 79 expressions."
    assert "    forms.VS.items.TEMP.hard: 30..45 -> 31..45" in said
    first, second = StudyVersion.objects.order_by("number")
    assert (first.number, second.number) == (1, 2)
    assert second.changes == "Lowest temperature corrected."
    assert str(form_set(first).forms["VS"].items["TEMP"].hard) == "30..45"
    assert str(form_set(second).forms["VS"].items["TEMP"].hard) == "31..45"


def test_the_stored_document_is_json_without_binary_fractions() -> None:
    load(SEEDS / "studies" / "gmg-keyboard")

    def refuse(text: str) -> float:
        raise AssertionError(f"a binary fraction: {text}")

    document = json.loads(StudyVersion.objects.get().document, parse_float=refuse)
    assert document["dose"]["design"] == {
        "method": "keyboard",
        "target": "0.30",
        "key": "0.25..0.35",
        "overdose_above": "0.95",
        "overdose_from": 3,
    }
