"""Completing, not done, removed, and logs declared empty."""

from __future__ import annotations

from datetime import date

import pytest

from capture.domain.null_flavours import NullFlavour
from capture.models import FormRecord, LogDeclaration
from capture.services.completion import complete_record, declare_log_empty, mark_not_done, remove_record
from capture.services.data_entry import save_items
from seeds.factories.capture import participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from trials.models import Infusion, Participant
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent, Signature
from trials.records.services.locks import place_lock

pytestmark = pytest.mark.django_db
GOOD = {"TEMP": "36.8", "SYSBP": "120", "DIABP": "80", "WEIGHT": "72.5", "HEIGHT": "170"}


@pytest.fixture
def participant() -> Participant:
    return participant_in(study_version())


def vitals(participant: Participant, **changes: str) -> FormRecord:
    slot = slot_at(participant, "SCR", "VS", on=date(2026, 1, 5))
    return save_items(slot, {**GOOD, **changes}, actor=SYSTEM, expected_version=0).record


def fresh(record: FormRecord) -> FormRecord:
    return FormRecord.objects.get(pk=record.pk)


def test_completion_lists_every_missing_item_at_once_and_writes_nothing(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    record = save_items(slot, {"TEMP": "36.8"}, actor=SYSTEM, expected_version=0).record
    before = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        complete_record(record, actor=SYSTEM, expected_version=1)
    assert [each.where for each in refused.value] == ["SYSBP", "DIABP", "WEIGHT", "HEIGHT"]
    assert set(refused.value.codes) == {"missing"}
    assert [(each.expected, each.found) for each in refused.value][2] == ("a value for Weight", "nothing")
    assert (fresh(record).state, AuditEvent.objects.count()) == ("in_progress", before)


def test_a_reason_for_a_blank_counts_as_an_answer(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    blanks = dict.fromkeys(("SYSBP", "DIABP", "WEIGHT", "HEIGHT"), NullFlavour("ND", "participant left"))
    record = save_items(slot, {"TEMP": "36.8", **blanks}, actor=SYSTEM, expected_version=0).record
    complete_record(record, actor=SYSTEM, expected_version=1)
    assert (fresh(record).state, fresh(record).ever_completed, fresh(record).version) == ("complete", True, 2)


def test_a_repeating_group_asks_for_its_least_number_of_rows(participant: Participant) -> None:
    record = save_items(slot_at(participant, "D0", "INF"), {}, actor=SYSTEM, expected_version=0).record
    with pytest.raises(DomainError) as refused:
        complete_record(record, actor=SYSTEM, expected_version=1)
    assert [each.where for each in refused.value] == [
        "INFUSIONS.1.PRODUCT", "INFUSIONS.1.START", "INFUSIONS.1.END", "INFUSIONS.1.CELLS", "INFUSIONS.1.COMPLETE",
    ]  # fmt: skip


def test_a_stale_completion_is_a_conflict(participant: Participant) -> None:
    record = vitals(participant)
    with pytest.raises(DomainError) as refused:
        complete_record(record, actor=SYSTEM, expected_version=0)
    assert (refused.value.kind, fresh(record).state) == ("conflict", "in_progress")


def test_not_done_takes_the_values_out_and_needs_a_reason(participant: Participant) -> None:
    record = vitals(participant)
    with pytest.raises(DomainError):
        mark_not_done(record, reason=" . ", actor=SYSTEM)
    assert fresh(record).data["TEMP"]["v"] == "36.8"
    mark_not_done(record, reason="wrong participant", actor=SYSTEM)
    assert (fresh(record).state, fresh(record).data) == ("not_done", {})
    save_items(fresh(record), {"TEMP": "37"}, actor=SYSTEM, expected_version=2)
    assert fresh(record).state == "in_progress"


def test_a_form_that_nobody_began_can_be_not_done(participant: Participant) -> None:
    record = mark_not_done(slot_at(participant, "D14", "VS"), reason="device broken", actor=SYSTEM).record
    assert (fresh(record).state, fresh(record).state_reason) == ("not_done", "device broken")


def test_a_removed_row_keeps_its_values_and_takes_no_more(participant: Participant) -> None:
    log = slot_at(participant, "", "CM")
    record = save_items(log, {"NAME": "Prednisone", "ONGOING": "y"}, actor=SYSTEM, expected_version=0).record
    plan = save_items(slot_at(participant, "SCR", "PLAN"), {"SURE": "y"}, actor=SYSTEM, expected_version=0).record
    assert plan.data["MANY"]["v"] == "1"
    with pytest.raises(DomainError):
        remove_record(record, reason="", actor=SYSTEM)
    remove_record(record, reason="entered twice", actor=SYSTEM)
    assert (fresh(record).state, fresh(record).data["NAME"]["v"]) == ("removed", "Prednisone")
    assert "MANY" not in fresh(plan).data
    with pytest.raises(DomainError):
        save_items(fresh(record), {"NAME": "X"}, actor=SYSTEM, expected_version=2)
    second = save_items(log, {"NAME": "Ibuprofen", "ONGOING": "y"}, actor=SYSTEM, expected_version=0).record
    assert second.row == 2


def test_removing_an_infusion_takes_back_day_zero(participant: Participant) -> None:
    slot = slot_at(participant, "D0", "INF")
    changes = {"INFUSIONS.1.PRODUCT": "CART", "INFUSIONS.1.START": "2026-01-05 10:00"}
    record = save_items(slot, changes, actor=SYSTEM, expected_version=0).record
    assert Infusion.objects.get().started == "2026-01-05T10:00"
    remove_record(record, reason="wrong participant", actor=SYSTEM)
    participant.refresh_from_db()
    assert (Infusion.objects.count(), participant.infused_on) == (0, None)


def test_a_log_declared_empty_is_none_and_not_unknown(participant: Participant) -> None:
    plan = save_items(slot_at(participant, "SCR", "PLAN"), {"SURE": "y"}, actor=SYSTEM, expected_version=0).record
    assert "MANY" not in plan.data
    declare_log_empty(participant, "CM", actor=SYSTEM)
    assert fresh(plan).data["MANY"] == {"v": "0", "d": 1}
    assert LogDeclaration.objects.get().nothing


def test_a_log_with_rows_or_no_log_cannot_be_declared_empty(participant: Participant) -> None:
    save_items(slot_at(participant, "", "CM"), {"NAME": "X", "ONGOING": "y"}, actor=SYSTEM, expected_version=0)
    for form in ("CM", "VS"):
        with pytest.raises(DomainError):
            declare_log_empty(participant, form, actor=SYSTEM)
    assert not LogDeclaration.objects.exists()


@pytest.mark.parametrize("kind", ["FormRecord", "Visit", "Participant", "Site", "Study"])
def test_nothing_is_written_under_a_lock_of_any_level(participant: Participant, kind: str) -> None:
    record = vitals(participant)
    scope = {
        "FormRecord": record.pk,
        "Visit": record.visit_id,
        "Participant": participant.pk,
        "Site": participant.site_id,
        "Study": participant.study_id,
    }[kind]
    chain = participant.study.chain_key
    place_lock(kind, scope, level="locked", chain=chain, actor=SYSTEM, reason="database lock")
    before = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        save_items(record, {"TEMP": "37"}, actor=SYSTEM, expected_version=1)
    assert refused.value.kind == "locked"
    with pytest.raises(DomainError):
        complete_record(record, actor=SYSTEM, expected_version=1)
    assert (fresh(record).version, AuditEvent.objects.count()) == (1, before)


def test_a_signature_falls_with_a_signed_value_and_others_stay(participant: Participant) -> None:
    record = vitals(participant)
    complete_record(record, actor=SYSTEM, expected_version=1)
    other = save_items(slot_at(participant, "SCR", "PREG"), {"RESULT": "NEG"}, actor=SYSTEM, expected_version=0).record
    for each in (record, other):
        Signature.objects.create(
            chain=participant.study.chain_key, record_kind="FormRecord", record_id=str(each.pk), record_version=2,
            content_hash="0" * 64, meaning="I confirm", signer="chen", printed_name="Chen", signed_at=each.changed_at,
            time_zone="Asia/Shanghai",
        )  # fmt: skip
    result = save_items(record, {"TEMP": "37"}, actor=SYSTEM, reason="misread", expected_version=2)
    assert result.signatures_invalidated == 1
    valid = Signature.objects.filter(invalidated_at=None).values_list("record_id", flat=True)
    assert list(valid) == [str(other.pk)]


def test_removing_demographics_takes_its_population_back(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "DM")
    record = save_items(slot, {"BIRTH": "1990", "SEX": "F", "WOCBP": "y"}, actor=SYSTEM, expected_version=0).record
    participant.refresh_from_db()
    assert participant.populations == ["everyone", "SLE", "childbearing"]
    remove_record(record, reason="wrong participant", actor=SYSTEM)
    participant.refresh_from_db()
    assert (participant.populations, participant.sex) == (["everyone", "SLE"], "")
