"""Typed rows projected from form records: rebuildable from them at any time."""

from __future__ import annotations

import uuid

from django.db import models

from trials.models.participant import Participant
from trials.models.visit import Visit


class Consent(models.Model):
    """One signed consent document; ``signed`` is local wall time, ``YYYY-MM-DDTHH:MM``."""

    record_id = models.UUIDField(primary_key=True)
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="consents")
    document = models.CharField(max_length=200, blank=True, default="")
    signed = models.CharField(max_length=16, blank=True, default="")
    time_zone = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.document} {self.signed}"


class Infusion(models.Model):
    """One product infused; times are local wall time of the site, cells in 10*6, dose in 10*6 per kg."""

    record_id = models.UUIDField()
    row = models.CharField(max_length=12)
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="infusions")
    product = models.CharField(max_length=40, blank=True, default="")
    lot = models.CharField(max_length=80, blank=True, default="")
    started = models.CharField(max_length=16, blank=True, default="")
    ended = models.CharField(max_length=16, blank=True, default="")
    time_zone = models.CharField(max_length=64)
    cells = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    dose = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    whole = models.BooleanField(null=True)

    class Meta:
        ordering = ["participant_id", "started", "row"]
        constraints = [models.UniqueConstraint(fields=["record_id", "row"], name="infusion_row_once")]

    def __str__(self) -> str:
        return f"{self.product} {self.started}"


class Deviation(models.Model):
    """A departure from the protocol: opened as a draft by the system, or recorded by the site's deviation form."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        RECORDED = "recorded", "Recorded"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="deviations")
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, null=True, blank=True, related_name="deviations")
    record_id = models.UUIDField(null=True, unique=True)
    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State.choices)
    on_date = models.DateField(null=True)
    days = models.IntegerField(null=True)
    description = models.TextField(blank=True, default="")
    important = models.BooleanField(null=True)

    class Meta:
        ordering = ["participant_id", "on_date"]
        constraints = [
            models.UniqueConstraint(
                fields=["visit", "kind"], condition=models.Q(state="draft"), name="deviation_one_draft_per_visit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
