"""Redaction: blanks the payload of one audit event that must not be kept, and says so in an event of its own."""

from __future__ import annotations

from django.db import transaction

from trials.records.domain.actors import Actor
from trials.records.domain.chain import EVENT_KIND, REDACT, name_of
from trials.records.domain.errors import raise_all, refuse
from trials.records.domain.transitions import is_reason, reason_needed
from trials.records.models import AuditEvent
from trials.records.services.act import current_act, open_act


def redact_event(event: AuditEvent, *, actor: Actor, reason: str) -> AuditEvent:
    """Blank an event's payload for good; its header and the hash of the payload stay, and the chain still verifies.

    The caller's policy has judged the right to do so. The event of redaction is appended first: the database lets a
    payload be blanked only when such an event names it, so this is an act of its own, never part of another.
    """
    if current_act() is not None:
        message = "A redaction is an act of its own; close the act in progress first."
        raise RuntimeError(message)
    raise_all([] if is_reason(reason) else [reason_needed(reason)])
    with transaction.atomic():
        with open_act("redact", chain=event.chain_id, actor=actor, reason=reason) as act:
            stored = AuditEvent.objects.only("payload").get(pk=event.pk)
            if not stored.payload:
                raise refuse(
                    "redacted_already",
                    expected="an event whose values are kept",
                    found="one that was redacted",
                    action="Nothing needs to be done.",
                    kind="conflict",
                )
            act.note(
                EVENT_KIND,
                name_of(event.chain_id, event.seq),
                REDACT,
                delta={"payload_hash": [event.payload_hash]},
                site=event.site,
                participant=event.participant,
                reason=reason,
            )
        AuditEvent.objects.filter(pk=event.pk).update(payload="")
    return AuditEvent.objects.get(pk=event.pk)
