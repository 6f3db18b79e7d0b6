"""From the canonical document of a study version to the compiled read model of this room."""

from __future__ import annotations

from trials.definition.shapes import TrialDefinition


def build_trial(document: str) -> TrialDefinition:
    """Compile the canonical document."""
    raise NotImplementedError
