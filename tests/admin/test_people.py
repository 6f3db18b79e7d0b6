from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from seeds.factories.access import PASSWORD, MembershipFactory, SiteFactory, UserFactory
from trials.api.scoped import AccessTokenAuthentication
from trials.domain.roles import Role
from trials.models import Membership, User
from trials.records.domain.actors import Actor
from trials.services.access import actor_of
from trials.services.access_tokens import mint_token
from trials.services.access_users import deactivate_user

pytestmark = pytest.mark.django_db


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="trials.backends.PasswordBackend")
    return client


def post(client: Client, user: User, **data: Any) -> Any:
    return client.post(f"/admin/people/{user.pk}/", data)


def test_an_administrator_opens_an_account_and_grants_and_ends_a_role() -> None:
    client, site = browser(UserFactory.create(is_administrator=True)), SiteFactory.create()
    made = client.post("/admin/people/new/", {"username": "li", "printed_name": "Li Na", "password": PASSWORD})
    user = User.objects.get(username="li")
    assert made.headers["Location"] == f"/admin/people/{user.pk}/"
    assert user.must_change_password
    data = {"study": str(site.study_id), "site": str(site.pk), "role": "coordinator"}
    assert post(client, user, deed="grant", **data).status_code == 302
    membership = user.memberships.get()
    assert (membership.site, membership.role) == (site, Role.COORDINATOR)
    assert "coordinator" in client.get(f"/admin/people/{user.pk}/").content.decode().lower()
    assert post(client, user, deed="end", membership=str(membership.pk), reason="left").status_code == 302
    assert Membership.objects.get(pk=membership.pk).valid_until is not None


def test_a_refused_account_is_shown_with_all_reasons_and_opens_nothing() -> None:
    client = browser(UserFactory.create(is_administrator=True))
    answer = client.post("/admin/people/new/", {"username": "x y", "printed_name": "", "password": "short"})
    text = answer.content.decode()
    assert answer.status_code == 400
    assert "letters, digits" in text
    assert "the name as it is printed" in text
    assert "at least 12 characters" in text
    assert User.objects.count() == 1


@pytest.mark.parametrize("flag", ["is_superuser", "is_administrator", "is_staff", "is_active"])
def test_no_posted_flag_reaches_an_account(flag: str) -> None:
    client = browser(UserFactory.create(is_administrator=True))
    client.post("/admin/people/new/", {"username": "li", "printed_name": "Li", "password": PASSWORD, flag: "1"})
    user = User.objects.get(username="li")
    assert (user.is_superuser, user.is_administrator) == (False, False)


def test_a_study_administrator_neither_sees_nor_grants_where_he_has_no_role() -> None:
    own, foreign = SiteFactory.create(), SiteFactory.create()
    client = browser(MembershipFactory.create(study=own.study, role=Role.ADMINISTRATOR).user)
    stranger = MembershipFactory.create(study=foreign.study).user
    member = MembershipFactory.create(study=own.study, role=Role.MONITOR).user
    assert client.get(f"/admin/people/{stranger.pk}/").status_code == 404
    refused = post(client, member, deed="grant", study=str(foreign.study_id), role="monitor")
    assert refused.status_code == 404
    assert not member.memberships.filter(study=foreign.study).exists()


def test_a_token_is_made_and_revoked_on_ones_own_page() -> None:
    user = MembershipFactory.create().user
    client = browser(user)
    made = client.post("/admin/profile/", {"deed": "mint", "days": "7"})
    token = AuthToken.objects.get(user=user)
    assert made.status_code == 200
    assert token.token_key in made.content.decode()
    client.post("/admin/profile/", {"deed": "revoke", "token": token.token_key})
    assert not AuthToken.objects.filter(user=user).exists()


def authenticate(header: str) -> Any:
    return AccessTokenAuthentication().authenticate(APIRequestFactory().get("/", HTTP_AUTHORIZATION=header))


def test_a_token_is_its_owner_until_the_account_is_closed() -> None:
    user = MembershipFactory.create().user
    _, text = mint_token(user, actor=actor_of(user), verified=True)
    assert authenticate(f"Token {text}")[0] == user
    deactivate_user(user, actor=Actor.system("test"), reason="left")
    with pytest.raises(AuthenticationFailed):
        authenticate(f"Token {text}")


@pytest.mark.parametrize("header", ["Token", "Token ", "Token  x y", "Token null", "Token x", "Token " + "a" * 64])
def test_an_empty_short_or_invented_token_is_refused(header: str) -> None:
    MembershipFactory.create()
    with pytest.raises(AuthenticationFailed):
        authenticate(header)


def test_a_token_stands_still_while_a_password_change_is_owed(settings: Any) -> None:
    user = MembershipFactory.create(role=Role.DATA_MANAGER).user
    _, text = mint_token(user, actor=actor_of(user), verified=True)
    settings.SECOND_FACTOR_ROLES = ["data_manager"]
    with pytest.raises(AuthenticationFailed):
        authenticate(f"Token {text}")
    settings.SECOND_FACTOR_ROLES = []
    assert authenticate(f"Token {text}")[0] == user
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    with pytest.raises(AuthenticationFailed):
        authenticate(f"Token {text}")


def test_the_list_of_memberships_takes_the_same_statements_for_any_number_of_rows() -> None:
    site, counts = SiteFactory.create(), []
    client = browser(UserFactory.create(is_administrator=True))
    for more in (2, 18):
        for _ in range(more):
            MembershipFactory.create(study=site.study, site=site, role=Role.COORDINATOR)
        client.get("/admin/trials/membership/")
        with CaptureQueriesContext(connection) as captured:
            text = client.get("/admin/trials/membership/").content.decode()
        counts.append(len(captured))
    assert all(f"/admin/trials/membership/{row.pk}/" in text for row in Membership.objects.all())
    assert counts[0] == counts[1]
