"""Audit events as a history that people read: who, when with zone, what before, what after, why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson

from trials.records.domain.events import EventHeader
from trials.records.domain.local_time import in_words

NOTHING = ""


class ReadableEvent(EventHeader, Protocol):
    """An audit event, as far as a reader's eye goes."""

    @property
    def payload(self) -> str: ...


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change of one item, or one action on a record (``path`` empty).

    ``old`` and ``new`` are text for people; ``is_first`` tells a first entry from a change; ``redacted`` says that the
    values were blanked by a redaction, which has its own event..
    """

    seq: int
    at: datetime
    when: str
    study_when: str
    who: str
    on_behalf_of: str
    action: str
    act_name: str
    record_kind: str
    record_id: str
    path: str
    old: str
    new: str
    reason: str
    request_id: str
    act: str
    is_first: bool
    redacted: bool


def read_payload(payload: str) -> dict[str, list[Any]]:
    """Return an event's deltas by item path; a redacted (blank) payload holds none."""
    return dict(orjson.loads(payload)) if payload else {}


def display(value: Any) -> str:
    """Return a stored value as text.

    >>> display({"v": "1.50", "u": "mg/dL"}), display({"n": "ND", "why": "haemolysed"}), display(None)
    ('1.50 mg/dL', 'ND (haemolysed)', '')
    >>> display(["a", "b"]), display({"v": "38.6", "d": 1})
    ('a, b', '38.6')
    """
    if value is None:
        return NOTHING
    if isinstance(value, Mapping):
        if "n" in value:
            return f"{value['n']} ({value['why']})" if value.get("why") else str(value["n"])
        if "v" in value:
            return f"{display(value['v'])} {value['u']}" if value.get("u") else display(value["v"])
        return ", ".join(f"{key}: {display(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(display(part) for part in value)
    return str(value)


def rows_of(
    events: Iterable[ReadableEvent], *, time_zone: str, names: Mapping[str, str] | None = None, path: str = ""
) -> Iterator[HistoryRow]:
    """Yield the readable rows of events, in their order; with ``path``, only those of one item.

    ``names`` maps usernames to printed names; a name that is missing shows as it is. An event without deltas gives one
    row for its action.
    """
    printed = names or {}
    for event in events:
        deltas = read_payload(event.payload)
        if path:
            deltas = {path: deltas[path]} if path in deltas else {}
        elif not deltas:
            deltas = {"": [None]}
        for item, entry in sorted(deltas.items()):
            yield _row(event, item, entry, time_zone=time_zone, printed=printed)


def _row(
    event: ReadableEvent, path: str, entry: list[Any], *, time_zone: str, printed: Mapping[str, str]
) -> HistoryRow:
    is_first = len(entry) == 1
    return HistoryRow(
        seq=event.seq,
        at=event.at,
        when=in_words(event.at, time_zone),
        study_when=in_words(event.study_time, time_zone) if event.study_time else "",
        who=printed.get(event.actor, event.actor),
        on_behalf_of=printed.get(event.on_behalf_of, event.on_behalf_of),
        action=event.action,
        act_name=event.act_name,
        record_kind=event.record_kind,
        record_id=event.record_id,
        path=path,
        old=NOTHING if is_first else display(entry[0]),
        new=display(entry[0] if is_first else entry[1]),
        reason=str(entry[2]) if len(entry) > 2 and entry[2] else event.reason,
        request_id=event.request_id,
        act=str(event.act),
        is_first=is_first,
        redacted=not event.payload,
    )
