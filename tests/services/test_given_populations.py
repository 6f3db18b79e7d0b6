"""Populations that need no rule follow the participant's condition and arm, from registration on."""

from __future__ import annotations

import pytest

from seeds.factories.trials import SYSTEM, ParticipantFactory
from trials.models import DoseLevel, Participant
from trials.services.dosing import assign_dose
from trials.services.participants import register_participant

pytestmark = pytest.mark.django_db


def test_a_study_with_one_condition_gives_it_to_every_participant_at_registration() -> None:
    known = ParticipantFactory()
    participant = register_participant(known.site, actor=SYSTEM)
    assert participant.condition == "SLE"
    assert participant.populations == ["everyone", "SLE"]


def test_an_arm_becomes_a_population_with_the_dose_level() -> None:
    participant = ParticipantFactory()
    level = DoseLevel.objects.select_related("arm").get(study=participant.study, number=1)
    if participant.arm_id is None:
        assign_dose(participant, arm=level.arm, dose_level=level, actor=SYSTEM)
    assert Participant.objects.get(pk=participant.pk).populations == ["everyone", "SLE", "MAIN"]
