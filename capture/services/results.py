"""What the services of data entry hand back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from capture.domain.messages import Message
from capture.models import FormRecord
from capture.projections.registry import PreviewLine

StoredValue = Mapping[str, Any]
"""One value as it stands in ``FormRecord.data``."""


@dataclass(frozen=True, slots=True)
class SaveResult:
    """What a save did: ``messages`` that stand now, queries it opened and closed, other records it brought up to date.

    ``changed`` are the paths whose stored value is another now, derived and hidden ones included.
    """

    record: FormRecord
    messages: tuple[Message, ...] = ()
    queries_opened: tuple[UUID, ...] = ()
    queries_closed: tuple[UUID, ...] = ()
    changed: tuple[str, ...] = ()
    refreshed: tuple[UUID, ...] = ()
    signatures_invalidated: int = 0


@dataclass(frozen=True, slots=True)
class Preview:
    """What a save of these changes would show; nothing was written.

    ``messages`` by path (empty path: the form). ``derived``: path: stored value or None. ``shown``: path: whether
    the item
    is shown. ``required``: paths of items that are asked for. ``waits``: derived path: names it waits for.
    ``accepted``: path: the value as it would be stored, with ``display`` its canonical text.
    """

    messages: Mapping[str, tuple[Message, ...]]
    derived: Mapping[str, StoredValue | None]
    shown: Mapping[str, bool]
    required: frozenset[str]
    previews: tuple[PreviewLine, ...] = ()
    waits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    accepted: Mapping[str, StoredValue | None] = field(default_factory=dict)
    display: Mapping[str, str] = field(default_factory=dict)
