from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from trials.models import Participant, Visit


class Draft(models.Model):
    """What one user has typed and not saved yet: ``changes`` is ``{item path: text}``, over ``base_version``.

    ``slot`` names the form: ``record:<id>``, or ``visit:<id>:<FORM>``, or ``log:<participant id>:<FORM>``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="drafts")
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, null=True, blank=True, related_name="drafts")
    slot = models.CharField(max_length=100)
    base_version = models.PositiveIntegerField(default=0)
    changes = models.JSONField(default=dict)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "slot"], name="draft_one_per_user_and_form")]

    def __str__(self) -> str:
        return self.slot
