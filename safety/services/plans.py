"""Which study versions have a safety section; a version without one has no DLT window, and nothing to judge."""

from __future__ import annotations

import json

from trials.definition.cache import VersionCache
from trials.models import StudyVersion


def _has_section(version: StudyVersion) -> bool:
    return json.loads(version.document).get("safety") is not None


CACHE = VersionCache(_has_section)


def has_safety(version: StudyVersion) -> bool:
    """Whether a version says anything of safety; every folder that the loader accepts does."""
    return CACHE.get(version)
