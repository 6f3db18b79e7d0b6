"""What an audit event's hash covers, and the check of a chain of them: pure, row by row, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import orjson

from trials.records.domain.canonical import digest, payload_hash
from trials.records.domain.events import EventHeader

EVENT_KIND = "AuditEvent"
CHAIN_KIND = "Chain"
REDACT = "redact"
NEW_EPOCH = "new_epoch"


class HashedEvent(EventHeader, Protocol):
    """An audit event, as far as its hash goes."""

    @property
    def chain_id(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    @property
    def site(self) -> str: ...
    @property
    def participant(self) -> str: ...
    @property
    def salt(self) -> str: ...
    @property
    def payload_hash(self) -> str: ...


class StoredEvent(NamedTuple):
    """One row of the table of audit events, in the order in which ``verify`` reads its columns."""

    chain_id: str
    seq: int
    epoch: int
    at: datetime
    study_time: datetime | None
    site: str
    participant: str
    actor: str
    on_behalf_of: str
    act: UUID
    act_name: str
    request_id: str
    record_kind: str
    record_id: str
    action: str
    reason: str
    salt: str
    payload: str
    payload_hash: str
    previous_hash: str
    hash: str


class Head(NamedTuple):
    """The head of a chain, kept apart from its events."""

    key: str
    epoch: int
    head_seq: int
    head_hash: str
    head_at: datetime | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a chain: at which number, of what kind, and in words."""

    chain: str
    seq: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.chain} event {self.seq}: {self.kind}: {self.text}"


def header_of(event: HashedEvent) -> dict[str, Any]:
    """Return the hashed header of an event: everything but its payload, which stands in it by its salted hash."""
    return {
        "chain": event.chain_id,
        "seq": event.seq,
        "epoch": event.epoch,
        "at": event.at.isoformat(timespec="microseconds"),
        "study_time": event.study_time.isoformat(timespec="microseconds") if event.study_time else None,
        "site": event.site,
        "participant": event.participant,
        "actor": event.actor,
        "on_behalf_of": event.on_behalf_of,
        "act": str(event.act),
        "act_name": event.act_name,
        "request_id": event.request_id,
        "record_kind": event.record_kind,
        "record_id": event.record_id,
        "action": event.action,
        "reason": event.reason,
        "salt": event.salt,
        "payload_hash": event.payload_hash,
    }


def name_of(chain: str, seq: int) -> str:
    """Return the name by which an event of redaction names the event whose payload it blanked.

    >>> name_of("study:D0-01", 17)
    'study:D0-01#17'
    """
    return f"{chain}#{seq}"


class ChainCheck:
    """Checks one chain while its events stream by in the order of their numbers.

    ``anchors`` maps a number to the hash noted elsewhere for it. Give each event to ``check``, then the head to
    ``close``; both return what is wrong. After a broken link the check goes on from the stored hash, so that the first
    finding is the first bad event and the rest of the chain is still judged.
    """

    def __init__(self, key: str, anchors: dict[int, str] | None = None) -> None:
        self.key = key
        self.count = 0
        self._anchors = dict(anchors or {})
        self._last: StoredEvent | None = None
        self._blank: dict[str, int] = {}

    def check(self, event: StoredEvent) -> list[Finding]:
        """Return what is wrong with the next event."""
        last = self._last
        found = [*self._order(event, last), *self._time(event, last), *self._content(event)]
        link = last.hash if last else ""
        if event.previous_hash != link:
            found.append(self._finding(event, "link", "it does not continue from the hash of the event before it"))
        if (
            digest(orjson.dumps(header_of(event), option=orjson.OPT_SORT_KEYS) + event.previous_hash.encode())
            != event.hash
        ):
            found.append(
                self._finding(event, "header", "its header (who, when, what, why) is not the one that was hashed")
            )
        anchored = self._anchors.pop(event.seq, event.hash)
        if anchored != event.hash:
            found.append(self._finding(event, "anchor", "its hash is not the one that the anchor holds"))
        self._last, self.count = event, self.count + 1
        return found

    def close(self, head: Head) -> list[Finding]:
        """Return what is wrong once all events were seen: the head, redactions without a name, anchors never met."""
        last_seq, last_hash, last_at = (self._last.seq, self._last.hash, self._last.at) if self._last else (0, "", None)
        found = [
            Finding(self.key, seq, "payload", "its payload is blank, but no event of redaction names it")
            for seq in self._blank.values()
        ]
        if (head.head_seq, head.head_hash, head.head_at) != (last_seq, last_hash, last_at):
            found.append(
                Finding(
                    self.key,
                    last_seq + 1 if head.head_seq > last_seq else last_seq,
                    "head",
                    f"the chain's head says {head.head_seq} events, the last event found is {last_seq}"
                    if head.head_seq != last_seq
                    else "the chain's head is not the last event",
                )
            )
        found += [
            Finding(self.key, seq, "anchor", "the anchor holds this event, the chain does not") for seq in self._anchors
        ]
        return sorted(found, key=lambda finding: finding.seq)

    def _order(self, event: StoredEvent, last: StoredEvent | None) -> Iterator[Finding]:
        expected = last.seq + 1 if last else 1
        if event.chain_id != self.key:
            yield self._finding(event, "chain", f"it belongs to the chain {event.chain_id}")
        if event.seq > expected:
            yield Finding(self.key, expected, "gap", f"events {expected} to {event.seq - 1} are missing")
        elif event.seq < expected:
            yield self._finding(event, "duplicate", f"the number {expected} was expected here")
        epoch = last.epoch if last else event.epoch
        if event.epoch != epoch and not (event.epoch == epoch + 1 and event.action == NEW_EPOCH):
            yield self._finding(event, "epoch", f"{event.epoch} follows {epoch} without an event that opens it")

    def _time(self, event: StoredEvent, last: StoredEvent | None) -> Iterator[Finding]:
        if last is not None and event.at < last.at:
            yield self._finding(event, "time", "it is older than the event before it")
        if not event.actor.strip():
            yield self._finding(event, "actor", "it names nobody")

    def _content(self, event: StoredEvent) -> Iterator[Finding]:
        if event.action == REDACT and event.record_kind == EVENT_KIND:
            self._blank.pop(event.record_id, None)
        if payload_hash(event.salt, event.payload) == event.payload_hash:
            return
        if event.payload:
            yield self._finding(event, "payload", "its payload is not the one that was hashed")
        else:
            self._blank[name_of(self.key, event.seq)] = event.seq

    def _finding(self, event: StoredEvent, kind: str, text: str) -> Finding:
        return Finding(self.key, event.seq, kind, text)


def check_chain(head: Head, events: Iterable[StoredEvent], anchors: dict[int, str] | None = None) -> Iterator[Finding]:
    """Yield everything that is wrong with one chain, whose events come in the order of their numbers."""
    check = ChainCheck(head.key, anchors)
    for event in events:
        yield from check.check(event)
    yield from check.close(head)
