from __future__ import annotations

import uuid

from django.db import models

from trials.models.study import Arm, DoseLevel, Site, Study, StudyVersion


class Participant(models.Model):
    """One participant; facts that rules and windows need are kept here, projected from the records that state them.

    Dates are local to the site. ``birth_date`` is text because it may be partial. ``populations`` names the populations
    of the study version that the participant belongs to.
    """

    class State(models.TextChoices):
        SCREENING = "screening", "Screening"
        SCREEN_FAILED = "screen_failed", "Screening failure"
        ENROLLED = "enrolled", "Enrolled"
        TREATED = "treated", "Treated"
        COMPLETED = "completed", "Completed"
        WITHDRAWN = "withdrawn", "Withdrawn"
        DIED = "died", "Died"
        TAKEN_BACK = "taken_back", "Taken back"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="participants")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="participants")
    version = models.ForeignKey(StudyVersion, on_delete=models.PROTECT, related_name="participants")
    sequence = models.PositiveIntegerField()
    number = models.CharField(max_length=20)
    state = models.CharField(max_length=20, choices=State.choices, default=State.SCREENING)
    state_reason = models.TextField(blank=True, default="")
    condition = models.CharField(max_length=20, blank=True, default="")
    arm = models.ForeignKey(Arm, on_delete=models.PROTECT, null=True, blank=True, related_name="participants")
    dose_level = models.ForeignKey(
        DoseLevel, on_delete=models.PROTECT, null=True, blank=True, related_name="participants"
    )
    sex = models.CharField(max_length=1, blank=True, default="")
    birth_date = models.CharField(max_length=10, blank=True, default="")
    consented_on = models.DateField(null=True, blank=True)
    enrolled_on = models.DateField(null=True, blank=True)
    planned_infusion_on = models.DateField(null=True, blank=True)
    infused_on = models.DateField(null=True, blank=True)
    infused_at = models.CharField(max_length=16, blank=True, default="")
    last_infused_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)
    died_on = models.DateField(null=True, blank=True)
    populations = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["study_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="participant_number_in_study"),
            models.UniqueConstraint(fields=["site", "sequence"], name="participant_sequence_at_site"),
        ]
        indexes = [models.Index(fields=["study", "site", "state"], name="participant_study_site")]

    def __str__(self) -> str:
        return self.number


class SiteStay(models.Model):
    """From when until when a participant belonged to a site; decides who reads what after a transfer."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="stays")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="stays")
    from_date = models.DateField()
    until_date = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["participant"], condition=models.Q(until_date=None), name="site_stay_one_present"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.participant_id} at {self.site_id}"
