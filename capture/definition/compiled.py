"""The study version as the capture room reads it: ``form_set(version)``.

Compiled from the version's canonical document, cached per version and revision. All shapes are re-exported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from capture.definition.building import build_forms
from capture.definition.shapes import (
    CheckDefinition,
    Code,
    ExpectedForm,
    FormDefinition,
    FormSet,
    GroupDefinition,
    Instrument,
    ItemDefinition,
    Limits,
    Outcome,
)
from trials.definition.cache import VersionCache

if TYPE_CHECKING:
    from trials.models import StudyVersion

__all__ = [
    "CheckDefinition",
    "Code",
    "ExpectedForm",
    "FormDefinition",
    "FormSet",
    "GroupDefinition",
    "Instrument",
    "ItemDefinition",
    "Limits",
    "Outcome",
    "form_set",
]


def _build(version: StudyVersion) -> FormSet:
    return build_forms(version.document)


CACHE = VersionCache(_build)


def form_set(version: StudyVersion) -> FormSet:
    """Return the compiled forms of a published version."""
    return CACHE.get(version)
