"""Who may see the safety pages: asked of the one matrix, like everything else."""

from __future__ import annotations

from trials.domain.roles import Permission
from trials.policies import can, require, visible

SEES = Permission.VIEW_SAFETY

__all__ = ["SEES", "can", "require", "visible"]
