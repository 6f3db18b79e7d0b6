from __future__ import annotations

import uuid

from django.db import models

from trials.models import Participant, Site, Study


class Scale(models.TextChoices):
    CRS = "CRS", "CRS"
    ICANS = "ICANS", "ICANS"
    GVHD = "GVHD", "GVHD"


class Episode(models.Model):
    """Consecutive assessments of one scale that belong together; ``grade`` is their maximum."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="episodes")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="episodes")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="episodes")
    scale = models.CharField(max_length=8, choices=Scale.choices)
    number = models.PositiveSmallIntegerField()
    started = models.CharField(max_length=16)
    ended = models.CharField(max_length=16, blank=True, default="")
    grade = models.PositiveSmallIntegerField()
    working = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["participant_id", "scale", "number"]
        constraints = [
            models.UniqueConstraint(fields=["participant", "scale", "number"], name="episode_number_in_scale"),
        ]

    def __str__(self) -> str:
        return f"{self.scale} episode {self.number}"


class Assessment(models.Model):
    """Typed row of one CRS, ICANS or GVHD assessment record: the grade with its working and rule.

    ``grade`` is empty when the assessment is not evaluable, never 0. ``at`` is local wall time of the site.
    """

    record_id = models.UUIDField(primary_key=True)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="assessments")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="assessments")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="assessments")
    episode = models.ForeignKey(Episode, on_delete=models.SET_NULL, null=True, related_name="assessments")
    scale = models.CharField(max_length=8, choices=Scale.choices)
    at = models.CharField(max_length=16, blank=True, default="")
    time_zone = models.CharField(max_length=64)
    grade = models.PositiveSmallIntegerField(null=True)
    evaluable = models.BooleanField()
    score = models.PositiveSmallIntegerField(null=True)
    working = models.TextField()
    rule = models.CharField(max_length=80)
    findings = models.JSONField(default=dict)

    class Meta:
        ordering = ["participant_id", "scale", "at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(evaluable=True, grade__isnull=False) | models.Q(evaluable=False, grade__isnull=True),
                name="assessment_grade_iff_evaluable",
            ),
        ]
        indexes = [models.Index(fields=["study", "site", "scale", "grade"], name="assessment_review")]

    def __str__(self) -> str:
        return f"{self.scale} {self.at}"
