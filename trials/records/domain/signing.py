"""What a signature is bound to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trials.records.domain.canonical import canonical, digest


def content_hash(record_kind: str, record_id: str, record_version: int, content: Mapping[str, Any]) -> str:
    """Return the hash a signature is bound to: which record, at which version, with which content.

    Kind and id are part of it, so that a signature copied to another record with equal content does not hold there.

    >>> content = {"data": {"TEMP": {"v": "36.8"}}, "form_version": "3"}
    >>> content_hash("FormRecord", "r1", 2, content) == content_hash("FormRecord", "r2", 2, content)
    False
    """
    return digest(
        canonical({"kind": record_kind, "id": record_id, "version": record_version, "content": dict(content)})
    )
