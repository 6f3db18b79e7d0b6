"""Delivery of notifications: claim by lease, commit, send outside any transaction, mark; then the next ones.

A crash between the sending and the mark sends the same message again, with the same Message-ID: one row, at least one
delivery. Works without Celery: whoever calls ``deliver_due`` is a worker, and any number may at once.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from trials.records.domain.retry import next_attempt
from trials.records.models import Notification
from trials.records.services import clock
from trials.records.services.notifications import WAITING, Channel, Request, State, request_notifications

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
# What is left of a lease must be longer than one sending can take, else another worker may send it meanwhile.
MARGIN = timedelta(seconds=60)
BATCH = 20
MAIL_DOMAIN = "dayzero.invalid"
# 160 bits of the key: with all 64 digits the header would be folded, which some mail servers mangle.
ID_DIGITS = 40
PERMANENT = range(500, 600)

ScopeCheck = Callable[[UUID, str, str, str], bool]
_scope_checks: list[ScopeCheck] = []


def register_scope_check(check: ScopeCheck) -> None:
    """Have ``check(recipient_id, chain, site, participant)`` asked before each sending whether it is still his to know.

    Without a check, nothing is sent: scope belongs to a room above, and a missing answer is a no.
    """
    if check not in _scope_checks:
        _scope_checks.append(check)


@dataclass(slots=True)
class Outcome:
    """What one run did, by count."""

    sent: int = 0
    failed: int = 0
    dead: int = 0
    withdrawn: int = 0


class UndeliverableError(Exception):
    """Trying again cannot help."""


def deliver_due(now: datetime | None = None, *, limit: int = 10_000) -> Outcome:
    """Deliver what is due, urgent first, oldest first, until nothing is left or ``limit`` were tried."""
    outcome, tried = Outcome(), 0
    while tried < limit and (claimed := claim(now or clock.now(), size=min(BATCH, limit - tried))):
        tried += len(claimed)
        for row in _with_mail_connection(claimed):
            _deliver(*row, outcome=outcome)
    return outcome


def claim(now: datetime, *, size: int = BATCH) -> list[Notification]:
    """Take up to ``size`` due rows for the length of a lease, and commit that; a row whose lease ran out is due again.

    PostgreSQL skips rows that another worker is claiming; SQLite runs writing transactions one after the other.
    """
    with transaction.atomic():
        due = Notification.objects.filter(next_attempt_at__lte=now, state__in=WAITING)
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        rows = list(due.select_related("recipient").order_by("-urgent", "next_attempt_at", "id")[:size])
        until = now + LEASE
        Notification.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=State.SENDING, lease_until=until, next_attempt_at=until, attempts=F("attempts") + 1
        )
    for row in rows:
        row.state, row.lease_until, row.attempts = State.SENDING, until, row.attempts + 1
    return rows


def _with_mail_connection(rows: list[Notification]) -> Iterator[tuple[Notification, BaseEmailBackend]]:
    """Yield the rows with one mail connection for all, which opens at the first mail."""
    mail = get_connection()
    try:
        for row in rows:
            yield row, mail
    finally:
        try:
            mail.close()
        except (smtplib.SMTPException, OSError):
            logger.warning("mail_connection_not_closed")


def _deliver(row: Notification, mail: BaseEmailBackend, *, outcome: Outcome) -> None:
    """Deliver one claimed row; whatever goes wrong with it never reaches the next one."""
    if row.lease_until is not None and clock.now() > row.lease_until - MARGIN:
        return
    try:
        if not _is_in_scope(row):
            _mark(row, State.WITHDRAWN, error="no longer within the recipient's scope")
            outcome.withdrawn += 1
            return
        if row.channel == Channel.EMAIL:
            _send_mail(row, mail)
    except UndeliverableError as error:
        _give_up(row, str(error))
        outcome.dead += 1
    except (smtplib.SMTPException, OSError) as error:
        _fail(row, mail, f"{type(error).__name__}: {error}", outcome)
    except Exception as error:
        logger.exception("notification_failed", extra={"notification": str(row.pk)})
        _fail(row, mail, type(error).__name__, outcome)
    else:
        _mark(row, State.SENT)
        outcome.sent += 1


def _is_in_scope(row: Notification) -> bool:
    return bool(_scope_checks) and all(
        check(row.recipient_id, row.chain, row.site, row.participant) for check in _scope_checks
    )


def _send_mail(row: Notification, mail: BaseEmailBackend) -> None:
    """Send a title and a link; the key is the Message-ID, so that a repeat can be told from a second message."""
    address = str(getattr(row.recipient, "email", ""))
    if not address:
        raise UndeliverableError("the recipient has no e-mail address")
    link = [f"{settings.PUBLIC_URL}{row.link}"] if row.link else []
    message = EmailMessage(
        subject=row.title,
        body="\n".join([row.title, "", *link, _("Sign in to read more.")]),
        to=[address],
        connection=mail,
        headers={"Message-ID": message_id(row.key), "Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
        # Only these two judge the message; a refused log-in or sender is the house's fault and is tried again.
        codes = _codes(error)
        if codes and all(code in PERMANENT for code in codes):
            raise UndeliverableError(f"refused by the mail server with {codes[0]}") from error
        raise


def message_id(key: str) -> str:
    """Return the Message-ID of the mail of a notification: the first digits of its key.

    >>> message_id("0123456789abcdef" * 4)
    '<0123456789abcdef0123456789abcdef01234567@dayzero.invalid>'
    """
    return f"<{key[:ID_DIGITS]}@{MAIL_DOMAIN}>"


def _codes(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError) -> list[int]:
    if isinstance(error, smtplib.SMTPDataError):
        return [error.smtp_code]
    return [code for code, _text in error.recipients.values()]


def _fail(row: Notification, mail: BaseEmailBackend, error: str, outcome: Outcome) -> None:
    """Plan the next attempt, or give up 48 hours after it was due (or asked for, whichever is later)."""
    try:
        mail.close()
    except (smtplib.SMTPException, OSError):
        logger.warning("mail_connection_not_closed")
    first = max(row.due_at, row.created_at)
    at = next_attempt(row.attempts, row.key, first=first, now=clock.now())
    if at is None:
        _give_up(row, error)
        outcome.dead += 1
        return
    _mark(row, State.FAILED, error=error, next_attempt_at=at)
    outcome.failed += 1


def _give_up(row: Notification, error: str) -> None:
    """Mark a row dead; an urgent mail that cannot be delivered stands in its recipient's inbox from now on."""
    with transaction.atomic():
        _mark(row, State.DEAD, error=error)
        if row.urgent and row.channel == Channel.EMAIL:
            request_notifications([_in_inbox(row)])


def _in_inbox(row: Notification) -> Request:
    return Request(
        kind=row.kind,
        rule_id=row.rule_id,
        rule_version=row.rule_version,
        chain=row.chain,
        occurrence=row.occurrence,
        recipient_id=row.recipient_id,
        title=row.title,
        due_at=row.due_at,
        channel=Channel.INBOX,
        link=row.link,
        urgent=True,
        site=row.site,
        participant=row.participant,
    )


def _mark(row: Notification, state: str, *, error: str = "", next_attempt_at: datetime | None = None) -> None:
    """Note the outcome, unless the row was withdrawn meanwhile or its lease is another worker's."""
    now = clock.now()
    Notification.objects.filter(pk=row.pk, state=State.SENDING, lease_until=row.lease_until).update(
        state=state,
        lease_until=None,
        last_error=error[:300],
        sent_at=now if state == State.SENT else None,
        next_attempt_at=next_attempt_at or now,
    )
