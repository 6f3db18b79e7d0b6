"""One act: one transaction, and at its end one audit event per record it touched.

Events are collected while the act runs and appended when the outermost act closes, under the rows of their chains,
which are locked last and in the order of their keys; a chain locked in mid-act would deadlock with other savers.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from structlog.contextvars import get_contextvars

from trials.records.domain.actors import Actor
from trials.records.domain.canonical import canonical, event_hash, payload_hash
from trials.records.domain.chain import header_of
from trials.records.models import AuditEvent, Chain
from trials.records.services import clock, wakeups

SYSTEM_CHAIN = "system"


@dataclass(frozen=True, slots=True)
class Note:
    """One event to be appended, with who noted it and when: an inner act may be another's."""

    actor: Actor
    study_time: datetime | None
    chain: str
    record_kind: str
    record_id: str
    action: str
    payload: str
    site: str
    participant: str
    reason: str


@dataclass(slots=True)
class Act:
    """An act in progress; services note on it what they wrote.

    ``closing`` holds what must be judged or written under the chains' locks, when the act closes: a gate's second look
    at what it rests on, and rows whose unique keys would otherwise make two acts wait for each other.
    """

    name: str
    chain: str
    actor: Actor
    reason: str
    study_time: datetime | None
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    at: datetime = field(default_factory=clock.now)
    notes: list[Note] = field(default_factory=list)
    closing: list[Callable[[], None]] = field(default_factory=list)

    def note(
        self,
        record_kind: str,
        record_id: object,
        action: str,
        *,
        delta: Mapping[str, list[Any]] | None = None,
        site: object = "",
        participant: object = "",
        reason: str = "",
        chain: str = "",
    ) -> None:
        """Collect one event: ``delta`` is ``{path: [new] | [old, new] | [old, new, reason]}``."""
        self.notes.append(
            Note(
                actor=self.actor,
                study_time=self.study_time,
                chain=chain or self.chain,
                record_kind=record_kind,
                record_id=str(record_id),
                action=action,
                payload=canonical(dict(delta or {})).decode(),
                site=str(site or ""),
                participant=str(participant or ""),
                reason=reason or self.reason,
            )
        )


_current: ContextVar[Act | None] = ContextVar("act", default=None)


def current_act() -> Act | None:
    """Return the act in progress, if any."""
    return _current.get()


@contextmanager
def open_act(
    name: str, *, chain: str, actor: Actor, study_time: datetime | None = None, reason: str = ""
) -> Iterator[Act]:
    """Open an act, or join the one in progress; the outermost is one transaction and appends all events at its end.

    What an inner act notes carries its own actor, and its own reason and study time where it has them: the sweep of a
    simulated day is the system's doing within a person's act.
    """
    outer = _current.get()
    if outer is not None:
        inner = _joined(outer, chain=chain, actor=actor, study_time=study_time, reason=reason)
        token = _current.set(inner)
        try:
            with _inner(outer):
                yield inner
        finally:
            _current.reset(token)
        return
    act = Act(name=name, chain=chain, actor=actor, reason=reason, study_time=study_time)
    token = _current.set(act)
    try:
        with transaction.atomic():
            yield act
            _append(act)
    finally:
        _current.reset(token)


@contextmanager
def _inner(outer: Act) -> Iterator[None]:
    """Join an act: what a failed inner act noted is forgotten, and what it wrote can then no longer be committed.

    A caller that wants to go on after a refusal wraps the inner act in ``transaction.atomic()``, whose savepoint takes
    its writes back; a refusal before the first note needs nothing, since nothing was written.
    """
    noted, closing = len(outer.notes), len(outer.closing)
    try:
        yield
    except BaseException:
        if len(outer.notes) > noted:
            transaction.set_rollback(True)
        del outer.notes[noted:]
        del outer.closing[closing:]
        raise


def _joined(outer: Act, *, chain: str, actor: Actor, study_time: datetime | None, reason: str) -> Act:
    """Return a handle on the outer act for what an inner act notes; both collect in the same lists."""
    return Act(
        name=outer.name,
        chain=chain,
        actor=actor,
        reason=reason or outer.reason,
        study_time=study_time or outer.study_time,
        id=outer.id,
        at=outer.at,
        notes=outer.notes,
        closing=outer.closing,
    )


def _append(act: Act) -> None:
    """Append all collected events; the chains are the last rows an act locks."""
    heads = _lock_chains(sorted({note.chain for note in act.notes}))
    # By index, since what closes an act may ask for more to be closed.
    closed = 0
    while closed < len(act.closing):
        act.closing[closed]()
        closed += 1
    keys = _with_late_chains(act, heads)
    if not keys:
        return
    request_id = str(get_contextvars().get("request_id", ""))
    events: list[AuditEvent] = []
    for note in act.notes:
        events.append(_event(act, note, heads[note.chain], request_id))
    AuditEvent.objects.bulk_create(events)
    for key in keys:
        heads[key].save(update_fields=["head_seq", "head_hash", "head_at"])
    wakeups.wake_after_commit()


def _with_late_chains(act: Act, heads: dict[str, Chain]) -> list[str]:
    """Lock the chains that were first noted on while the act closed, and return the keys of all.

    Only chains after all those held can be locked now: any other order could deadlock with another act.
    """
    late = sorted({note.chain for note in act.notes} - set(heads))
    if late and heads and late[0] < max(heads):
        message = (
            f"The act {act.name!r} notes on chain {late[0]!r} while it closes and holds {max(heads)!r} already; "
            "expected a note on it before the act closes, so that the chains are locked in the order of their keys."
        )
        raise RuntimeError(message)
    heads |= _lock_chains(late)
    return sorted(heads)


def _lock_chains(keys: list[str]) -> dict[str, Chain]:
    if not keys:
        return {}
    heads = {head.key: head for head in Chain.objects.select_for_update().filter(key__in=keys).order_by("key")}
    missing = [key for key in keys if key not in heads]
    if missing:
        Chain.objects.bulk_create([Chain(key=key) for key in missing], ignore_conflicts=True)
        heads = {head.key: head for head in Chain.objects.select_for_update().filter(key__in=keys).order_by("key")}
    return heads


def _event(act: Act, note: Note, head: Chain, request_id: str) -> AuditEvent:
    """Number and hash one event, moving the head of its chain on; time never runs backwards within a chain."""
    head.head_at = max(clock.now(), head.head_at) if head.head_at else clock.now()
    event = AuditEvent(
        chain=head,
        seq=head.head_seq + 1,
        epoch=head.epoch,
        at=head.head_at,
        study_time=note.study_time,
        site=note.site,
        participant=note.participant,
        actor=note.actor.name,
        on_behalf_of=note.actor.on_behalf_of,
        act=act.id,
        act_name=act.name,
        request_id=request_id,
        record_kind=note.record_kind,
        record_id=note.record_id,
        action=note.action,
        reason=note.reason,
        salt=secrets.token_hex(16),
        payload=note.payload,
        previous_hash=head.head_hash,
    )
    event.payload_hash = payload_hash(event.salt, event.payload)
    event.hash = event_hash(header_of(event), event.previous_hash)
    head.head_seq, head.head_hash = event.seq, event.hash
    return event
