"""From the canonical document of a study version to the compiled read model of this room."""

from __future__ import annotations

from safety.definition.shapes import SafetyPlan


def build_safety(document: str) -> SafetyPlan:
    """Compile the canonical document."""
    raise NotImplementedError
