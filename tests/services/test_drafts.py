"""Drafts: kept on the server for the one who typed, dropped at save or after 30 days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from capture.domain.null_flavours import NullFlavour
from capture.models import Draft, FormRecord
from capture.services.data_entry import save_items
from capture.services.drafts import drop_draft, drop_old_drafts, open_draft, save_draft
from capture.services.slots import Slot
from seeds.factories.capture import member, participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from trials.domain.roles import Role
from trials.models import Membership, Participant
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.records.services import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def participant() -> Participant:
    return participant_in(study_version())


def test_a_draft_keeps_what_was_typed_even_when_it_is_no_value(participant: Participant) -> None:
    slot, actor = slot_at(participant, "SCR", "VS"), member(participant.site)
    before = AuditEvent.objects.count()
    save_draft(slot, {"TEMP": "thirty", "WEIGHT": "7"}, actor=actor, base_version=0)
    whole: dict[str, str | NullFlavour | None] = {
        "TEMP": "thirty-se",
        "SYSBP": NullFlavour("ND", "broken"),
        "DIABP": None,
    }
    save_draft(slot, whole, actor=actor, base_version=0)
    draft = open_draft(slot, actor=actor)
    assert draft is not None
    assert draft.changes == {"TEMP": "thirty-se", "SYSBP": NullFlavour("ND", "broken"), "DIABP": None}
    assert not draft.stale
    assert (Draft.objects.count(), FormRecord.objects.count(), AuditEvent.objects.count()) == (1, 0, before)


def test_a_draft_is_seen_by_nobody_else(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    save_draft(slot, {"TEMP": "37"}, actor=member(participant.site), base_version=0)
    assert open_draft(slot, actor=member(participant.site)) is None


def test_a_stale_draft_opens_beside_what_was_saved(participant: Participant) -> None:
    slot, actor = slot_at(participant, "SCR", "VS"), member(participant.site)
    save_draft(slot, {"TEMP": "37"}, actor=actor, base_version=0)
    record = save_items(slot, {"TEMP": "38.1"}, actor=member(participant.site), expected_version=0).record
    draft = open_draft(Slot(participant, slot.visit, "VS", record), actor=actor)
    assert draft is not None
    assert draft.stale
    assert (draft.changes["TEMP"], draft.saved["TEMP"]) == ("37", {"v": "38.1", "u": "Cel"})


def test_a_draft_is_closed_to_whoever_lost_the_right_to_enter_data(participant: Participant) -> None:
    slot, actor = slot_at(participant, "SCR", "VS"), member(participant.site)
    save_draft(slot, {"TEMP": "37"}, actor=actor, base_version=0)
    Membership.objects.filter(user_id=actor.user_id).delete()
    with pytest.raises(DomainError):
        open_draft(slot, actor=Actor(name=actor.name, user_id=actor.user_id))


def test_only_people_who_may_enter_data_keep_drafts_of_items_that_exist(participant: Participant) -> None:
    slot = slot_at(participant, "SCR", "VS")
    with pytest.raises(DomainError):
        save_draft(slot, {"TEMP": "37"}, actor=member(participant.site, Role.MONITOR), base_version=0)
    with pytest.raises(DomainError):
        save_draft(slot, {"TEMP": "37"}, actor=SYSTEM, base_version=0)
    with pytest.raises(DomainError):
        save_draft(slot, {"XYZ": "37"}, actor=member(participant.site), base_version=0)
    assert not Draft.objects.exists()


@pytest.mark.parametrize(("days", "left"), [(30, 1), (31, 0)])
def test_a_draft_lives_thirty_days(participant: Participant, days: int, left: int) -> None:
    slot, actor = slot_at(participant, "SCR", "VS"), member(participant.site)
    save_draft(slot, {"TEMP": "37"}, actor=actor, base_version=0)
    begun = clock.now() + timedelta(minutes=-1)
    Draft.objects.update(changed_at=begun)
    with clock.set_source(lambda: begun + timedelta(days=days)):
        assert drop_old_drafts() == 1 - left
    assert Draft.objects.count() == left


def test_a_draft_can_be_dropped(participant: Participant) -> None:
    slot, actor = slot_at(participant, "SCR", "VS"), member(participant.site)
    save_draft(slot, {"TEMP": "37"}, actor=actor, base_version=0)
    assert drop_draft(slot, actor=actor)
    assert not drop_draft(slot, actor=actor)
