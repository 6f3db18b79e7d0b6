from __future__ import annotations

import uuid

from django.db import models

from trials.models import Participant, Site, Study, StudyVersion, Visit


class FormRecord(models.Model):
    """One filled form: at a visit, once for a participant (``row`` 0), or one row of a log (``row`` from 1).

    ``data`` holds the values keyed by item path: ``{"TEMP": {"v": "38.6", "u": "Cel"}}``; text as entered, never JSON
    numbers. A null flavour is ``{"n": "ND", "why": "…"}``. ``version`` counts saves, for optimistic locking.
    """

    class State(models.TextChoices):
        IN_PROGRESS = "in_progress", "In progress"
        COMPLETE = "complete", "Complete"
        NOT_DONE = "not_done", "Not done"
        REMOVED = "removed", "Removed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="records")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="records")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="records")
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, null=True, blank=True, related_name="records")
    definition = models.ForeignKey(StudyVersion, on_delete=models.PROTECT, related_name="records")
    form = models.CharField(max_length=8)
    row = models.PositiveIntegerField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.IN_PROGRESS)
    state_reason = models.TextField(blank=True, default="")
    version = models.PositiveIntegerField(default=0)
    ever_completed = models.BooleanField(default=False)
    data = models.JSONField(default=dict)
    required = models.PositiveSmallIntegerField(default=0)
    answered = models.PositiveSmallIntegerField(default=0)
    open_queries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["participant_id", "form", "row"]
        constraints = [
            models.UniqueConstraint(
                fields=["visit", "form"],
                condition=models.Q(visit__isnull=False) & ~models.Q(state="removed"),
                name="form_record_one_per_visit",
            ),
            models.UniqueConstraint(
                fields=["participant", "form", "row"],
                condition=models.Q(visit__isnull=True),
                name="form_record_one_per_log_row",
            ),
            models.CheckConstraint(
                condition=models.Q(visit__isnull=True) | models.Q(row__isnull=True), name="form_record_visit_or_log"
            ),
        ]
        indexes = [
            models.Index(fields=["study", "site", "form"], name="form_record_by_form"),
            models.Index(fields=["participant", "form"], name="form_record_participant"),
        ]

    def __str__(self) -> str:
        return f"{self.form} of {self.participant_id}"


class LogDeclaration(models.Model):
    """The site's statement that a log has nothing to report; without it an empty log is unknown, not none."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="log_declarations")
    form = models.CharField(max_length=8)
    nothing = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["participant", "form"], name="log_declaration_once")]

    def __str__(self) -> str:
        return f"{self.form}: {'none' if self.nothing else 'open'}"
