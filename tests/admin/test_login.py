from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client, override_settings
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from seeds.factories.access import PASSWORD, MembershipFactory, UserFactory
from trials.domain.roles import Role
from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.records.services import clock
from trials.services.access_memberships import end_membership
from trials.services.access_users import deactivate_user

pytestmark = pytest.mark.django_db
LOGIN, STATE = "/admin/login/", "/admin/session/"
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NEW = "a quite different sentence 7"


def sign_in(client: Client, user: User, **more: Any) -> Any:
    return client.post(LOGIN, {"username": user.username, "password": PASSWORD, **more})


def signed_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def actions() -> list[str]:
    events = AuditEvent.objects.filter(chain_id="system").exclude(action__in=["create", "grant"])
    return list(events.order_by("seq").values_list("action", flat=True))


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    with clock.set_source(lambda: instant), time_machine.travel(instant, tick=False):
        yield


def code_of(user: User) -> str:
    device = TOTPDevice.objects.filter(user=user).order_by("pk").last()
    assert device is not None
    return f"{totp(device.bin_key, device.step, device.t0, device.digits, device.drift):06d}"


def test_whoever_is_not_signed_in_is_sent_to_the_log_in_and_back(client: Client) -> None:
    user = MembershipFactory.create().user
    sent = client.get("/admin/profile/?x=1")
    assert sent.headers["Location"] == "/admin/login/?next=/admin/profile/%3Fx%3D1"
    back = sign_in(client, user, next="/admin/profile/?x=1")
    assert back.headers["Location"] == "/admin/profile/?x=1"
    assert signed_in(client)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "https:///evil.example",
        "/admin/login/",
        "/admin/logout/",
        "admin/",
        " https://evil.example",
        "\thttps://evil.example",
    ],
)
def test_the_log_in_leads_nowhere_else(client: Client, target: str) -> None:
    assert sign_in(client, UserFactory.create(), next=target).headers["Location"] == "/admin/"


def test_the_log_in_page_needs_no_inline_script_and_names_no_other_host(client: Client) -> None:
    page = client.get(LOGIN)
    text = page.content.decode()
    assert page.status_code == 200
    assert "<script>" not in text
    assert " onclick=" not in text
    assert "//" not in text.replace("https://www.w3.org", "").replace("http://www.w3.org", "").split("<body")[0]
    assert "'unsafe-eval'" in page.headers["Content-Security-Policy"]
    assert "no-store" in page.headers["Cache-Control"]


def test_a_log_in_gets_a_new_session_id_and_writes_an_event(client: Client) -> None:
    client.get(LOGIN)
    session = client.session
    session["before"] = "1"
    session.save()
    old = client.cookies[settings.SESSION_COOKIE_NAME].value if settings.SESSION_COOKIE_NAME in client.cookies else ""
    sign_in(client, UserFactory.create())
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != old
    assert actions() == ["log in"]


def test_known_and_unknown_names_get_the_same_answer_and_each_an_event(client: Client) -> None:
    user = UserFactory.create()
    known = client.post(LOGIN, {"username": user.username, "password": "wrong"})
    unknown = client.post(LOGIN, {"username": "nobody.at.all", "password": "wrong"})

    def masked(answer: Any) -> str:
        return str(answer.content.decode().split('<form method="post"')[0])

    assert (known.status_code, masked(known)) == (unknown.status_code, masked(unknown)) == (401, masked(known))
    assert actions() == ["fail to log in", "fail to log in"]
    assert "nobody.at.all" not in "".join(AuditEvent.objects.values_list("payload", flat=True))
    assert set(AuditEvent.objects.filter(action="fail to log in").values_list("record_id", flat=True)) == {
        str(user.pk),
        "unknown",
    }


def test_an_unknown_name_costs_one_hash_like_a_known_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    original = MD5PasswordHasher.encode

    def counting(self: Any, password: str, salt: str, *args: Any) -> str:
        counted.append(password)
        return original(self, password, salt, *args)

    user = UserFactory.create()
    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    client.post(LOGIN, {"username": user.username, "password": "wrong-1"})
    client.post(LOGIN, {"username": "nobody", "password": "wrong-2"})
    assert (counted.count("wrong-1"), counted.count("wrong-2")) == (1, 1)


@pytest.mark.parametrize("known", [True, False])
def test_five_failures_lock_a_name_for_a_quarter_of_an_hour_whether_or_not_it_exists(
    client: Client, known: bool
) -> None:
    user = UserFactory.create(username="chen")
    name = user.username if known else "nobody"
    with at(START):
        answers = [client.post(LOGIN, {"username": name, "password": f"w{n}"}).status_code for n in range(6)]
        locked = client.post(LOGIN, {"username": name, "password": PASSWORD})
    with at(START + timedelta(minutes=14, seconds=59)):
        still = client.post(LOGIN, {"username": name, "password": PASSWORD}).status_code
    assert answers == [401, 401, 401, 401, 429, 429]
    assert (locked.status_code, still) == (429, 429)
    assert "Wait 15 minutes" in locked.content.decode()
    assert "lock out" in actions()
    with at(START + timedelta(minutes=31)):
        after = client.post(LOGIN, {"username": name, "password": PASSWORD}).status_code
    assert after == (302 if known else 401)


def test_one_address_that_fails_over_many_names_is_held_back_and_others_are_not(client: Client) -> None:
    user = UserFactory.create()
    with at(START), override_settings(LOGIN_FAILURES_PER_ADDRESS=6):
        for n in range(6):
            client.post(LOGIN, {"username": f"name{n}", "password": "w"}, REMOTE_ADDR="10.0.0.9")
        held = client.post(LOGIN, {"username": user.username, "password": PASSWORD}, REMOTE_ADDR="10.0.0.9")
        other = client.post(LOGIN, {"username": user.username, "password": PASSWORD}, REMOTE_ADDR="10.0.0.8")
    assert (held.status_code, other.status_code) == (429, 302)


def test_a_closed_account_cannot_log_in_and_loses_its_session_at_the_next_request(client: Client) -> None:
    user = UserFactory.create()
    sign_in(client, user)
    deactivate_user(user, actor=Actor.system("test"), reason="left")
    assert client.get(STATE).status_code == 302
    assert sign_in(Client(), user).status_code == 401


def test_a_role_that_ends_works_no_longer_at_the_next_request_of_a_live_session(client: Client) -> None:
    made = MembershipFactory.create()
    sign_in(client, made.user)
    url = f"/admin/trials/study/{made.study_id}/change/"
    before = client.get("/admin/trials/study/?format=x").status_code
    end_membership(made, actor=Actor.system("test"), reason="left")
    assert before in (200, 302)
    assert client.get(url).status_code in (403, 404)


def test_logging_out_ends_the_session_on_the_server_and_a_link_cannot_do_it(client: Client) -> None:
    sign_in(client, UserFactory.create())
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.get("/admin/logout/")
    assert signed_in(client)
    client.post("/admin/logout/")
    replay = Client()
    replay.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert replay.get(STATE).status_code == 302
    assert actions()[-1] == "log out"


def test_a_post_without_csrf_token_is_refused() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert sign_in(strict, UserFactory.create()).status_code == 403


@pytest.mark.parametrize(("seconds", "alive"), [(899, True), (900, False)])
def test_a_session_ends_after_fifteen_idle_minutes(client: Client, seconds: int, alive: bool) -> None:
    with at(START):
        sign_in(client, UserFactory.create())
    with at(START + timedelta(seconds=seconds)):
        answer = client.get(STATE)
    assert (answer.status_code == 200) is alive
    if not alive:
        assert answer.headers["Location"] == "/admin/login/?next=%2Fadmin%2Fsession%2F"
        assert actions()[-1] == "log out"
        assert '"cause":["idle"]' in AuditEvent.objects.latest("seq").payload


def test_work_keeps_a_session_and_polling_does_not(client: Client) -> None:
    with at(START):
        sign_in(client, UserFactory.create())
    with at(START + timedelta(minutes=10)):
        assert client.get(STATE, headers={"X-Background": "1"}).json()["idle_left"] == 300
    with at(START + timedelta(minutes=14)):
        assert client.get(STATE).status_code == 200
    with at(START + timedelta(minutes=28)):
        assert client.get(STATE, headers={"X-Background": "1"}).status_code == 200
    with at(START + timedelta(minutes=29)):
        assert client.get(STATE, headers={"X-Background": "1"}).status_code == 401


@pytest.mark.parametrize(
    ("last", "alive"), [(timedelta(hours=11, minutes=59, seconds=59), True), (timedelta(hours=12), False)]
)
def test_a_session_ends_after_twelve_hours_however_busy(client: Client, last: timedelta, alive: bool) -> None:
    with at(START):
        sign_in(client, UserFactory.create())
    for minutes in range(14, 12 * 60, 14):
        with at(START + timedelta(minutes=minutes)):
            assert client.get(STATE).status_code == 200
    with at(START + last):
        assert (client.get(STATE).status_code == 200) is alive


def test_a_script_whose_session_ended_is_told_where_to_sign_in(client: Client) -> None:
    with at(START):
        sign_in(client, UserFactory.create())
    with at(START + timedelta(hours=1)):
        page = "http://testserver/admin/trials/study/?q=1"
        answer = client.post(STATE, headers={"HX-Request": "true", "Referer": page})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/admin/login/?next=%2Fadmin%2Ftrials%2Fstudy%2F%3Fq%3D1"


def test_a_password_that_must_be_changed_stands_before_every_page(client: Client) -> None:
    user = UserFactory.create(must_change_password=True)
    sign_in(client, user)
    assert client.get("/admin/profile/").headers["Location"] == "/admin/password/?next=%2Fadmin%2Fprofile%2F"
    assert client.get("/admin/profile/", headers={"X-Background": "1"}).status_code == 403
    done = client.post("/admin/password/", {"old": PASSWORD, "new": NEW, "again": NEW, "next": "/admin/session/"})
    assert done.headers["Location"] == "/admin/session/"
    assert client.get(STATE).status_code == 200


def test_a_password_change_ends_the_other_sessions_and_not_this_one(client: Client) -> None:
    user, other = UserFactory.create(), Client()
    sign_in(client, user)
    sign_in(other, user)
    client.post("/admin/password/", {"old": PASSWORD, "new": NEW, "again": NEW})
    assert client.get("/admin/password/").status_code == 200
    assert other.get("/admin/password/").status_code == 302


def test_a_new_password_typed_in_two_ways_changes_nothing(client: Client) -> None:
    user = UserFactory.create()
    sign_in(client, user)
    answer = client.post("/admin/password/", {"old": PASSWORD, "new": NEW, "again": NEW + "x"})
    assert answer.status_code == 400
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


@override_settings(SECOND_FACTOR_ROLES=["data_manager"])
def test_a_role_that_needs_a_second_factor_sets_it_up_before_anything_else(client: Client) -> None:
    user = MembershipFactory.create(role=Role.DATA_MANAGER).user
    sign_in(client, user)
    assert (
        client.get("/admin/profile/").headers["Location"] == "/admin/second-factor/set-up/?next=%2Fadmin%2Fprofile%2F"
    )
    page = client.get("/admin/second-factor/set-up/").content.decode()
    assert "<svg" in page
    wrong = client.post("/admin/second-factor/set-up/", {"code": "12345"})
    assert wrong.status_code == 403
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    shown = client.post("/admin/second-factor/set-up/", {"code": code_of(user)})
    assert shown.content.decode().count("<li><code>") == 10
    assert client.get("/admin/password/").status_code == 200
    assert "set up second factor" in actions()


def test_whoever_has_a_second_factor_gives_its_code_at_each_log_in_and_no_code_twice(client: Client) -> None:
    user = MembershipFactory.create(role=Role.MONITOR).user
    with at(START):
        sign_in(client, user)
        client.get("/admin/second-factor/set-up/")
        client.post("/admin/second-factor/set-up/", {"code": code_of(user)})
    again = Client()
    with at(START + timedelta(minutes=5)):
        sign_in(again, user)
        assert again.get("/admin/password/").headers["Location"].startswith("/admin/second-factor/?")
        code = code_of(user)
        answer = again.post("/admin/second-factor/", {"code": code, "next": "/admin/password/"})
        assert answer.headers["Location"] == "/admin/password/"
        assert again.get("/admin/password/").status_code == 200
        third = Client()
        sign_in(third, user)
        assert third.post("/admin/second-factor/", {"code": code}).status_code == 403
        assert third.get("/admin/password/").status_code == 302
    assert "fail second factor" in actions()
