from __future__ import annotations

from django.db import models

from trials.models import Participant, Site, Study


class AdverseEvent(models.Model):
    """Typed row of one adverse event record; its course is the rows of ``AeGrade``.

    ``started`` and ``ended`` are as entered (possibly partial, local); ``*_earliest`` and ``*_latest`` bound them.
    """

    record_id = models.UUIDField(primary_key=True)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="adverse_events")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="adverse_events")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="adverse_events")
    number = models.PositiveIntegerField()
    text = models.CharField(max_length=400, blank=True, default="")
    term = models.CharField(max_length=200, blank=True, default="")
    organ_class = models.CharField(max_length=200, blank=True, default="")
    started = models.CharField(max_length=16, blank=True, default="")
    started_earliest = models.DateField(null=True)
    started_latest = models.DateField(null=True)
    phase = models.CharField(max_length=8, blank=True, default="")
    ended = models.CharField(max_length=16, blank=True, default="")
    ended_earliest = models.DateField(null=True)
    ended_latest = models.DateField(null=True)
    ongoing = models.BooleanField(null=True)
    outcome = models.CharField(max_length=12, blank=True, default="")
    grade = models.PositiveSmallIntegerField(null=True)
    serious = models.BooleanField(null=True)
    serious_because = models.JSONField(default=list)
    causes = models.JSONField(default=dict)
    related = models.BooleanField(null=True)
    haematological = models.BooleanField(null=True)
    working = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["participant_id", "number"]
        indexes = [models.Index(fields=["study", "site", "grade"], name="adverse_event_review")]

    def __str__(self) -> str:
        return self.term or self.text


class AeGrade(models.Model):
    """One period of an adverse event at one grade (1 to 5); evolution is data, correction is audit."""

    event = models.ForeignKey(AdverseEvent, on_delete=models.CASCADE, related_name="grades")
    row = models.CharField(max_length=12)
    grade = models.PositiveSmallIntegerField()
    since = models.CharField(max_length=16, blank=True, default="")
    since_earliest = models.DateField(null=True)
    since_latest = models.DateField(null=True)

    class Meta:
        ordering = ["event_id", "since_earliest", "row"]
        constraints = [models.UniqueConstraint(fields=["event", "row"], name="ae_grade_row_once")]

    def __str__(self) -> str:
        return f"grade {self.grade} from {self.since}"
