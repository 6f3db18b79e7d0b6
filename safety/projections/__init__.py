"""Projections of the safety room: what adverse events, CRS, ICANS and GVHD mean, shown live and kept as typed rows."""

from safety.projections.kinds import register_safety_kinds

__all__ = ["register_safety_kinds"]
