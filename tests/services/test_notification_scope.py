"""A notification reaches only those who may still know what it is about."""

from __future__ import annotations

import pytest

from seeds.factories.trials import MemberFactory, ParticipantFactory, SiteFactory
from trials.domain.roles import Role
from trials.models import User
from trials.services.notification_scope import may_still_know

pytestmark = pytest.mark.django_db


def test_a_site_member_may_know_of_a_participant_and_a_member_of_another_study_may_not() -> None:
    participant = ParticipantFactory()
    here = MemberFactory(site=participant.site, role=Role.COORDINATOR)
    elsewhere = SiteFactory()
    stranger = MemberFactory(site=elsewhere, role=Role.COORDINATOR)
    chain, site = participant.study.chain_key, str(participant.site_id)
    assert may_still_know(here.pk, chain, site, str(participant.pk))
    assert may_still_know(here.pk, chain, site, "")
    assert not may_still_know(stranger.pk, chain, site, str(participant.pk))
    assert not may_still_know(stranger.pk, chain, "", "")


def test_an_inactive_person_may_know_nothing() -> None:
    participant = ParticipantFactory()
    member = MemberFactory(site=participant.site, role=Role.COORDINATOR)
    User.objects.filter(pk=member.pk).update(is_active=False)
    assert not may_still_know(member.pk, participant.study.chain_key, str(participant.site_id), str(participant.pk))
