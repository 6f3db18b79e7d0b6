"""A record's values as they stood at an earlier version, told back from the audit trail."""

from __future__ import annotations

from typing import Any

import orjson

from capture.domain.values import Data, unpacked
from capture.models import FormRecord
from trials.records.models import AuditEvent


def values_at(record: FormRecord, version: int) -> Data:
    """Return the values that somebody saw who read this version; one statement, none for the present version."""
    data: Data = dict(record.data)
    if version == record.version:
        return data
    for delta in _deltas_after(record, version):
        for path, entry in delta.items():
            if not path[:1].isupper():
                continue
            old = None if len(entry) == 1 else unpacked(entry[0])
            if old is None:
                data.pop(path, None)
            else:
                data[path] = old
    return data


def _deltas_after(record: FormRecord, version: int) -> list[dict[str, Any]]:
    """Return the deltas of what was written after a version, newest first."""
    events = AuditEvent.objects.filter(record_kind="FormRecord", record_id=str(record.pk)).order_by("-seq")
    found: list[dict[str, Any]] = []
    for payload in events.values_list("payload", flat=True):
        delta: dict[str, Any] = orjson.loads(payload) if payload else {}
        number = delta.get("version")
        if number is not None and int(number[-1] or 0) <= version:
            break
        found.append(delta)
    return found
