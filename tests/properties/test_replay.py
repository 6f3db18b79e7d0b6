"""Replaying the audit trail of a whole conducted study from empty rebuilds every row that the trail speaks of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.apps import apps
from django.db.models import JSONField, Model

from capture.domain.values import unpacked
from seeds.conduct.seeding import STUDIES, seed_study
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.records.services.verify import verify_chains

Rows = dict[str, dict[str, Any]]
COLUMNS = frozenset({"data"})
"""A record's items have paths of their own in the trail, in capital letters; its columns are in small ones."""
WHOLE = {
    "trials": (
        "Study", "Arm", "DoseLevel", "Site", "SiteActivation", "Membership", "Participant", "SiteStay", "Visit",
        "Consent", "Infusion", "Deviation",
    ),
    "capture": ("FormRecord", "Query", "LogDeclaration"),
    "safety": ("DltWindow", "DltCandidate"),
}  # fmt: skip
"""Kinds that a replay rebuilds, by room; a kind that is not here and appears in the trail is named below."""
ELSEWHERE = frozenset({"User", "StudyVersion", "Notification"})
"""Accounts keep their password's hash to themselves, a version its text (the trail has its hashes), and a notification
is a message and no fact: of these the trail tells what happened, not all that is stored."""
NOT_FACTS = {"DltWindow": {"judged_on"}}
"""When a sweep last looked is no fact of a study."""


def replayed() -> dict[str, Rows]:
    """Rebuild rows by kind and id from nothing but the events, in the order of their chains."""
    found: dict[str, Rows] = defaultdict(dict)
    for event in AuditEvent.objects.order_by("chain_id", "seq"):
        row = found[event.record_kind].setdefault(event.record_id, {})
        for path, entry in orjson.loads(event.payload).items():
            row[path] = entry[0] if len(entry) == 1 else entry[1]
    return found


def shown(row: Model) -> dict[str, Any]:
    """Return a stored row as the trail would tell it: texts by column, blanks left out, items by their paths."""
    told: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if field.attname == "id" or field.attname in NOT_FACTS.get(type(row).__name__, ()):
            continue
        if type(row).__name__ == "FormRecord" and field.attname in COLUMNS:
            told |= value
        elif isinstance(field, JSONField):
            told[field.attname] = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        elif value is not None and value != "":
            told[field.attname] = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return told


def told(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a replayed row in the same words."""
    left = {"id", *NOT_FACTS.get(kind, ())}
    found: dict[str, Any] = {}
    for path, value in row.items():
        if path in left or value is None or value == "" or path.startswith("entry."):
            continue
        is_item = kind == "FormRecord" and not path.islower()
        found[path] = unpacked(value) if is_item else _json(value)
    return found


def _json(value: Any) -> Any:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode() if isinstance(value, list | dict) else value


def model_of(kind: str) -> type[Model]:
    room = next(room for room, kinds in WHOLE.items() if kind in kinds)
    return apps.get_model(room, kind)


@pytest.fixture
def conducted() -> Callable[[int], None]:
    def conduct(participants: int) -> None:
        actor = Actor.system("test")
        folder = STUDIES / "ucart-neuro"
        seed_study(folder, participants=participants, seed=7, actor=actor, say=lambda _line: None)

    return conduct


def compare_all() -> None:
    trail = replayed()
    known = {kind for kinds in WHOLE.values() for kind in kinds}
    assert set(trail) <= known | ELSEWHERE
    for kind in sorted(known):
        stored = {str(row.pk): shown(row) for row in model_of(kind)._default_manager.all()}
        rebuilt = {key: told(kind, row) for key, row in trail.get(kind, {}).items()}
        assert rebuilt.keys() == stored.keys(), kind
        for key, row in stored.items():
            assert rebuilt[key] == row, f"{kind} {key}"


@pytest.mark.django_db
def test_replaying_the_trail_of_two_participants_rebuilds_every_row(conducted: Callable[[int], None]) -> None:
    conducted(2)
    compare_all()
    assert verify_chains().is_sound


@pytest.mark.slow
@pytest.mark.django_db
def test_replaying_the_trail_of_a_whole_study_rebuilds_every_row(conducted: Callable[[int], None]) -> None:
    conducted(11)
    compare_all()
    assert verify_chains().is_sound
