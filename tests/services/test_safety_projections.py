"""What the safety room understands of saved records: grades with their working, episodes, adverse events."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.domain.null_flavours import NullFlavour
from capture.models import FormRecord
from capture.services.checking import check_items
from capture.services.completion import complete_record, remove_record
from capture.services.projecting import rebuild_projections
from capture.services.slots import Slot
from safety.models import AdverseEvent, AeGrade, Assessment, Episode
from seeds.factories.trials import SYSTEM
from tests.support.safety import ALERT_ICANS, FEBRILE, WELL, change, event, infused, published, save_log, site_in
from trials.models import Participant
from trials.records.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def participant() -> Participant:
    return infused(site_in(published()))


def graded(scale: str = "CRS") -> list[tuple[str, int | None]]:
    return list(Assessment.objects.filter(scale=scale).order_by("at").values_list("at", "grade"))


def test_a_saved_assessment_is_graded_with_its_working(participant: Participant) -> None:
    record = save_log(
        participant, "CRS", {**FEBRILE, "OXYGEN": "CANNULA", "FLOW": "3", "HYPOXIA_OTHER": "N"}, at="2026-10-13T08:00"
    )
    row = Assessment.objects.get()
    assert row.pk == record.pk
    assert (row.scale, row.at, row.time_zone, row.grade, row.evaluable) == (
        "CRS", "2026-10-13T08:00", "Europe/Berlin", 2, True,
    )  # fmt: skip
    assert row.working == "CRS grade 2: fever 38.6 °C and low-flow oxygen (nasal cannula 3 L/min, at most 6)"
    assert row.rule == "CRS-O2-2"
    assert row.findings["entered"]["OXYGEN"] == "CANNULA"


@pytest.mark.parametrize(("flow", "grade"), [("6", 2), ("6.1", 3)])
def test_both_sides_of_low_flow_reach_the_typed_row(participant: Participant, flow: str, grade: int) -> None:
    save_log(
        participant, "CRS", {**FEBRILE, "OXYGEN": "CANNULA", "FLOW": flow, "HYPOXIA_OTHER": "N"}, at="2026-10-13T08:00"
    )
    assert graded() == [("2026-10-13T08:00", grade)]


def test_what_is_not_evaluable_has_no_grade_and_says_what_is_missing(participant: Participant) -> None:
    save_log(participant, "CRS", {**FEBRILE, "OXYGEN": None}, at="2026-10-13T08:00")
    row = Assessment.objects.get()
    assert (row.grade, row.evaluable, row.findings["at_least"]) == (None, False, 1)
    assert row.working.startswith("CRS not evaluable, at least grade 1: oxygen")
    assert Episode.objects.get().grade == 1


def test_an_assessment_without_its_time_has_no_place_in_the_course(participant: Participant) -> None:
    save_log(participant, "CRS", {**FEBRILE, "PRESSORS": "1", "HYPOTENSION_OTHER": "N"})
    row = Assessment.objects.get()
    assert (row.at, row.grade, row.evaluable, row.episode_id) == ("", None, False, None)
    assert row.working.startswith("CRS not evaluable, at least grade 3: the time of the assessment not recorded")
    assert not Episode.objects.exists()


def test_an_earlier_row_entered_later_changes_the_grade_of_a_later_one_and_says_so(participant: Participant) -> None:
    later = save_log(
        participant, "CRS",
        {**WELL, "TREATED": "ANTICYTOKINE", "HYPOTENSION": "Y", "HYPOTENSION_OTHER": "N"}, at="2026-10-14T08:00",
    )  # fmt: skip
    assert graded() == [("2026-10-14T08:00", 0)]
    save_log(participant, "CRS", FEBRILE, at="2026-10-13T20:00")
    assert graded() == [("2026-10-13T20:00", 1), ("2026-10-14T08:00", 2)]
    noted = AuditEvent.objects.get(record_kind="Assessment")
    assert (noted.record_id, noted.action) == (str(later.pk), "grade")
    assert '"grade":["0","2"]' in noted.payload


def test_episodes_take_their_highest_grade_and_end_with_the_last_sign(participant: Participant) -> None:
    save_log(participant, "CRS", FEBRILE, at="2026-10-13T20:00")
    oxygen = {"OXYGEN": "MASK", "HYPOXIA_OTHER": "N"}
    save_log(participant, "CRS", {**FEBRILE, **oxygen}, at="2026-10-14T08:00")
    save_log(
        participant,
        "CRS",
        {**WELL, "TREATED": "ANTICYTOKINE", "OXYGEN": "CANNULA", "FLOW": "2", "HYPOXIA_OTHER": "N"},
        at="2026-10-15T08:00",
    )
    save_log(participant, "CRS", {**WELL, "TREATED": "ANTICYTOKINE"}, at="2026-10-16T08:00")
    save_log(participant, "CRS", FEBRILE, at="2026-10-17T08:00")
    found = Episode.objects.order_by("number").values_list("number", "started", "ended", "grade")
    assert list(found) == [
        (1, "2026-10-13T20:00", "2026-10-16T08:00", 3),
        (2, "2026-10-17T08:00", "", 1),
    ]
    assert [grade for _, grade in graded()] == [1, 3, 2, 0, 1]


def test_a_removed_assessment_leaves_no_row_and_no_episode(participant: Participant) -> None:
    record = save_log(participant, "CRS", FEBRILE, at="2026-10-13T20:00")
    remove_record(record, reason="Entered for the wrong participant", actor=SYSTEM)
    assert not Assessment.objects.exists()
    assert not Episode.objects.exists()


def test_icans_is_graded_by_its_points_and_its_score_is_kept(participant: Participant) -> None:
    save_log(participant, "ICANS", {**ALERT_ICANS, "COUNTS": "N", "OBJECT_3": "N"}, at="2026-10-14T08:00")
    save_log(
        participant,
        "ICANS",
        {**ALERT_ICANS, "ICE_DONE": "N"} | dict.fromkeys(list(ALERT_ICANS)[6:]),
        at="2026-10-15T08:00",
    )
    found = Assessment.objects.filter(scale="ICANS").order_by("at").values_list("grade", "score", "evaluable")
    assert list(found) == [(1, 8, True), (None, None, False)]


def test_an_adverse_event_keeps_its_course_its_causes_and_its_working(participant: Participant) -> None:
    values = event(("2", "2026-10-12"), ("3", "2026-10-14"), ("1", "2026-10"), SERIOUS="HOSPITAL", DISEASE="UNRELATED")
    record = save_log(participant, "AE", values)
    row = AdverseEvent.objects.get()
    assert (row.pk, row.number, row.grade, row.serious, row.serious_because) == (record.pk, 1, 3, True, ["HOSPITAL"])
    assert (row.term, row.organ_class, row.haematological) == (
        "Alanine aminotransferase increased", "Investigations", False,
    )  # fmt: skip
    assert row.causes == {"CART": "PROBABLE", "LYMPHODEPLETION": None, "DISEASE": "UNRELATED", "OTHER": None}
    assert row.related is True
    assert (row.started, str(row.started_earliest), row.ended, row.ongoing) == ("2026-10-12", "2026-10-12", "", True)
    assert row.working == "Grade 3: the highest of its course (2 from 2026-10-12, 3 from 2026-10-14, 1 from 2026-10)"
    periods = AeGrade.objects.order_by("row").values_list("row", "grade", "since", "since_earliest", "since_latest")
    assert [(row, grade, since, str(low), str(high)) for row, grade, since, low, high in periods] == [
        ("1", 2, "2026-10-12", "2026-10-12", "2026-10-12"),
        ("2", 3, "2026-10-14", "2026-10-14", "2026-10-14"),
        ("3", 1, "2026-10", "2026-10-01", "2026-10-31"),
    ]


def test_a_period_without_a_grade_is_no_period_and_is_named(participant: Participant) -> None:
    values = event(("3", "2026-10-12"))
    record = save_log(participant, "AE", {**values, "GRADES.2.FROM": "2026-10-14"})
    row = AdverseEvent.objects.get()
    assert row.working == "Grade 3: the highest of its course (3 from 2026-10-12); 1 grade of the course not recorded"
    blank: dict[str, Any] = {"GRADES.1.GRADE": None}
    change(record, **blank)
    row.refresh_from_db()
    assert (row.grade, row.working) == (None, "Grade not recorded; 2 grades of the course not recorded")
    assert not AeGrade.objects.exists()


def test_seriousness_that_nobody_answered_is_not_said_to_be_absent_until_the_record_is_complete(
    participant: Participant,
) -> None:
    record = save_log(participant, "AE", event(("3", "2026-10-12")))
    assert AdverseEvent.objects.get().serious is None
    record = change(record, SERIOUS="HOSPITAL")
    assert AdverseEvent.objects.get().serious is True
    record = change(record, SERIOUS=None)
    assert AdverseEvent.objects.get().serious is None
    finished = {"ONGOING": "N", "END": "2026-10-14", "OUTCOME": "RECOVERED"}
    record = change(record, **{**finished, **dict.fromkeys(("LYMPHODEPLETION", "DISEASE", "OTHER"), "UNRELATED")})
    complete_record(record, actor=SYSTEM, expected_version=record.version)
    assert AdverseEvent.objects.get().serious is False


def test_seriousness_that_was_not_assessed_is_not_said_to_be_absent(participant: Participant) -> None:
    record = save_log(participant, "AE", event(("3", "2026-10-12")))
    FormRecord.objects.filter(pk=record.pk).update(state=FormRecord.State.COMPLETE)
    change(record, reason="as the source says", CART="DEFINITE")
    assert AdverseEvent.objects.get().serious is False
    change(record, reason="as the source says", SERIOUS=NullFlavour("UNK"))
    assert AdverseEvent.objects.get().serious is None


def test_the_page_shows_the_grade_what_would_raise_it_and_writes_nothing(participant: Participant) -> None:
    before = AuditEvent.objects.count()
    slot = Slot(participant, None, "CRS")
    found = check_items(slot, {**FEBRILE, "AT": "2026-10-13T08:00"}, actor=SYSTEM).previews
    assert (found[0].text, found[0].level) == ("CRS grade 1", "note")
    assert found[0].because.startswith("fever 38.6 °C")
    raises = next(line for line in found if line.text == "Would raise the grade")
    assert "hypotension (grade 2)" in raises.because
    assert (AuditEvent.objects.count(), Assessment.objects.count()) == (before, 0)


def test_the_page_says_that_the_grade_after_treatment_hangs_on_the_episode(participant: Participant) -> None:
    values = {**WELL, "TREATED": "ANTICYTOKINE", "HYPOTENSION": "Y", "HYPOTENSION_OTHER": "N", "AT": "2026-10-14T08:00"}
    found = check_items(Slot(participant, None, "CRS"), values, actor=SYSTEM).previews
    assert [(line.text, line.level) for line in found[:2]] == [
        ("CRS grade 2 or less", "pending"),
        ("CRS grade 0 by this assessment alone", "pending"),
    ]


def test_the_page_never_shows_a_missing_item_as_grade_0(participant: Participant) -> None:
    found = check_items(Slot(participant, None, "CRS"), {"TEMP": "36.8"}, actor=SYSTEM).previews
    assert [(line.text, line.level) for line in found[:1]] == [("CRS not evaluable", "pending")]


def everything() -> list[Any]:
    events = AuditEvent.objects.count()
    rows = [list(model.objects.order_by("pk").values()) for model in (Assessment, Episode, AdverseEvent)]
    course = list(AeGrade.objects.order_by("event_id", "row").values("event_id", "row", "grade", "since"))
    return [events, rows, course]


ROWS = {
    "febrile": FEBRILE,
    "masked": {**FEBRILE, "OXYGEN": "MASK", "HYPOXIA_OTHER": "N"},
    "treated": {**WELL, "TREATED": "ANTICYTOKINE", "HYPOTENSION": "Y", "HYPOTENSION_OTHER": "N"},
    "well": WELL,
    "blank": {"TEMP": "38.0"},
}
SAVES = st.lists(st.tuples(st.sampled_from(sorted(ROWS)), st.integers(10, 19), st.booleans()), min_size=1, max_size=5)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(saves=SAVES)
def test_whatever_was_saved_and_removed_in_whatever_order_the_records_give_the_same_rows(
    django_db_blocker: Any, saves: list[tuple[str, int, bool]]
) -> None:
    with django_db_blocker.unblock(), transaction.atomic():
        participant = infused(site_in(published()))
        for name, day, is_removed in saves:
            record = save_log(participant, "CRS", ROWS[name], at=f"2026-10-{day}T08:00")
            if is_removed:
                remove_record(record, reason="Entered twice", actor=SYSTEM)
        before = everything()[1:]
        for model in (Assessment, Episode):
            model.objects.all().delete()
        rebuild_projections(participant, actor=SYSTEM)
        assert everything()[1:] == before
        transaction.set_rollback(True)


def test_rebuilding_from_the_records_gives_the_same_rows_and_notes_nothing(participant: Participant) -> None:
    save_log(participant, "CRS", FEBRILE, at="2026-10-13T20:00")
    save_log(participant, "CRS", {**WELL, "TREATED": "ANTICYTOKINE"}, at="2026-10-15T20:00")
    save_log(participant, "ICANS", {**ALERT_ICANS, "COUNTS": "N"}, at="2026-10-14T08:00")
    save_log(participant, "AE", event(("2", "2026-10-12"), ("3", "2026-10-14")))
    before = everything()
    rebuild_projections(participant, actor=SYSTEM)
    assert everything() == before
    for model in (Assessment, Episode, AeGrade, AdverseEvent):
        model.objects.all().delete()
    rebuild_projections(participant, actor=SYSTEM)
    assert everything()[1:] == before[1:]
