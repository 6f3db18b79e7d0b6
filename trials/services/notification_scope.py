"""Whether a recipient may still know what a notification is about; asked again each time one is sent."""

from __future__ import annotations

from uuid import UUID

from trials.domain.roles import Permission
from trials.models import Participant, Site, Study, User
from trials.policies import can
from trials.records.services.act import SYSTEM_CHAIN
from trials.selectors.scope import visible
from trials.services.access import actor_of


def may_still_know(recipient_id: UUID, chain: str, site: str, participant: str) -> bool:
    """Say whether a user may still see the participant, site or study that a notification names."""
    user = User.objects.filter(pk=recipient_id, is_active=True).first()
    if user is None:
        return False
    if chain == SYSTEM_CHAIN:
        return True
    actor = actor_of(user)
    if participant:
        rows = visible(actor, Participant.objects.filter(pk=participant), Permission.VIEW_PARTICIPANTS)
        return rows.exists()
    study = Study.objects.filter(oid=chain.removeprefix("study:")).first()
    if study is None or not can(actor, Permission.VIEW_STUDY, study):
        return False
    return not site or visible(actor, Site.objects.filter(study=study), Permission.VIEW_STUDY).filter(pk=site).exists()
