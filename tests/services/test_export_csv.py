"""One CSV per form: values, units, null flavours; scoped, streamed, harmless in a spreadsheet."""

from __future__ import annotations

import csv
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from capture.domain.null_flavours import NullFlavour
from capture.exports import csv as export
from capture.services.completion import remove_record
from capture.services.data_entry import save_items
from seeds.factories.capture import member, participant_in, site_of, slot_at, study_version
from seeds.factories.trials import SYSTEM
from trials.domain.roles import Role
from trials.models import Participant
from trials.records.domain.errors import DomainError

pytestmark = pytest.mark.django_db


@pytest.fixture
def participant() -> Participant:
    return participant_in(study_version())


def rows(participant: Participant, form: str, actor: object = SYSTEM) -> list[dict[str, str]]:
    lines = export.export_form(participant.version, form, actor=actor)  # type: ignore[arg-type]
    return list(csv.DictReader(lines))


def test_a_line_holds_values_units_and_null_flavours(participant: Participant) -> None:
    changes: dict[str, str | NullFlavour | None] = {
        "TEMP": "36.8",
        "SYSBP": NullFlavour("ND", "cuff broken"),
        "NOTE": "=1+1",
    }
    save_items(slot_at(participant, "SCR", "VS", on=date(2026, 1, 5)), changes, actor=SYSTEM, expected_version=0)
    (row,) = rows(participant, "VS")
    assert (row["PARTICIPANT"], row["SITE"], row["VISIT"], row["STATE"]) == ("01-001", "01", "SCR", "in_progress")
    assert (row["TEMP"], row["TEMP_UNIT"], row["TEMP_NULL"]) == ("36.8", "Cel", "")
    assert (row["SYSBP"], row["SYSBP_UNIT"], row["SYSBP_NULL"]) == ("", "", "Not done: cuff broken")
    assert row["NOTE"] == "'=1+1"


def test_rows_of_a_repeating_group_are_lines_of_their_own(participant: Participant) -> None:
    changes = {"INFUSIONS.1.CELLS": "36", "INFUSIONS.2.CELLS": "12"}
    save_items(slot_at(participant, "D0", "INF"), changes, actor=SYSTEM, expected_version=0)
    found = rows(participant, "INF")
    assert [(row["GROUP"], row["GROUP_ROW"], row["CELLS"]) for row in found] == [
        ("INFUSIONS", "1", "36"), ("INFUSIONS", "2", "12"),
    ]  # fmt: skip


def test_removed_records_and_foreign_sites_stay_out(participant: Participant) -> None:
    log = slot_at(participant, "", "CM")
    gone = save_items(log, {"NAME": "Wrong"}, actor=SYSTEM, expected_version=0).record
    save_items(log, {"NAME": "Right"}, actor=SYSTEM, expected_version=0)
    remove_record(gone, reason="entered twice", actor=SYSTEM)
    other = participant_in(participant.version, site_of(participant.version, "02"))
    save_items(slot_at(other, "", "CM"), {"NAME": "Foreign"}, actor=SYSTEM, expected_version=0)
    assert [row["NAME"] for row in rows(participant, "CM", member(participant.site))] == ["Right"]
    assert [row["NAME"] for row in rows(participant, "CM")] == ["Right", "Foreign"]


def test_whoever_may_not_export_is_refused_before_the_first_line(participant: Participant) -> None:
    for actor in (member(participant.site, Role.API_CLIENT), member(participant_in(study_version()).site)):
        with pytest.raises(DomainError):
            export.export_form(participant.version, "VS", actor=actor)
    with pytest.raises(DomainError):
        export.export_form(participant.version, "XX", actor=SYSTEM)


def test_one_statement_for_each_chunk_and_no_record_twice(
    participant: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    for n in range(5):
        save_items(slot_at(participant, "", "CM"), {"NAME": f"Drug {n}"}, actor=SYSTEM, expected_version=0)
    with CaptureQueriesContext(connection) as captured:
        found = rows(participant, "CM")
    assert sorted(row["NAME"] for row in found) == [f"Drug {n}" for n in range(5)]
    assert len([each for each in captured.captured_queries if "capture_formrecord" in each["sql"]]) == 3
