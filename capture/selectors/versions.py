"""A record's past, told back from the audit trail: its values at an earlier version, the rows it ever had."""

from __future__ import annotations

from collections.abc import Iterator
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


def rows_ever(record: FormRecord, group: str) -> frozenset[int]:
    """Return the numbers of all rows that a repeating group ever had, emptied ones included; one statement.

    A row's number names it in the history: given again, it would mix two rows into one.
    """
    prefix = f"{group}."
    paths = (path for delta in _deltas(record) for path in delta if path.startswith(prefix))
    return frozenset(int(row) for path in paths if (row := path.split(".")[1]).isdigit())


def _deltas_after(record: FormRecord, version: int) -> list[dict[str, Any]]:
    """Return the deltas of what was written after a version, newest first."""
    found: list[dict[str, Any]] = []
    for delta in _deltas(record):
        number = delta.get("version")
        if number is not None and int(number[-1] or 0) <= version:
            break
        found.append(delta)
    return found


def _deltas(record: FormRecord) -> Iterator[dict[str, Any]]:
    """Yield the deltas of a record's events, newest first; a redacted one is empty."""
    events = AuditEvent.objects.filter(record_kind="FormRecord", record_id=str(record.pk)).order_by("-seq")
    for payload in events.values_list("payload", flat=True):
        yield orjson.loads(payload) if payload else {}
