"""Factories of people, studies, sites and roles, which go through the services like everyone else.

chen = UserFactory(username="chen")
site = SiteFactory(study__oid="SCAR02", code="01")
MembershipFactory(user=chen, study=site.study, site=site, role=Role.COORDINATOR)
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from datetime import date
from typing import Any

from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from trials.domain.roles import Role
from trials.models import Membership, Site, Study, User
from trials.records.domain.actors import Actor
from trials.records.services.act import open_act
from trials.services.access_memberships import grant_membership
from trials.services.access_users import create_user
from trials.services.noting import note_created
from trials.services.sites import create_site

PASSWORD = "correct horse battery staple"  # noqa: S105 - of invented people only
SEEDING = Actor.system("seeding")


class UserFactory(DjangoModelFactory[User]):
    """An active person whose password is ``PASSWORD`` and need not be changed."""

    class Meta:
        model = User

    username = Sequence(lambda n: f"person{n}")
    printed_name = LazyAttribute(lambda made: made.username.capitalize())
    password = PASSWORD
    must_change_password = False

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        del model_class, args
        return create_user(actor=SEEDING, **kwargs)


class StudyFactory(DjangoModelFactory[Study]):
    """A simulated study without a published version: the loader publishes real ones, most tests of access need none."""

    class Meta:
        model = Study

    oid = Sequence(lambda n: f"STUDY{n:02d}")
    title = LazyAttribute(lambda made: f"Study {made.oid}")
    simulated = True
    clock = None

    @classmethod
    def _create(cls, model_class: type[Study], *args: Any, **kwargs: Any) -> Study:
        del args
        with open_act("create study", chain=f"study:{kwargs['oid']}", actor=SEEDING) as act:
            study = model_class(created_at=act.at, **kwargs)
            study.save(force_insert=True)
            note_created(act, study)
            return study


class SiteFactory(DjangoModelFactory[Site]):
    """A site, in a study of its own unless one is given."""

    class Meta:
        model = Site

    study = SubFactory(StudyFactory)
    code = Sequence(lambda n: f"{n % 90 + 10}")
    name = LazyAttribute(lambda made: f"Hospital {made.code}")
    time_zone = "Europe/Berlin"

    @classmethod
    def _create(cls, model_class: type[Site], *args: Any, **kwargs: Any) -> Site:
        del model_class, args
        return create_site(actor=SEEDING, **kwargs)


class MembershipFactory(DjangoModelFactory[Membership]):
    """A role in force since long ago: at ``site``, or at all sites of ``study`` when ``site`` is None."""

    class Meta:
        model = Membership

    user = SubFactory(UserFactory)
    study = SubFactory(StudyFactory)
    site = None
    role = Role.COORDINATOR
    valid_from = date(2020, 1, 1)
    valid_until = None

    @classmethod
    def _create(cls, model_class: type[Membership], *args: Any, **kwargs: Any) -> Membership:
        del model_class, args
        user = kwargs.pop("user")
        return grant_membership(user, actor=SEEDING, **kwargs)
