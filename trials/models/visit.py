from __future__ import annotations

import uuid

from django.db import models

from trials.models.participant import Participant
from trials.models.study import Site, Study, StudyVersion


class Visit(models.Model):
    """A visit exists from consent; target and window appear when its anchor is known, provisionally from a plan.

    ``repeat`` counts unscheduled visits of one code (0 for a scheduled one). ``actual`` is a fact and never moved by a
    re-anchoring; target and window are derived and are.
    """

    class Kind(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        UNSCHEDULED = "unscheduled", "Unscheduled"
        END = "end", "End of study"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="visits")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="visits")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="visits")
    version = models.ForeignKey(StudyVersion, on_delete=models.PROTECT, related_name="visits")
    code = models.CharField(max_length=12)
    ordinal = models.PositiveSmallIntegerField()
    repeat = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.SCHEDULED)
    target = models.DateField(null=True, blank=True)
    opens = models.DateField(null=True, blank=True)
    closes = models.DateField(null=True, blank=True)
    provisional = models.BooleanField(default=False)
    planned = models.DateField(null=True, blank=True)
    actual = models.DateField(null=True, blank=True)
    missed = models.BooleanField(default=False)
    missed_reason = models.TextField(blank=True, default="")
    cancelled = models.BooleanField(default=False)

    class Meta:
        ordering = ["participant_id", "ordinal", "repeat"]
        constraints = [
            models.UniqueConstraint(fields=["participant", "code", "repeat"], name="visit_code_once"),
            models.CheckConstraint(
                condition=models.Q(missed=False) | models.Q(actual=None), name="visit_missed_has_no_date"
            ),
        ]
        indexes = [
            models.Index(
                fields=["closes"],
                condition=models.Q(actual=None, missed=False, cancelled=False),
                name="visit_open_by_close",
            ),
            models.Index(fields=["study", "site", "participant", "ordinal"], name="visit_casebook"),
        ]

    def __str__(self) -> str:
        return self.code if not self.repeat else f"{self.code} {self.repeat}"
