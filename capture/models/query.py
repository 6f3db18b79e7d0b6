from __future__ import annotations

import uuid

from django.db import models

from capture.models.form_record import FormRecord
from trials.models import Participant, Site, Study


class Query(models.Model):
    """A question about one item (``path``) of a record; a system query names the check that opened it."""

    class State(models.TextChoices):
        CANDIDATE = "candidate", "Candidate"
        OPEN = "open", "Open"
        ANSWERED = "answered", "Answered"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled"

    class Origin(models.TextChoices):
        SYSTEM = "system", "System"
        PERSON = "person", "Person"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="queries")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="queries")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="queries")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="queries")
    path = models.CharField(max_length=80, blank=True, default="")
    check_key = models.CharField(max_length=80, blank=True, default="")
    origin = models.CharField(max_length=8, choices=Origin.choices)
    state = models.CharField(max_length=10, choices=State.choices)
    text = models.TextField()
    opened_by = models.CharField(max_length=150)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["opened_at", "id"]
        verbose_name_plural = "queries"
        constraints = [
            models.UniqueConstraint(
                fields=["record", "path", "check_key"],
                condition=models.Q(origin="system", state__in=["candidate", "open", "answered"]),
                name="query_one_live_per_check",
            ),
        ]
        indexes = [models.Index(fields=["study", "site", "state"], name="query_work_list")]

    def __str__(self) -> str:
        return self.text


class QueryEntry(models.Model):
    """One step of a query's thread."""

    query = models.ForeignKey(Query, on_delete=models.PROTECT, related_name="entries")
    at = models.DateTimeField()
    author = models.CharField(max_length=150)
    action = models.CharField(max_length=12)
    text = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["query_id", "at", "id"]
        verbose_name_plural = "query entries"

    def __str__(self) -> str:
        return f"{self.action} by {self.author}"
