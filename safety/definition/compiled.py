"""The study version as the safety room reads it: ``safety_plan(version)``.

Compiled from the version's canonical document, cached per version and revision. All shapes are re-exported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from safety.definition.building import build_safety
from safety.definition.shapes import DltPlan, DltRule, SafetyPlan, SeriousDeadlines, StoppingRule
from trials.definition.cache import VersionCache

if TYPE_CHECKING:
    from trials.models import StudyVersion

__all__ = ["DltPlan", "DltRule", "SafetyPlan", "SeriousDeadlines", "StoppingRule", "safety_plan"]


def _build(version: StudyVersion) -> SafetyPlan:
    return build_safety(version.document)


CACHE = VersionCache(_build)


def safety_plan(version: StudyVersion) -> SafetyPlan:
    """Return the compiled safety plan of a published version."""
    return CACHE.get(version)
