from __future__ import annotations

import uuid

from django.db import models


class Signature(models.Model):
    """A named person's signature, bound to the hash of what was signed; a change of that content invalidates it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chain = models.CharField(max_length=80)
    site = models.CharField(max_length=36, blank=True, default="")
    record_kind = models.CharField(max_length=40)
    record_id = models.CharField(max_length=80)
    record_version = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    meaning = models.CharField(max_length=200)
    signer = models.CharField(max_length=150)
    printed_name = models.CharField(max_length=200)
    signed_at = models.DateTimeField()
    time_zone = models.CharField(max_length=64)
    invalidated_at = models.DateTimeField(null=True)
    invalidated_because = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["signed_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["record_kind", "record_id", "signer", "meaning"],
                condition=models.Q(invalidated_at=None),
                name="signature_one_valid_per_meaning",
            ),
        ]
        indexes = [models.Index(fields=["record_kind", "record_id"], name="signature_record")]

    def __str__(self) -> str:
        return f"{self.printed_name}: {self.meaning}"
