from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Notification(models.Model):
    """The queue of record for alerts and reminders: one row per rule, participant, occurrence, recipient and channel.

    ``key`` is SHA-256 of those five; Celery and Redis only wake the dispatcher. Texts carry ids, never clinical values.
    """

    class Channel(models.TextChoices):
        INBOX = "inbox", "Inbox"
        EMAIL = "email", "E-mail"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed, will be tried again"
        DEAD = "dead", "Given up"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=40)
    rule_id = models.CharField(max_length=80)
    rule_version = models.CharField(max_length=40, blank=True, default="")
    chain = models.CharField(max_length=80)
    site = models.CharField(max_length=36, blank=True, default="")
    participant = models.CharField(max_length=36, blank=True, default="")
    occurrence = models.CharField(max_length=120)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notifications")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    urgent = models.BooleanField(default=False)
    title = models.CharField(max_length=200)
    link = models.CharField(max_length=300, blank=True, default="")
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    lease_until = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True, default="")
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-urgent", "due_at", "id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(state__in=["queued", "failed", "sending"]),
                name="notification_to_send",
            ),
            models.Index(fields=["recipient", "channel", "acknowledged_at"], name="notification_inbox"),
            models.Index(fields=["participant", "rule_id"], name="notification_participant"),
        ]

    def __str__(self) -> str:
        return self.title


class EventCursor(models.Model):
    """How far one reader of audit events has come in one chain."""

    reader = models.CharField(max_length=60)
    chain = models.CharField(max_length=80)
    seq = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "chain"], name="event_cursor_one_per_chain")]

    def __str__(self) -> str:
        return f"{self.reader}: {self.chain} {self.seq}"


class Heartbeat(models.Model):
    """When a background job last ran; the health page judges its age."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()
    detail = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"
