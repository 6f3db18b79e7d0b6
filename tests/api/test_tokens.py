"""Getting, listing and revoking tokens: by name and password with the second factor, or in a session."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken

from seeds.factories.access import PASSWORD, MembershipFactory, StudyFactory, UserFactory
from tests.api.caller import API, Caller, person, token_of
from trials.domain.roles import Role
from trials.models import User
from trials.records.models import AuditEvent
from trials.records.services import clock

pytestmark = pytest.mark.django_db
URL = API + "token/"


@pytest.fixture
def user() -> User:
    made = person("chen")
    MembershipFactory(user=made, study=StudyFactory(oid="TOKENS"), role=Role.DATA_MANAGER)
    return made


def ask(name: str = "chen", password: str = PASSWORD, body: object = None, **headers: str) -> Any:
    basic = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Client().post(
        URL,
        json.dumps({} if body is None else body),
        content_type="application/json",
        headers={"Authorization": f"Basic {basic}", **headers},
    )


def codes(response: Any) -> list[str]:
    return [error["code"] for error in response.json()["errors"]]


def test_name_and_password_give_a_token_that_works_and_no_cookie(user: User) -> None:
    response = ask(body={"days": 7})
    assert response.status_code == 201
    assert not response.cookies
    made = response.json()
    assert len(made["token"]) == 64
    assert Caller(made["token"]).json("me/")["username"] == "chen"
    assert Caller(made["token"]).items("token/") == [{k: made[k] for k in ("key", "created", "expires")}]
    expires = AuthToken.objects.get(user=user).expiry
    assert timedelta(days=6, hours=23) < expires - clock.now() <= timedelta(days=7)
    assert AuditEvent.objects.filter(chain="system", record_kind="Token", action="mint", actor="chen").count() == 1


@pytest.mark.parametrize("name", ["chen", "nobody"])
def test_a_wrong_password_and_an_unknown_name_are_answered_alike(user: User, name: str) -> None:
    response = ask(name=name, password="wrong")
    assert response.status_code == 401
    assert response.json()["detail"] == "Name and password do not fit each other."
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert not AuthToken.objects.exists()
    assert AuditEvent.objects.filter(chain="system", action="fail to log in").count() == 1


def test_an_account_that_is_locked_is_told_to_wait_as_a_problem(user: User) -> None:
    statuses = [ask(password="wrong").status_code for _ in range(5)]
    locked = ask()
    assert statuses[:4] == [401] * 4
    assert (locked.status_code, locked.headers["Content-Type"]) == (429, "application/problem+json")
    assert locked.headers["Retry-After"] == "900"
    assert not AuthToken.objects.exists()


def test_too_many_requests_for_tokens_from_one_address_wait_even_with_the_right_password(user: User) -> None:
    answers = [ask(name=f"person{n}", password="wrong", **{"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(10)]
    held = ask()
    assert [each.status_code for each in answers] == [401] * 10
    assert held.status_code == 429
    assert 1 <= int(held.headers["Retry-After"]) <= 60
    assert not AuthToken.objects.exists()


def test_who_has_a_second_factor_must_show_it(user: User) -> None:
    device = TOTPDevice.objects.create(user=user, name="phone", confirmed=True)
    without, wrong = ask(), ask(body={"code": "000000"})
    assert (without.status_code, codes(without)) == (403, ["second_factor_missing"])
    assert (wrong.status_code, codes(wrong)) == (403, ["wrong_code"])
    assert not AuthToken.objects.exists()
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    right = ask(body={"code": f"{totp(device.bin_key):06d}"})
    assert right.status_code == 201
    assert Caller(right.json()["token"]).get("me/").status_code == 200


def test_a_role_that_requires_a_second_factor_gets_no_token_without_one(user: User, settings: Any) -> None:
    settings.SECOND_FACTOR_ROLES = ["data_manager"]
    assert codes(ask()) == ["second_factor_missing"]
    assert not AuthToken.objects.exists()


def test_a_password_that_must_be_changed_gives_no_token(user: User) -> None:
    User.objects.update(must_change_password=True)
    assert codes(ask()) == ["password_change_owed"]
    assert not AuthToken.objects.exists()


def test_a_role_without_the_interface_gets_no_token() -> None:
    UserFactory(username="chen", is_administrator=True)
    response = ask()
    assert (response.status_code, codes(response)) == (403, ["no_api_role"])
    assert not AuthToken.objects.exists()


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"days": 0}, "days"),
        ({"days": 91}, "days"),
        ({"days": "7"}, "days"),
        ({"days": True}, "days"),
        ({"days": 10**18}, "days"),
        ({"code": 1}, "code"),
        ({"role": "administrator"}, "role"),
        (["days"], "body"),
    ],
)
def test_a_body_that_asks_for_something_else_is_refused(user: User, body: object, where: str) -> None:
    response = ask(body=body)
    assert response.status_code == 400
    assert [error["where"] for error in response.json()["errors"]] == [where]
    assert not AuthToken.objects.exists()


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"[" * 5_000, b'{"days": NaN}', b'{"code": "\xff"}'])
def test_a_body_that_is_no_small_json_is_refused(user: User, body: bytes) -> None:
    basic = base64.b64encode(f"chen:{PASSWORD}".encode()).decode()
    response = Client().post(URL, body, content_type="application/json", headers={"Authorization": f"Basic {basic}"})
    assert response.status_code == 400
    assert not AuthToken.objects.exists()


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic YQ==", "Basic /w==", "Basic YQBiOmM="])
def test_a_header_that_cannot_be_read_is_401(user: User, header: str) -> None:
    response = Client().post(URL, b"{}", content_type="application/json", headers={"Authorization": header})
    assert response.status_code == 401
    assert not AuthToken.objects.exists()


def test_a_session_makes_a_token_only_with_its_csrf_token(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user, backend="trials.backends.PasswordBackend")
    assert client.post(URL, b"{}", content_type="application/json").status_code == 403
    assert not AuthToken.objects.exists()
    free = Client()
    free.force_login(user, backend="trials.backends.PasswordBackend")
    assert free.post(URL, b"{}", content_type="application/json").status_code == 201


def test_a_token_makes_no_other_token(user: User) -> None:
    response = Client().post(
        URL, b"{}", content_type="application/json", headers={"Authorization": f"Token {token_of(user)}"}
    )
    assert response.status_code == 401
    assert AuthToken.objects.count() == 1


def test_a_token_is_revoked_by_its_owner_and_by_nobody_else(user: User) -> None:
    other = person("else")
    MembershipFactory(user=other, study=StudyFactory(oid="OTHER"), role=Role.COORDINATOR)
    mine, theirs = token_of(user), token_of(other)
    key, foreign = (AuthToken.objects.get(user=owner).token_key for owner in (user, other))
    bearer = {"Authorization": f"Token {mine}"}
    refused = Client().delete(f"{URL}{foreign}/", headers=bearer)
    unknown = Client().delete(f"{URL}{'0' * len(foreign)}/", headers=bearer)
    assert refused.status_code == unknown.status_code == 404
    assert refused.content.replace(foreign.encode(), b"") == unknown.content.replace(b"0" * len(foreign), b"")
    assert Caller(theirs).get("me/").status_code == 200
    assert Client().delete(f"{URL}{key}/", headers=bearer).status_code == 204
    assert Caller(mine).get("me/").status_code == 401


@pytest.mark.parametrize("text", ["", " ", "null", "abc", "a" * 63, "a" * 64, "a" * 65, "é" * 64, "%00" * 20])
def test_an_empty_short_or_unknown_token_is_401(user: User, text: str) -> None:
    token_of(user)
    response = Client().get(API + "me/", headers={"Authorization": f"Token {text}"})
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert not response.cookies


def test_an_expired_token_is_401_and_stays_for_the_trail(user: User) -> None:
    token = token_of(user)
    AuthToken.objects.update(expiry=clock.now() - timedelta(seconds=1))
    assert Caller(token).get("me/").status_code == 401
    assert AuthToken.objects.count() == 1


def test_wrong_tokens_from_one_address_are_told_to_wait_and_right_ones_go_on(user: User) -> None:
    right = Caller(token_of(user))
    wrong = Caller("0" * 64)
    assert [wrong.get("me/").status_code for _ in range(31)] == [401] * 30 + [429]
    held = wrong.get("me/")
    assert 1 <= int(held.headers["Retry-After"]) <= 60
    assert right.get("me/").status_code == 200


def test_one_person_asking_too_often_waits_over_all_his_tokens(user: User, settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {"person": "3/min", "log_in": "10/min", "failure": "30/min"},
    }
    first, second = Caller(token_of(user)), Caller(token_of(user))
    assert [caller.get("me/").status_code for caller in (first, second, first)] == [200] * 3
    held = second.get("me/")
    assert (held.status_code, held.json()["type"]) == (429, "/api/v1/problems/#throttled")
    assert 1 <= int(held.headers["Retry-After"]) <= 60
