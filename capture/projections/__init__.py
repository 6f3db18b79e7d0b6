"""Projections: what the system understands of a bound form, kept beside it as typed rows."""

from capture.projections.registry import PreviewLine, Projection, RecordValues, get, kinds, register

__all__ = ["PreviewLine", "Projection", "RecordValues", "get", "kinds", "register"]
