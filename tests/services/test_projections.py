"""Typed rows follow their records, from every save, and can be rebuilt from them."""

from __future__ import annotations

from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from capture.projections import registry
from capture.services.checking import check_items
from capture.services.data_entry import save_items
from capture.services.projecting import rebuild_projections
from seeds.factories.capture import member, participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from trials.models import Infusion, Participant
from trials.records.models import AuditEvent

pytestmark = pytest.mark.django_db
INFUSION = {
    "INFUSIONS.1.PRODUCT": "CART", "INFUSIONS.1.START": "2026-01-05 10:00", "INFUSIONS.1.END": "2026-01-05 10:30",
    "INFUSIONS.1.CELLS": "36", "INFUSIONS.1.COMPLETE": "y",
}  # fmt: skip


@pytest.fixture
def participant() -> Participant:
    return participant_in(study_version())


def typed(participant: Participant) -> tuple[object, ...]:
    participant.refresh_from_db()
    facts = (participant.sex, participant.birth_date, participant.infused_on, participant.infused_at)
    rows = Infusion.objects.order_by("row").values_list("row", "product", "started", "ended", "cells", "dose", "whole")
    return (facts, tuple(rows))


def test_the_eight_kinds_of_the_trials_room_are_registered() -> None:
    assert set(registry.kinds()) >= {
        "consent", "demographics", "condition", "lymphodepletion", "infusion", "disposition", "death", "deviation",
    }  # fmt: skip


def test_a_kind_has_one_owner() -> None:
    class Other:
        pass

    with pytest.raises(ValueError, match="owned by"):
        registry.register("infusion", Other())  # type: ignore[arg-type]


def test_typed_rows_rebuilt_from_records_are_the_same(participant: Participant) -> None:
    vitals = slot_at(participant, "SCR", "VS", on=date(2026, 1, 5))
    save_items(vitals, {"WEIGHT": "72"}, actor=SYSTEM, expected_version=0)
    save_items(slot_at(participant, "SCR", "DM"), {"BIRTH": "1990-05", "SEX": "F"}, actor=SYSTEM, expected_version=0)
    save_items(slot_at(participant, "D0", "INF", on=date(2026, 1, 5)), INFUSION, actor=SYSTEM, expected_version=0)
    stood = typed(participant)
    assert stood[0] == ("F", "1990-05", date(2026, 1, 5), "2026-01-05T10:00")
    events = AuditEvent.objects.count()
    assert rebuild_projections(participant, actor=SYSTEM) == 2
    assert (typed(participant), AuditEvent.objects.count()) == (stood, events)
    Infusion.objects.all().delete()
    Participant.objects.filter(pk=participant.pk).update(sex="", birth_date="", infused_on=None, infused_at="")
    rebuild_projections(participant.study, actor=SYSTEM)
    assert typed(participant) == stood


def test_a_dose_follows_the_weight_into_its_typed_row(participant: Participant) -> None:
    vitals = slot_at(participant, "SCR", "VS", on=date(2026, 1, 5))
    record = save_items(vitals, {"WEIGHT": "72"}, actor=SYSTEM, expected_version=0).record
    save_items(slot_at(participant, "D0", "INF", on=date(2026, 1, 5)), INFUSION, actor=SYSTEM, expected_version=0)
    assert str(Infusion.objects.get().dose) == "0.500000"
    save_items(record, {"WEIGHT": "90"}, actor=SYSTEM, expected_version=1)
    assert str(Infusion.objects.get().dose) == "0.400000"


def test_checking_a_field_shows_everything_and_writes_nothing(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    before = AuditEvent.objects.count()
    typed_in = {"TEMP": "40.5", "SYSBP": "80", "DIABP": "90", "WEIGHT": "x", "HEIGHT": "170"}
    shown = check_items(slot, typed_in, actor=member(participant.site))
    levels = {path: [message.level for message in found] for path, found in shown.messages.items()}
    assert levels == {"TEMP": ["soft"], "DIABP": ["hard"], "WEIGHT": ["refusal"]}
    assert (shown.shown["HEIGHT"], shown.derived["BMI"]) == (True, None)
    assert "WEIGHT" in " ".join(shown.waits["BMI"])
    assert shown.display["TEMP"] == "40.5 °C"
    assert AuditEvent.objects.count() == before


def test_a_preview_of_a_bound_kind_shows_before_it_is_saved(participant: Participant) -> None:
    shown = check_items(slot_at(participant, "D0", "INF"), INFUSION, actor=SYSTEM)
    assert [line.text for line in shown.previews] == ["Infusion on Day 0"]
    assert not Infusion.objects.exists()


def test_the_command_rebuilds_the_study_that_it_names_and_refuses_one_that_does_not_exist(
    participant: Participant,
) -> None:
    save_items(slot_at(participant, "D0", "INF"), INFUSION, actor=SYSTEM, expected_version=0)
    before = typed(participant)
    Infusion.objects.all().delete()
    said = StringIO()
    call_command("rebuild_projections", study=participant.study.oid, stdout=said)
    assert typed(participant) == before
    assert said.getvalue() == f"{participant.study.oid}: 1 records state typed rows, all rebuilt.\n"
    with pytest.raises(CommandError, match='found "NOPE"'):
        call_command("rebuild_projections", study="NOPE")
