from __future__ import annotations

from django.db import models

from trials.records.models.chain import Chain


class AuditEvent(models.Model):
    """What one act did to one record: the header that is hashed, and the payload of item deltas.

    ``site`` and ``participant`` are opaque ids of rooms above (empty: none); ``payload`` is canonical JSON text
    ``{path: [new] | [old, new] | [old, new, reason]}``; only a redaction may blank it, named by its own event.
    """

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveBigIntegerField()
    epoch = models.PositiveIntegerField()
    at = models.DateTimeField()
    study_time = models.DateTimeField(null=True)
    site = models.CharField(max_length=36, blank=True, default="")
    participant = models.CharField(max_length=36, blank=True, default="")
    actor = models.CharField(max_length=150)
    on_behalf_of = models.CharField(max_length=150, blank=True, default="")
    act = models.UUIDField()
    act_name = models.CharField(max_length=60)
    request_id = models.CharField(max_length=64, blank=True, default="")
    record_kind = models.CharField(max_length=40)
    record_id = models.CharField(max_length=80)
    action = models.CharField(max_length=40)
    reason = models.TextField(blank=True, default="")
    salt = models.CharField(max_length=32)
    payload = models.TextField(blank=True, default="")
    payload_hash = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64, blank=True, default="")
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["chain_id", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["chain", "seq"], name="audit_event_one_per_number"),
            models.CheckConstraint(condition=~models.Q(actor=""), name="audit_event_has_actor"),
        ]
        indexes = [
            models.Index(fields=["record_kind", "record_id", "seq"], name="audit_event_record"),
            models.Index(fields=["participant", "seq"], name="audit_event_participant"),
            models.Index(fields=["chain", "site", "seq"], name="audit_event_site"),
        ]

    def __str__(self) -> str:
        return f"{self.chain_id} {self.seq}: {self.action} {self.record_kind}"
