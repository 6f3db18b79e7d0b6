"""Rebuilding the typed rows of a whole conducted study from its records changes nothing and notes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db.models import ForeignKey, Model

from capture.services.projecting import rebuild_projections
from seeds.conduct.seeding import STUDIES, seed_study
from trials.models import Infusion, Participant, Study, Visit
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent

ACTOR = Actor.system("test")
TYPED = {
    "trials": ("Participant", "Visit", "Consent", "Infusion", "Deviation"),
    "safety": ("AdverseEvent", "AeGrade", "Assessment", "Episode", "DltWindow", "DltCandidate"),
}
"""Everything that a projection writes, directly or by what follows from it."""


def typed_rows() -> dict[str, list[tuple[Any, ...]]]:
    """Return the typed rows as texts, without ids of their own: a row that is written anew is still the same fact."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for room, kinds in TYPED.items():
        for kind in kinds:
            model: type[Model] = apps.get_model(room, kind)
            foreign = {"event_id", "episode_id"}
            names = [
                field.attname
                for field in model._meta.concrete_fields
                if (not field.primary_key or isinstance(field, ForeignKey)) and field.attname not in foreign
            ]
            rows = model._default_manager.values_list(*names)
            found[kind] = sorted((tuple(map(str, row)) for row in rows), key=str)
    return found


def conducted(participants: int) -> Study:
    folder = STUDIES / "ucart-neuro"
    done = seed_study(folder, participants=participants, seed=3, actor=ACTOR, say=lambda _line: None)
    return done.version.study


def rebuilds_to_the_same(study: Study) -> None:
    stood, events = typed_rows(), AuditEvent.objects.count()
    assert all(stood[kind] for kind in ("Consent", "Infusion", "AdverseEvent", "Assessment", "Episode"))
    assert rebuild_projections(study, actor=ACTOR) > 0
    after = typed_rows()
    for kind, rows in stood.items():
        assert after[kind] == rows, kind
    assert AuditEvent.objects.count() == events


@pytest.mark.django_db
def test_rebuilding_the_projections_of_two_participants_changes_nothing_and_notes_nothing() -> None:
    rebuilds_to_the_same(conducted(2))


@pytest.mark.django_db
def test_typed_facts_that_were_lost_come_back_from_the_records() -> None:
    study = conducted(1)
    stood = {kind: typed_rows()[kind] for kind in ("Participant", "Infusion", "Visit")}
    Infusion.objects.all().delete()
    Visit.objects.filter(kind="scheduled", actual=None).update(target=None, opens=None, closes=None)
    Participant.objects.update(infused_on=None, infused_at="", last_infused_on=None, state="enrolled", sex="")
    assert rebuild_projections(study, actor=ACTOR) > 0
    assert {kind: typed_rows()[kind] for kind in stood} == stood


@pytest.mark.slow
@pytest.mark.django_db
def test_rebuilding_the_projections_of_a_whole_study_changes_nothing_and_notes_nothing() -> None:
    rebuilds_to_the_same(conducted(11))
