from __future__ import annotations

import uuid

from django.db import models


class Study(models.Model):
    """One study. ``simulated`` never changes; ``clock`` is the frozen study time of a simulated study (else empty)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    oid = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=300)
    simulated = models.BooleanField(default=False)
    clock = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["oid"]
        verbose_name_plural = "studies"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(simulated=True) | models.Q(clock=None), name="study_only_simulated_has_own_clock"
            ),
        ]

    def __str__(self) -> str:
        return self.oid

    @property
    def chain_key(self) -> str:
        """Key of the study's chain of audit events."""
        return f"study:{self.oid}"


class StudyVersion(models.Model):
    """A published study folder, resolved to one canonical JSON document; immutable in shape.

    ``revision`` counts text-only publications, which replace the words but not the shape.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    revision = models.PositiveIntegerField(default=1)
    document = models.TextField()
    content_hash = models.CharField(max_length=64)
    shape_hash = models.CharField(max_length=64)
    changes = models.TextField(blank=True, default="")
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["study_id", "number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="study_version_number")]

    def __str__(self) -> str:
        return f"{self.study_id} version {self.number}"


class Site(models.Model):
    """A hospital taking part in one study; ``code`` prefixes its participants' numbers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="sites")
    code = models.CharField(max_length=8)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64)
    next_sequence = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["study_id", "code"]
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="site_code_in_study")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class SiteActivation(models.Model):
    """From which date a site works under a study version."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="activations")
    version = models.ForeignKey(StudyVersion, on_delete=models.PROTECT, related_name="activations")
    from_date = models.DateField()

    class Meta:
        ordering = ["site_id", "from_date"]
        constraints = [models.UniqueConstraint(fields=["site", "version"], name="site_activation_once")]

    def __str__(self) -> str:
        return f"{self.site_id} from {self.from_date}"


class Arm(models.Model):
    """A treatment arm; ``products`` are infused in this order."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="arms")
    code = models.CharField(max_length=20)
    label = models.CharField(max_length=200)
    products = models.JSONField(default=list)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["study_id", "position"]
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="arm_code_in_study")]

    def __str__(self) -> str:
        return self.label or self.code


class DoseLevel(models.Model):
    """One step of an arm's dose ladder: an amount per product, as decimal text in ``unit``."""

    class State(models.TextChoices):
        NOT_OPEN = "not_open", "Not open"
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="dose_levels")
    arm = models.ForeignKey(Arm, on_delete=models.PROTECT, related_name="dose_levels")
    number = models.PositiveSmallIntegerField()
    amounts = models.JSONField(default=dict)
    unit = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NOT_OPEN)

    class Meta:
        ordering = ["study_id", "arm_id", "number"]
        constraints = [models.UniqueConstraint(fields=["arm", "number"], name="dose_level_number_in_arm")]

    def __str__(self) -> str:
        return f"{self.number}: {', '.join(str(amount) for amount in self.amounts.values())} {self.unit}"
