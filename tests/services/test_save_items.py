"""Saving the items of a form: values, refusals, reasons, conflicts, dependents, audit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from capture.domain.null_flavours import NullFlavour
from capture.models import Draft, FormRecord, Query
from capture.services.completion import complete_record
from capture.services.data_entry import save_items
from capture.services.drafts import save_draft
from capture.services.refreshing import refresh_participant
from capture.services.slots import Slot
from seeds.factories.capture import member, participant_in, site_of, slot_at, study_version
from seeds.factories.trials import SYSTEM, infuse
from trials.domain.roles import Role
from trials.models import Participant, Site, User, Visit
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.records.services import clock
from trials.services.visits import miss_visit

pytestmark = pytest.mark.django_db
VITALS = {"TEMP": "36.8", "SYSBP": "120", "DIABP": "80", "WEIGHT": "72.5", "HEIGHT": "170"}


@pytest.fixture
def participant() -> Participant:
    return participant_in(study_version())


def events() -> int:
    return AuditEvent.objects.count()


def last_event(record: FormRecord) -> AuditEvent:
    return AuditEvent.objects.filter(record_kind="FormRecord", record_id=str(record.pk)).order_by("-seq")[0]


def delta(record: FormRecord) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = orjson.loads(last_event(record).payload)
    return found


def vitals(
    participant: Participant, visit: str = "SCR", on: date | None = date(2026, 1, 5), **other: str
) -> FormRecord:
    slot = slot_at(participant, visit, "VS", on=on)
    values = {key: value for key, value in {**VITALS, **other}.items() if visit == "SCR" or key != "HEIGHT"}
    return save_items(slot, values, actor=SYSTEM, expected_version=0).record


def test_a_first_save_stores_text_as_entered_with_its_unit_and_derives(participant: Participant) -> None:
    record = FormRecord.objects.get(pk=vitals(participant).pk)
    assert record.data == {
        "TEMP": {"v": "36.8", "u": "Cel"},
        "SYSBP": {"v": "120", "u": "mm[Hg]"},
        "DIABP": {"v": "80", "u": "mm[Hg]"},
        "WEIGHT": {"v": "72.5", "u": "kg"},
        "HEIGHT": {"v": "170", "u": "cm"},
        "BMI": {"v": "25.0865051903", "u": "kg/m2", "d": 1},
    }
    assert (record.version, record.state, record.required, record.answered) == (1, "in_progress", 5, 5)


def test_a_save_is_one_event_that_holds_first_entries_once(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    before = events()
    record = save_items(slot, {"TEMP": "36.8"}, actor=SYSTEM, expected_version=0).record
    assert events() == before + 1
    found = delta(record)
    assert found["TEMP"] == [{"v": "36.8", "u": "Cel"}]
    assert found["form"] == ["VS"]
    assert found["version"] == ["1"]
    assert last_event(record).participant == str(participant.pk)


def test_a_change_names_old_and_new_and_only_what_changed(participant: Participant) -> None:
    record = vitals(participant)
    save_items(record, {"TEMP": "37.2", "SYSBP": "120"}, actor=SYSTEM, expected_version=1)
    found = delta(record)
    assert found["TEMP"] == [{"v": "36.8", "u": "Cel"}, {"v": "37.2", "u": "Cel"}]
    assert "SYSBP" not in found
    assert found["version"] == ["1", "2"]


def test_saving_the_same_values_again_writes_nothing(participant: Participant) -> None:
    record = vitals(participant)
    before = events()
    result = save_items(record, VITALS, actor=SYSTEM, expected_version=1)
    assert (events(), result.record.version, result.changed) == (before, 1, ())


def test_all_refusals_come_at_once_and_nothing_is_written(participant: Participant) -> None:
    record = vitals(participant)
    before, data = events(), dict(record.data)
    changes = {"TEMP": "52", "SYSBP": "70", "WEIGHT": "1,5", "BMI": "20", "XYZ": "1", "NOTE": "a\x07b"}
    with pytest.raises(DomainError) as refused:
        save_items(record, changes, actor=SYSTEM, expected_version=1)
    assert set(refused.value.codes) == {
        "hard_range", "hard_check", "decimal_comma", "derived", "unknown_item", "control_character",
    }  # fmt: skip
    assert {each.where for each in refused.value} == {"TEMP", "DIABP", "WEIGHT", "BMI", "XYZ", "NOTE"}
    record.refresh_from_db()
    assert (record.data, record.version, events()) == (data, 1, before)


@pytest.mark.parametrize(("typed", "refused"), [("30", False), ("29.9", True), ("45", False), ("45.1", True)])
def test_the_ends_of_a_hard_range_belong_to_it(participant: Participant, typed: str, refused: bool) -> None:
    slot = slot_at(participant, "SCR", "VS")
    if refused:
        with pytest.raises(DomainError) as raised:
            save_items(slot, {"TEMP": typed}, actor=SYSTEM, expected_version=0)
        (one,) = raised.value
        assert (one.code, one.expected, one.found) == ("hard_range", "30..45 °C", f"{typed} °C")
        assert ".." not in str(one).replace("30..45", "")
        assert not FormRecord.objects.exists()
    else:
        assert save_items(slot, {"TEMP": typed}, actor=SYSTEM, expected_version=0).record.version == 1


def test_a_blank_and_a_null_flavour_are_values_of_their_own(participant: Participant) -> None:
    record = vitals(participant)
    save_items(record, {"TEMP": NullFlavour("ND", "thermometer broken"), "SYSBP": ""}, actor=SYSTEM, expected_version=1)
    record.refresh_from_db()
    assert record.data["TEMP"] == {"n": "ND", "why": "thermometer broken"}
    assert "SYSBP" not in record.data
    assert (record.required, record.answered) == (5, 4)


def test_a_null_flavour_that_the_item_does_not_offer_is_refused(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    with pytest.raises(DomainError) as refused:
        save_items(slot, {"NOTE": NullFlavour("ND")}, actor=SYSTEM, expected_version=0)
    assert refused.value.codes == ("null_not_offered",)


def test_an_item_that_is_hidden_loses_its_value_with_a_reason(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "DM")
    record = save_items(slot, {"BIRTH": "1990", "SEX": "F", "WOCBP": "y"}, actor=SYSTEM, expected_version=0).record
    save_items(record, {"SEX": "M"}, actor=SYSTEM, expected_version=1)
    record.refresh_from_db()
    assert "WOCBP" not in record.data
    assert delta(record)["WOCBP"] == ["Y", None, "hidden because the form no longer shows it"]


def test_an_entry_for_a_hidden_item_is_refused(participant: Participant) -> None:
    with pytest.raises(DomainError) as refused:
        save_items(slot_at(participant, "D14", "VS"), {"HEIGHT": "170"}, actor=SYSTEM, expected_version=0)
    assert refused.value.codes == ("hidden",)


def test_after_completion_each_changed_item_needs_a_reason(participant: Participant) -> None:
    record = vitals(participant)
    complete_record(record, actor=SYSTEM, expected_version=1)
    before = events()
    for words in ("", "  ", "."):
        with pytest.raises(DomainError) as refused:
            save_items(record, {"TEMP": "37.0"}, actor=SYSTEM, reason=words, expected_version=2)
        assert refused.value.codes == ("reason_needed",)
    assert events() == before
    save_items(record, {"TEMP": "37.0"}, actor=SYSTEM, reason={"TEMP": "transcription error"}, expected_version=2)
    assert delta(record)["TEMP"][2] == "transcription error"
    record.refresh_from_db()
    assert (record.state, record.version) == ("complete", 3)


def test_a_stale_save_shows_base_theirs_and_mine_and_loses_nothing(participant: Participant) -> None:
    record = vitals(participant)
    save_items(record, {"TEMP": "37.2"}, actor=SYSTEM, expected_version=1)
    before = events()
    with pytest.raises(DomainError) as refused:
        save_items(record, {"TEMP": "38.0"}, actor=SYSTEM, expected_version=1)
    assert (refused.value.kind, refused.value.codes) == ("conflict", ("stale",))
    items: Any = refused.value.detail["items"]
    assert items["TEMP"]["base"] == {"v": "36.8", "u": "Cel"}
    assert items["TEMP"]["theirs"] == {"v": "37.2", "u": "Cel"}
    assert items["TEMP"]["mine"] == "38.0"
    record.refresh_from_db()
    assert (record.data["TEMP"]["v"], events()) == ("37.2", before)


@pytest.mark.parametrize(("person", "by"), [(True, "Chen Yu"), (False, "the system")])
def test_a_conflict_says_in_words_who_saved_and_when_on_the_wall_of_the_site(
    participant: Participant, person: bool, by: str
) -> None:
    site = participant.site
    user = member(site)
    User.objects.filter(username=user.name).update(printed_name="Chen Yu")
    Site.objects.filter(pk=site.pk).update(time_zone="Asia/Tokyo")
    record = vitals(participant)
    with clock.set_source(lambda: datetime(2027, 1, 6, 22, 30, tzinfo=UTC)):
        save_items(record, {"TEMP": "37.2"}, actor=user if person else SYSTEM, expected_version=1)
    before = events()
    with pytest.raises(DomainError) as refused:
        save_items(FormRecord.objects.get(pk=record.pk), {"TEMP": "37"}, actor=SYSTEM, expected_version=1)
    (one,) = refused.value
    assert one.expected == "the form as it was when you opened it"
    assert one.found == f"one that {by} saved on 2027-01-07 at 07:30 (Asia/Tokyo)"
    assert events() == before


def test_a_hard_check_is_refused_in_words_with_one_full_stop(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    with pytest.raises(DomainError) as refused:
        save_items(slot, {"SYSBP": "70", "DIABP": "90"}, actor=SYSTEM, expected_version=0)
    (one,) = refused.value
    assert (one.code, one.expected) == ("hard_check", "values that agree")
    assert one.found
    assert ".." not in str(one)


def test_beginning_a_form_that_somebody_began_meanwhile_is_a_conflict(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    save_items(slot, {"TEMP": "36.8"}, actor=SYSTEM, expected_version=0)
    with pytest.raises(DomainError) as refused:
        save_items(slot, {"TEMP": "37"}, actor=SYSTEM, expected_version=0)
    assert refused.value.kind == "conflict"
    assert FormRecord.objects.count() == 1


def test_a_record_that_reads_another_visit_follows_its_change(participant: Participant) -> None:
    screening = vitals(participant)
    later = vitals(participant, "D14", None)
    assert later.data["BMI"]["v"] == "25.0865051903"
    result = save_items(screening, {"HEIGHT": "145"}, actor=SYSTEM, expected_version=1)
    later.refresh_from_db()
    assert later.data["BMI"]["v"] == "34.4827586207"
    assert result.refreshed == (later.pk,)
    assert delta(later)["BMI"][2] == "follows VS at SCR"
    assert later.version == 2


def test_a_weight_that_jumps_opens_a_candidate_query_at_the_later_visit(participant: Participant) -> None:
    screening = vitals(participant)
    later = vitals(participant, "D14", None, WEIGHT="79.7")
    assert not Query.objects.exists()
    save_items(screening, {"WEIGHT": "72.4"}, actor=SYSTEM, expected_version=1)
    query = Query.objects.get()
    assert (query.record_id, query.check_key, query.state) == (later.pk, "WEIGHT_JUMP", "candidate")


def test_a_count_over_a_log_follows_its_rows(participant: Participant) -> None:
    plan = save_items(slot_at(participant, "SCR", "PLAN"), {"SURE": "y"}, actor=SYSTEM, expected_version=0).record
    assert "MANY" not in plan.data
    log = slot_at(participant, "", "CM")
    first = save_items(log, {"NAME": "Prednisone", "ONGOING": "y"}, actor=SYSTEM, expected_version=0).record
    second = save_items(log, {"NAME": "Ibuprofen", "ONGOING": "n"}, actor=SYSTEM, expected_version=0).record
    assert (first.row, second.row) == (1, 2)
    plan.refresh_from_db()
    assert plan.data["MANY"] == {"v": "1", "d": 1}
    save_items(second, {"ONGOING": "y"}, actor=SYSTEM, expected_version=1)
    plan.refresh_from_db()
    assert plan.data["MANY"] == {"v": "2", "d": 1}


def test_a_visit_whose_date_moved_is_brought_up_to_date() -> None:
    forms = {"DAY": {"label": "Day", "items": {
        "ASKED": {"label": "Asked", "type": "yesno"},
        "DAY": {"label": "Study day", "type": "integer", "formula": "study_day"},
    }}}  # fmt: skip
    participant = participant_in(study_version(forms=forms, places={"DAY": ["D14"]}))
    infuse(participant, date(2026, 1, 5))
    slot = slot_at(participant, "D14", "DAY")
    record = save_items(slot, {"ASKED": "y"}, actor=SYSTEM, expected_version=0).record
    assert "DAY" not in record.data
    participant.refresh_from_db()
    Visit.objects.filter(records=record).update(actual=date(2026, 1, 19))
    refresh_participant(participant, actor=SYSTEM, because="the visit was dated")
    assert FormRecord.objects.get().data["DAY"] == {"v": "14", "d": 1}


def test_the_population_is_judged_again_when_what_it_reads_changes(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "DM")
    record = save_items(slot, {"BIRTH": "1990", "SEX": "F", "WOCBP": "y"}, actor=SYSTEM, expected_version=0).record
    participant.refresh_from_db()
    assert "childbearing" in participant.populations
    save_items(record, {"WOCBP": "n"}, actor=SYSTEM, expected_version=1)
    participant.refresh_from_db()
    assert "childbearing" not in participant.populations


def test_a_rule_sees_the_facts_that_its_own_form_states(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "DM")
    record = save_items(slot, {"BIRTH": "1990-01-05", "SEX": "F"}, actor=SYSTEM, expected_version=0).record
    assert record.data["AGE"] == {"v": "36", "d": 1}
    participant.refresh_from_db()
    assert (participant.sex, participant.birth_date) == ("F", "1990-01-05")


def test_both_sides_of_the_age_of_eighteen_at_consent(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "DM")
    with pytest.raises(DomainError, match="Under 18"):
        save_items(slot, {"BIRTH": "2008-01-06", "SEX": "M"}, actor=SYSTEM, expected_version=0)
    participant.refresh_from_db()
    assert (participant.sex, FormRecord.objects.count()) == ("", 0)
    record = save_items(slot, {"BIRTH": "2008-01-05", "SEX": "M"}, actor=SYSTEM, expected_version=0).record
    assert record.data["AGE"]["v"] == "18"


def test_rows_of_a_repeating_group_derive_row_by_row_and_check_together(participant: Participant) -> None:
    vitals(participant)
    slot = slot_at(participant, "D0", "INF", on=date(2026, 1, 5))
    changes = {
        "INFUSIONS.1.PRODUCT": "CART", "INFUSIONS.1.START": "2026-01-05 10:00", "INFUSIONS.1.END": "2026-01-05 10:30",
        "INFUSIONS.1.CELLS": "72.5", "INFUSIONS.1.COMPLETE": "y",
    }  # fmt: skip
    with pytest.raises(DomainError) as refused:
        save_items(slot, {**changes, "INFUSIONS.1.END": "2026-01-05 10:00"}, actor=SYSTEM, expected_version=0)
    assert refused.value.codes == ("hard_check",)
    record = save_items(slot, changes, actor=SYSTEM, expected_version=0).record
    assert record.data["INFUSIONS.1.DOSE"] == {"v": "1", "u": "10*6 cells/kg", "d": 1}
    participant.refresh_from_db()
    assert (participant.infused_on, participant.infused_at) == (date(2026, 1, 5), "2026-01-05T10:00")


def test_more_rows_than_the_form_takes_are_refused(participant: Participant) -> None:
    slot = slot_at(participant, "D0", "INF")
    changes = {f"INFUSIONS.{row}.CELLS": "1" for row in range(1, 6)}
    with pytest.raises(DomainError) as refused:
        save_items(slot, changes, actor=SYSTEM, expected_version=0)
    assert refused.value.codes == ("rows",)


def test_only_who_may_enter_data_there_saves(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    for actor, kind in (
        (member(participant.site, Role.MONITOR), "forbidden"),
        (member(site_of(participant.version, "02")), "unknown"),
        (member(participant_in(study_version()).site), "unknown"),
    ):
        with pytest.raises(DomainError) as refused:
            save_items(slot, {"TEMP": "37"}, actor=actor, expected_version=0)
        assert refused.value.kind == kind
    assert not FormRecord.objects.exists()
    assert save_items(slot, {"TEMP": "37"}, actor=member(participant.site), expected_version=0).record.version == 1


def test_a_save_drops_the_draft_of_whoever_saved_and_no_other(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    mine, other = member(participant.site), member(participant.site)
    for actor in (mine, other):
        save_draft(slot, {"TEMP": "3"}, actor=actor, base_version=0)
    save_items(slot, {"TEMP": "37"}, actor=mine, expected_version=0)
    assert [str(draft.user_id) for draft in Draft.objects.all()] == [other.user_id]


def test_a_missed_visit_takes_no_form(participant: Participant) -> None:
    slot = slot_at(participant, "D14", "VS")
    assert slot.visit is not None
    visit = miss_visit(slot.visit, reason="holiday of the participant", actor=SYSTEM)
    with pytest.raises(DomainError) as refused:
        save_items(Slot(participant, visit, "VS"), {"TEMP": "37"}, actor=SYSTEM, expected_version=0)
    assert refused.value.codes == ("visit_not_open",)


def test_a_form_is_saved_only_where_the_schedule_has_it(participant: Participant) -> None:
    with pytest.raises(DomainError) as refused:
        save_items(slot_at(participant, "D14", "DM"), {"SEX": "F"}, actor=SYSTEM, expected_version=0)
    assert refused.value.codes == ("not_scheduled",)


def test_a_group_that_bears_the_name_of_its_form_is_walked_row_by_row() -> None:
    forms = {
        "JOINTS": {
            "label": "Joints",
            "groups": {"JOINTS": {"label": "Joints", "rows": {"HIP": "Hip", "KNEE": "Knee"}}},
            "items": {"SWOLLEN": {"group": "JOINTS", "label": "Swollen", "type": "yesno", "required": False}},
            "checks": {"HIP": {"when": 'any(JOINTS, SWOLLEN and row == "HIP")', "say": "Hips do not swell."}},
        }
    }
    participant = participant_in(study_version(forms=forms, places={"JOINTS": ["SCR"]}))
    slot = slot_at(participant, "SCR", "JOINTS")
    result = save_items(slot, {"JOINTS.KNEE.SWOLLEN": "y"}, actor=SYSTEM, expected_version=0)
    assert result.messages == ()
    result = save_items(result.record, {"JOINTS.HIP.SWOLLEN": "y"}, actor=SYSTEM, expected_version=1)
    assert [message.check for message in result.messages] == ["HIP"]
