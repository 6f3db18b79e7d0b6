"""From the canonical document of a study version to the compiled read model of this room."""

from __future__ import annotations

from capture.definition.shapes import FormSet


def build_forms(document: str) -> FormSet:
    """Compile the canonical document."""
    raise NotImplementedError
