from __future__ import annotations

from django.db import models


class Chain(models.Model):
    """Head of one hash chain of audit events; its row is the last lock of every act.

    ``key`` is ``system`` (log-ins, users, library) or ``study:<OID>``. A restore starts a new ``epoch``.
    """

    key = models.CharField(max_length=80, primary_key=True)
    epoch = models.PositiveIntegerField(default=1)
    head_seq = models.PositiveBigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, default="", blank=True)
    head_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.key} at {self.head_seq}"
