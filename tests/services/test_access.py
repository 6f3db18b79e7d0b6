from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import override_settings
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken

from seeds.factories.access import PASSWORD, MembershipFactory, SiteFactory, StudyFactory, UserFactory
from trials.domain.roles import Permission, Role
from trials.models import Membership, PastPassword, Site, Study, User
from trials.policies import can, require, visible
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.records.services import clock
from trials.selectors.scope import find_visible, memberships_of
from trials.services.access import actor_of
from trials.services.access_factors import (
    begin_enrolment,
    confirm_enrolment,
    remove_second_factor,
    role_requires,
    verify_code,
)
from trials.services.access_memberships import end_membership, grant_membership
from trials.services.access_passwords import change_password, replace_password
from trials.services.access_tokens import mint_token, revoke_token
from trials.services.access_users import create_user, deactivate_user

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
NEW = "a quite different sentence 7"


def administrator() -> User:
    return UserFactory.create(is_administrator=True)


def events(action: str) -> int:
    return AuditEvent.objects.filter(chain_id="system", action=action).count()


def current_code(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key, device.step, device.t0, device.digits, device.drift):06d}"


def test_a_coordinator_sees_and_enters_at_his_site_and_nothing_at_another_or_in_another_study() -> None:
    here = SiteFactory.create()
    there = SiteFactory.create(study=here.study)
    elsewhere = SiteFactory.create()
    actor = actor_of(MembershipFactory.create(study=here.study, site=here).user)
    assert list(visible(actor, Site.objects.all(), Permission.VIEW_STUDY)) == [here]
    assert list(visible(actor, Study.objects.all(), Permission.VIEW_STUDY)) == [here.study]
    assert can(actor, Permission.ENTER_DATA, here)
    assert not can(actor, Permission.ENTER_DATA, there)
    assert not can(actor, Permission.VIEW_STUDY, elsewhere.study)


def test_a_grant_without_site_reaches_all_sites_of_its_study_and_no_other() -> None:
    here = SiteFactory.create()
    there = SiteFactory.create(study=here.study)
    foreign = SiteFactory.create()
    actor = actor_of(MembershipFactory.create(study=here.study, role=Role.MONITOR).user)
    assert set(visible(actor, Site.objects.all(), Permission.VIEW_STUDY)) == {here, there}
    assert not can(actor, Permission.OPEN_QUERY, foreign)


def test_a_grant_for_one_site_does_not_carry_acts_on_the_whole_study() -> None:
    site = SiteFactory.create()
    actor = actor_of(MembershipFactory.create(study=site.study, site=site, role=Role.DATA_MANAGER).user)
    assert can(actor, Permission.EXPORT_DATA, site.study)
    assert not can(actor, Permission.PUBLISH_STUDY, site.study)
    assert not can(actor, Permission.ADVANCE_CLOCK, site.study)
    assert can(actor, Permission.LOCK_RECORD, site)


def test_foreign_and_unknown_are_refused_in_the_same_words_and_visible_but_not_permitted_in_others() -> None:
    site, foreign = SiteFactory.create(), SiteFactory.create()
    actor = actor_of(MembershipFactory.create(study=site.study, site=site, role=Role.MONITOR).user)
    with pytest.raises(DomainError) as unknown:
        find_visible(actor, Site.objects.all(), Permission.VIEW_STUDY, pk="00000000-0000-4000-8000-000000000000")
    with pytest.raises(DomainError) as malformed:
        find_visible(actor, Site.objects.all(), Permission.VIEW_STUDY, pk="x")
    with pytest.raises(DomainError) as other:
        require(actor, Permission.ENTER_DATA, foreign)
    with pytest.raises(DomainError) as own:
        require(actor, Permission.ENTER_DATA, site)
    assert str(unknown.value) == str(other.value) == str(malformed.value)
    assert (unknown.value.kind, other.value.kind, own.value.kind) == ("unknown", "unknown", "forbidden")


def test_memberships_are_read_in_one_statement_and_once_per_actor(django_assert_num_queries: Any) -> None:
    site = SiteFactory.create()
    actor = actor_of(MembershipFactory.create(study=site.study, site=site).user)
    with django_assert_num_queries(1):
        first = memberships_of(actor)
        assert memberships_of(actor) is first


def test_a_membership_holds_on_its_first_and_its_last_day_at_the_site_and_not_beside_them() -> None:
    site = SiteFactory.create(time_zone="Asia/Shanghai")
    made = MembershipFactory.create(
        study=site.study, site=site, valid_from=date(2026, 3, 1), valid_until=date(2026, 3, 31)
    )

    def roles(instant: datetime) -> int:
        with clock.set_source(lambda: instant):
            return len(memberships_of(actor_of(made.user)))

    assert roles(datetime(2026, 2, 28, 15, 59, tzinfo=UTC)) == 0  # 28 February 23:59 in Shanghai
    assert roles(datetime(2026, 2, 28, 16, 0, tzinfo=UTC)) == 1
    assert roles(datetime(2026, 3, 31, 15, 59, tzinfo=UTC)) == 1
    assert roles(datetime(2026, 3, 31, 16, 0, tzinfo=UTC)) == 0


def test_a_closed_account_sees_nothing_at_once_and_is_no_actor() -> None:
    membership = MembershipFactory.create()
    user = membership.user
    before = actor_of(user)
    deactivate_user(user, actor=SYSTEM, reason="left the hospital")
    assert list(visible(Actor(name=before.name, user_id=before.user_id), Study.objects.all())) == []
    with pytest.raises(DomainError):
        actor_of(user)


def test_a_system_actor_may_everything_but_sign() -> None:
    site = SiteFactory.create()
    assert can(SYSTEM, Permission.ENTER_DATA, site)
    assert not can(SYSTEM, Permission.SIGN_RECORD, site)


def test_an_administrator_sees_studies_and_people_and_no_clinical_record() -> None:
    site = SiteFactory.create()
    actor = actor_of(administrator())
    assert can(actor, Permission.VIEW_STUDY, site.study)
    assert can(actor, Permission.MANAGE_USERS, site)
    for permission in (
        Permission.VIEW_PARTICIPANTS,
        Permission.VIEW_RECORDS,
        Permission.ENTER_DATA,
        Permission.SIGN_RECORD,
    ):
        assert not can(actor, permission, site)


def test_the_database_refuses_a_superuser() -> None:
    user = UserFactory.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_superuser=True)


def test_stock_permission_strings_grant_nothing() -> None:
    user = administrator()
    assert not user.has_perm("trials.view_user")
    assert not user.has_module_perms("trials")


def test_opening_an_account_is_audited_without_its_password() -> None:
    user = create_user(username="chen", printed_name="Chen Yu", password=PASSWORD, actor=actor_of(administrator()))
    event = AuditEvent.objects.get(record_kind="User", record_id=str(user.pk), action="create")
    assert user.must_change_password
    assert '"username":["chen"]' in event.payload
    assert user.password not in event.payload
    assert PASSWORD not in event.payload


@pytest.mark.parametrize("name", ["CHEN", "a", "with space", "system:sweep", ""])
def test_a_name_that_was_used_or_is_malformed_is_refused_and_nothing_is_written(name: str) -> None:
    UserFactory.create(username="chen")
    users, written = User.objects.count(), AuditEvent.objects.count()
    with pytest.raises(DomainError):
        create_user(username=name, printed_name="X", actor=SYSTEM)
    assert (User.objects.count(), AuditEvent.objects.count()) == (users, written)


def test_an_administrator_of_one_study_opens_no_accounts_and_grants_only_there() -> None:
    study, foreign, person = StudyFactory.create(), StudyFactory.create(), UserFactory.create()
    actor = actor_of(MembershipFactory.create(study=study, role=Role.ADMINISTRATOR).user)
    with pytest.raises(DomainError) as refused:
        create_user(username="new", printed_name="New", actor=actor)
    with pytest.raises(DomainError) as elsewhere:
        grant_membership(person, study=foreign, role=Role.MONITOR, actor=actor)
    assert (refused.value.kind, elsewhere.value.kind) == ("forbidden", "unknown")
    assert grant_membership(person, study=study, role=Role.MONITOR, actor=actor).granted_by == actor.name


def test_nobody_grants_himself() -> None:
    user, study = administrator(), StudyFactory.create()
    with pytest.raises(DomainError) as refused:
        grant_membership(user, study=study, role=Role.MONITOR, actor=actor_of(user))
    assert refused.value.codes == ("self_grant",)
    assert Membership.objects.count() == 0
    assert events("grant") == 0


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_no_clinical_role_grants_anything(role: Role) -> None:
    site, person = SiteFactory.create(), UserFactory.create()
    actor = actor_of(MembershipFactory.create(study=site.study, role=role).user)
    with pytest.raises(DomainError) as refused:
        grant_membership(person, study=site.study, role=role, actor=actor)
    assert refused.value.kind == "forbidden"
    assert not person.memberships.exists()


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.INVESTIGATOR])
def test_administration_and_clinical_data_are_kept_in_different_hands(role: Role) -> None:
    site = SiteFactory.create()
    with pytest.raises(DomainError) as one:
        grant_membership(administrator(), study=site.study, role=role, actor=SYSTEM)
    clinical = MembershipFactory.create(study=site.study, site=site, role=role).user
    with pytest.raises(DomainError) as other:
        grant_membership(clinical, study=site.study, role=Role.ADMINISTRATOR, actor=SYSTEM)
    assert one.value.codes == other.value.codes == ("segregation",)


def test_a_grant_collects_all_its_refusals() -> None:
    user, study = administrator(), StudyFactory.create()
    with pytest.raises(DomainError) as refused:
        grant_membership(
            user,
            study=study,
            site=SiteFactory.create(),
            role=Role.MONITOR,
            valid_from=date(2026, 2, 1),
            valid_until=date(2026, 1, 31),
            actor=actor_of(user),
        )
    assert refused.value.codes == ("self_grant", "site_of_study", "period")


def test_a_role_that_is_held_is_not_granted_twice_and_can_be_granted_again_after_its_end() -> None:
    made = MembershipFactory.create(role=Role.MONITOR)
    with pytest.raises(DomainError) as refused:
        grant_membership(made.user, study=made.study, role=Role.MONITOR, actor=SYSTEM)
    end_membership(made, actor=SYSTEM, reason="moved to another study")
    again = grant_membership(made.user, study=made.study, role=Role.MONITOR, actor=SYSTEM)
    assert refused.value.codes == ("already_granted",)
    assert len(memberships_of(actor_of(again.user))) == 1


def test_ending_the_last_role_ends_access_and_tokens_at_once() -> None:
    made = MembershipFactory.create()
    mint_token(made.user, actor=actor_of(made.user), verified=False)
    end_membership(made, actor=SYSTEM, reason="left")
    assert memberships_of(actor_of(made.user)) == ()
    assert not AuthToken.objects.filter(user=made.user).exists()
    assert (events("end"), events("revoke")) == (1, 1)


def test_a_role_is_not_ended_without_a_reason() -> None:
    made = MembershipFactory.create()
    with pytest.raises(DomainError) as refused:
        end_membership(made, actor=SYSTEM, reason=" ")
    assert refused.value.codes == ("reason_missing",)
    assert len(memberships_of(actor_of(made.user))) == 1


@pytest.mark.parametrize(
    ("new", "fine"),
    [
        ("elevenchar1", False),
        ("twelve chars", True),
        ("x7 " * 21 + "y", True),  # 64 characters
        ("z9" * 64, True),  # 128
        ("z9" * 64 + "q", False),
        ("password1234", False),
        ("chen yu 2026 x", True),
        ("chen.yu.long", False),
    ],
)
def test_a_password_keeps_the_rules_on_both_sides_of_each_limit(new: str, fine: bool) -> None:
    user = UserFactory.create(username="chen.yu.long")
    if fine:
        change_password(user, old=PASSWORD, new=new, actor=actor_of(user))
        assert User.objects.get(pk=user.pk).check_password(new)
        return
    with pytest.raises(DomainError):
        change_password(user, old=PASSWORD, new=new, actor=actor_of(user))
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert events("change password") == 0


def test_none_of_the_last_five_passwords_is_taken_again_and_the_sixth_is() -> None:
    user = UserFactory.create()
    used = [PASSWORD, *(f"sentence number {n} of mine" for n in range(1, 6))]
    for old, new in pairwise(used):
        change_password(user, old=old, new=new, actor=actor_of(user))
    for former in used[1:]:
        with pytest.raises(DomainError) as refused:
            change_password(user, old=used[-1], new=former, actor=actor_of(user))
        assert refused.value.codes == ("password_reused",)
    change_password(user, old=used[-1], new=PASSWORD, actor=actor_of(user))
    assert PastPassword.objects.filter(user=user).count() == 6


def test_a_change_needs_the_present_password_and_ends_all_tokens() -> None:
    user = MembershipFactory.create().user
    mint_token(user, actor=actor_of(user), verified=False)
    with pytest.raises(DomainError) as refused:
        change_password(user, old="wrong", new=NEW, actor=actor_of(user))
    assert refused.value.codes == ("old_password",)
    assert AuthToken.objects.filter(user=user).count() == 1
    change_password(user, old=PASSWORD, new=NEW, actor=actor_of(user))
    assert not AuthToken.objects.filter(user=user).exists()


def test_a_replaced_password_must_be_changed_and_nobody_replaces_his_own() -> None:
    admin, user = administrator(), UserFactory.create()
    replace_password(user, new=NEW, actor=actor_of(admin), reason="forgotten")
    with pytest.raises(DomainError) as own:
        replace_password(admin, new=NEW, actor=actor_of(admin), reason="forgotten")
    assert User.objects.get(pk=user.pk).must_change_password
    assert own.value.codes == ("own_password",)


def test_a_second_factor_is_set_up_by_its_first_code_and_a_code_works_once() -> None:
    user = UserFactory.create()
    device = begin_enrolment(user)
    code = current_code(device)
    _, recovery = confirm_enrolment(user, code=code, actor=actor_of(user))
    with pytest.raises(DomainError) as replayed:
        verify_code(user, code=code)
    assert replayed.value.codes == ("wrong_code",)
    assert len(recovery) == 10
    assert not StaticToken.objects.filter(token__in=recovery).exists()
    assert verify_code(user, code=recovery[0].upper())
    with pytest.raises(DomainError):
        verify_code(user, code=recovery[0])


def test_a_wrong_first_code_sets_nothing_up() -> None:
    user = UserFactory.create()
    begin_enrolment(user)
    with pytest.raises(DomainError):
        confirm_enrolment(user, code="abc", actor=actor_of(user))
    assert not TOTPDevice.objects.filter(user=user, confirmed=True).exists()
    assert events("set up second factor") == 0


@pytest.mark.parametrize("role", list(Role))
def test_a_second_factor_is_asked_of_exactly_the_roles_that_the_settings_name(role: Role) -> None:
    user = MembershipFactory.create(role=role).user
    with override_settings(SECOND_FACTOR_ROLES=["administrator", "data_manager"]):
        assert role_requires(user) is (role in {Role.ADMINISTRATOR, Role.DATA_MANAGER})
    with override_settings(SECOND_FACTOR_ROLES=[]):
        assert role_requires(user) is False


def test_a_lost_device_is_removed_by_another_administrator_with_a_reason() -> None:
    user, admin = UserFactory.create(), administrator()
    confirm_enrolment(user, code=current_code(begin_enrolment(user)), actor=actor_of(user))
    with pytest.raises(DomainError):
        remove_second_factor(user, actor=actor_of(user), reason="lost")
    assert TOTPDevice.objects.filter(user=user, confirmed=True).exists()
    remove_second_factor(user, actor=actor_of(admin), reason="lost")
    assert not TOTPDevice.objects.filter(user=user).exists()


@override_settings(SECOND_FACTOR_ROLES=["data_manager"])
def test_no_token_is_minted_around_a_required_second_factor() -> None:
    user = MembershipFactory.create(role=Role.DATA_MANAGER).user
    with pytest.raises(DomainError) as refused:
        mint_token(user, actor=actor_of(user), verified=False)
    assert refused.value.codes == ("second_factor_missing",)
    assert AuthToken.objects.count() == 0
    assert mint_token(user, actor=actor_of(user), verified=True)[1]


def test_a_token_is_ones_own_of_a_role_that_may_and_of_bounded_life() -> None:
    user, admin = MembershipFactory.create().user, administrator()
    with pytest.raises(DomainError) as others:
        mint_token(user, actor=actor_of(admin), verified=True)
    with pytest.raises(DomainError) as long:
        mint_token(user, actor=actor_of(user), verified=True, days=91)
    assert others.value.codes == ("not_own_token", "no_api_role")
    assert long.value.codes == ("token_lifetime",)
    token, text = mint_token(user, actor=actor_of(user), verified=True, days=90)
    assert text not in AuditEvent.objects.get(action="mint").payload
    revoke_token(token.token_key, user=user, actor=actor_of(user))
    assert AuthToken.objects.count() == 0


def test_a_token_of_another_person_is_unknown() -> None:
    owner, other = MembershipFactory.create().user, MembershipFactory.create().user
    token, _ = mint_token(owner, actor=actor_of(owner), verified=True)
    with pytest.raises(DomainError) as refused:
        revoke_token(token.token_key, user=owner, actor=actor_of(other))
    assert refused.value.kind == "unknown"
    assert AuthToken.objects.count() == 1
