"""From a study folder without problems to a published version."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from seeds.loader.hashing import content_hash, report, shape_hash, text_of
from seeds.loader.loading import Loaded
from trials.models import StudyVersion
from trials.records.domain.actors import Actor
from trials.services.publishing import publish_version


@dataclass(frozen=True, slots=True)
class Published:
    """The version, what became of it (new, words, same), and what changed since the version before, in a few lines."""

    version: StudyVersion
    outcome: str
    changes: tuple[str, ...]


def publish_study(loaded: Loaded, *, actor: Actor, simulated: bool) -> Published:
    """Publish what was loaded; the document must be there. Raises DomainError with every reason for a refusal."""
    document = loaded.document
    if document is None:
        raise ValueError("a folder with problems is not published")
    study, dose = document["study"], document["dose"]
    before = _latest(study["study"])
    earlier = (before.pk, before.revision) if before is not None else None
    old: dict[str, Any] | None = json.loads(before.document) if before is not None else None
    text = text_of(document)
    version = publish_version(
        oid=study["study"],
        title=study["title"],
        number=study["version"],
        document=text,
        content_hash=content_hash(text),
        shape_hash=shape_hash(document),
        changes=study["changes"][str(study["version"])],
        simulated=simulated,
        arms=[(code, arm["label"], arm["products"]) for code, arm in study["arms"].items()],
        dose_levels=[
            (arm, number, amounts, dose["unit"])
            for arm, levels in dose["ladders"].items()
            for number, amounts in enumerate(levels, start=1)
        ],
        start=dose["start"],
        actor=actor,
    )
    if earlier == (version.pk, version.revision):
        return Published(version, "same", ())
    outcome = "words" if earlier is not None and earlier[0] == version.pk else "new"
    return Published(version, outcome, tuple(report(old, document)) if old is not None else ())


def _latest(oid: str) -> StudyVersion | None:
    return StudyVersion.objects.filter(study__oid=oid).order_by("-number").first()
