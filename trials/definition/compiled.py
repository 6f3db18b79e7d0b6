"""The study version as the trials room reads it: ``trial_definition(version)``.

Compiled from the version's canonical document, cached per version and revision. All shapes are re-exported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trials.definition.building import build_trial
from trials.definition.cache import VersionCache
from trials.definition.shapes import (
    EVERYONE,
    Anchor,
    ArmPlan,
    Criterion,
    Design,
    DosePlan,
    DoseStep,
    Eligibility,
    FormSlot,
    Mark,
    Policy,
    Product,
    RuleTree,
    Stagger,
    TrialDefinition,
    Verification,
    VisitPlan,
)

if TYPE_CHECKING:
    from trials.models import StudyVersion

__all__ = [
    "EVERYONE",
    "Anchor",
    "ArmPlan",
    "Criterion",
    "Design",
    "DosePlan",
    "DoseStep",
    "Eligibility",
    "FormSlot",
    "Mark",
    "Policy",
    "Product",
    "RuleTree",
    "Stagger",
    "TrialDefinition",
    "Verification",
    "VisitPlan",
    "trial_definition",
]


def _build(version: StudyVersion) -> TrialDefinition:
    return build_trial(version.document)


CACHE = VersionCache(_build)


def trial_definition(version: StudyVersion) -> TrialDefinition:
    """Return the compiled definition of a published version."""
    return CACHE.get(version)
