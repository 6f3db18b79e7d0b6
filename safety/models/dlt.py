from __future__ import annotations

import uuid

from django.db import models

from trials.models import Participant, Site, Study


class DltWindow(models.Model):
    """The window in which one participant is watched for dose-limiting toxicity, in local dates of the site."""

    class State(models.TextChoices):
        NOT_STARTED = "not_started", "Not started"
        OPEN = "open", "Open"
        CLOSING = "closing", "Closing"
        CLOSED = "closed", "Closed"
        DLT = "dlt", "DLT"

    participant = models.OneToOneField(
        Participant, on_delete=models.PROTECT, primary_key=True, related_name="dlt_window"
    )
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="dlt_windows")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="dlt_windows")
    opens = models.DateField(null=True)
    closes = models.DateField(null=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.NOT_STARTED)
    evaluable = models.BooleanField(null=True)
    judged_on = models.DateField(null=True)

    class Meta:
        ordering = ["study_id", "participant_id"]
        indexes = [models.Index(fields=["study", "state", "closes"], name="dlt_window_board")]

    def __str__(self) -> str:
        return f"{self.participant_id}: {self.state}"


class DltCandidate(models.Model):
    """A rule of the study matched, or may still match, an event: waits for a person's adjudication.

    ``event_kind`` is AE, CRS, ICANS or GVHD; ``event_id`` the AE record or the episode.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        CANDIDATE = "candidate", "Candidate"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="dlt_candidates")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="dlt_candidates")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="dlt_candidates")
    rule = models.CharField(max_length=40)
    event_kind = models.CharField(max_length=8)
    event_id = models.UUIDField()
    occurrence = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=State.choices)
    working = models.TextField()
    waits_for = models.CharField(max_length=200, blank=True, default="")
    found_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-found_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "rule", "event_kind", "event_id"], name="dlt_candidate_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} of {self.participant_id}"
