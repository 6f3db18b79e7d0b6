from __future__ import annotations

import uuid

from django.db import models


class Lock(models.Model):
    """A freeze or lock placed on a record or on everything below a visit, participant, site or study."""

    class Level(models.TextChoices):
        FROZEN = "frozen", "Frozen"
        LOCKED = "locked", "Locked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chain = models.CharField(max_length=80)
    site = models.CharField(max_length=36, blank=True, default="")
    scope_kind = models.CharField(max_length=40)
    scope_id = models.CharField(max_length=80)
    level = models.CharField(max_length=10, choices=Level.choices)
    reason = models.TextField()
    placed_by = models.CharField(max_length=150)
    placed_at = models.DateTimeField()
    lifted_by = models.CharField(max_length=150, blank=True, default="")
    lifted_at = models.DateTimeField(null=True)
    lifted_because = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope_kind", "scope_id"], condition=models.Q(lifted_at=None), name="lock_one_in_force"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level}: {self.scope_kind} {self.scope_id}"
