"""Requests for notifications, their withdrawal and acknowledgement; the table is the queue of record.

A request is a row that is unique by rule, participant, occurrence, recipient and channel, written in the transaction of
the act that caused it. An event and a sweep that both ask for the same one meet in the same row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from trials.records.domain.actors import Actor
from trials.records.domain.canonical import canonical, digest
from trials.records.domain.errors import refuse
from trials.records.domain.notification_states import NOTIFICATION_STATES
from trials.records.models import Notification
from trials.records.services import clock
from trials.records.services.act import Act, current_act, open_act

Channel, State = Notification.Channel, Notification.State
WAITING = NOTIFICATION_STATES.sources("claim")
WITHDRAWABLE = NOTIFICATION_STATES.sources("withdraw")


@dataclass(frozen=True, slots=True)
class Request:
    """One wanted notification; ``title`` and ``link`` carry ids and words of the house, never a clinical value.

    ``occurrence`` tells one happening from the next of the same rule: a record and version, or a LOCAL date, so that a
    change of the clocks cannot make a second one.
    """

    kind: str
    rule_id: str
    chain: str
    occurrence: str
    recipient_id: UUID
    title: str
    due_at: datetime
    channel: str = Channel.INBOX
    link: str = ""
    urgent: bool = False
    site: str = ""
    participant: str = ""
    rule_version: str = ""

    @property
    def key(self) -> str:
        """SHA-256 of what makes it unique; also the Message-ID of its mail."""
        parts = [self.rule_id, self.participant, self.occurrence, str(self.recipient_id), str(self.channel)]
        # A rule without a participant (a lockout, a study's rule) is told apart by its chain.
        return digest(canonical([*parts, "" if self.participant else self.chain]))


class _Pending:
    """Requests of an act, inserted when it closes, under the chain's lock: no two acts can wait for each other."""

    def __init__(self) -> None:
        self.requests: dict[str, Request] = {}

    def __call__(self) -> None:
        _insert(self.requests.values())


def request_notifications(requests: Iterable[Request]) -> None:
    """Ask for notifications; each that exists already, in whatever state, stays as it is.

    Inside an act the rows are written when the act closes, in its transaction; outside one, at once. One statement.
    """
    act = current_act()
    if act is None:
        with transaction.atomic():
            _insert(requests)
        return
    pending = _pending_of(act)
    if pending is None:
        pending = _Pending()
        act.closing.append(pending)
    pending.requests.update({request.key: request for request in requests})


def request_notification(
    *,
    kind: str,
    rule_id: str,
    chain: str,
    occurrence: str,
    recipient_id: UUID,
    title: str,
    due_at: datetime,
    channel: str = Channel.INBOX,
    link: str = "",
    urgent: bool = False,
    site: object = "",
    participant: object = "",
    rule_version: str = "",
) -> str:
    """Ask for one notification and return its key."""
    request = Request(
        kind=kind,
        rule_id=rule_id,
        chain=chain,
        occurrence=occurrence,
        recipient_id=recipient_id,
        title=title,
        due_at=due_at,
        channel=channel,
        link=link,
        urgent=urgent,
        site=str(site or ""),
        participant=str(participant or ""),
        rule_version=rule_version,
    )
    request_notifications([request])
    return request.key


def withdraw_notifications(
    *, rule_id: str, act: Act, because: str, participant: object = "", occurrence: str | None = None
) -> tuple[Notification, ...]:
    """Withdraw what a rule asked for and no longer holds, in all occurrences unless one is named; nothing is deleted.

    A mail that went out stays sent and its row too; what was not acknowledged disappears from the inbox.
    """
    pending = _pending_of(act)
    if pending is not None:
        pending.requests = {
            key: request
            for key, request in pending.requests.items()
            if (request.rule_id, request.participant) != (rule_id, str(participant or ""))
            or occurrence not in {None, request.occurrence}
        }
    rows = Notification.objects.filter(
        rule_id=rule_id,
        participant=str(participant or ""),
        chain=act.chain,
        acknowledged_at=None,
        state__in=WITHDRAWABLE,
    )
    if occurrence is not None:
        rows = rows.filter(occurrence=occurrence)
    found = tuple(rows.select_for_update().order_by("id"))
    Notification.objects.filter(pk__in=[row.pk for row in found]).update(
        state=State.WITHDRAWN, lease_until=None, last_error=because[:300]
    )
    for row in found:
        delta = {"state": [row.state, State.WITHDRAWN.value]}
        act.note(
            "Notification", row.pk, "withdraw", delta=delta, site=row.site, participant=row.participant, reason=because
        )
    return found


def acknowledge_notification(notification: Notification, *, actor: Actor) -> Notification:
    """Note that its recipient, and nobody else, has seen a notification; audited, once."""
    with open_act("acknowledge notification", chain=notification.chain, actor=actor) as act:
        row = Notification.objects.select_for_update().get(pk=notification.pk)
        if str(row.recipient_id) != actor.user_id:
            raise refuse(
                "notification_unknown",
                expected="a notification of yours",
                found="none",
                action="Open your inbox.",
                kind="unknown",
            )
        if row.state == State.WITHDRAWN:
            raise refuse(
                "notification_withdrawn",
                expected="a notification that still holds",
                found="one that was withdrawn",
                action="Reload your inbox.",
                kind="conflict",
            )
        if row.acknowledged_at is None:
            row.acknowledged_at = act.at
            row.save(update_fields=["acknowledged_at"])
            delta = {"acknowledged_at": ["", act.at.isoformat()]}
            act.note("Notification", row.pk, "acknowledge", delta=delta, site=row.site, participant=row.participant)
    return row


def inbox_of(user_id: UUID, *, now: datetime | None = None, all_seen: bool = False) -> QuerySet[Notification]:
    """Return what stands in a user's inbox: due, not withdrawn, and not yet acknowledged unless ``all_seen``."""
    rows = Notification.objects.filter(recipient_id=user_id, channel=Channel.INBOX, due_at__lte=now or clock.now())
    rows = rows.exclude(state__in=[State.WITHDRAWN, State.DEAD])
    return rows if all_seen else rows.filter(acknowledged_at=None)


def undelivered_urgent() -> QuerySet[Notification]:
    """Return urgent notifications that were given up and that nobody acknowledged; shown on the health page."""
    return Notification.objects.filter(urgent=True, acknowledged_at=None, state=State.DEAD)


def oldest_waiting(*, now: datetime, urgent_only: bool = False) -> datetime | None:
    """Return since when the longest waiting due notification waits, None when none does."""
    rows = Notification.objects.filter(state__in=WAITING, due_at__lte=now)
    rows = rows.filter(urgent=True) if urgent_only else rows
    return rows.order_by("due_at").values_list("due_at", flat=True).first()


def _pending_of(act: Act) -> _Pending | None:
    return next((part for part in act.closing if isinstance(part, _Pending)), None)


def _insert(requests: Iterable[Request]) -> None:
    """Insert what is not there yet, in one statement and in the order of keys."""
    created_at = clock.now()
    rows = [
        Notification(
            key=request.key,
            kind=request.kind,
            rule_id=request.rule_id,
            rule_version=request.rule_version,
            chain=request.chain,
            site=request.site,
            participant=request.participant,
            occurrence=request.occurrence,
            recipient_id=request.recipient_id,
            channel=request.channel,
            urgent=request.urgent,
            title=request.title[:200],
            link=request.link,
            due_at=request.due_at,
            created_at=created_at,
            next_attempt_at=request.due_at,
        )
        for request in requests
    ]
    Notification.objects.bulk_create(sorted(rows, key=lambda row: row.key), ignore_conflicts=True)
