"""The pages to sign and to lock: what they show, what they refuse, and in which status."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken

from capture.models import FormRecord
from capture.selectors.seals import form_seals, record_hash
from capture.services.data_entry import save_items
from capture.services.locking import lock_records
from capture.services.queries import open_query
from capture.services.signing import MEANING
from seeds.factories.capture import member, participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from tests.support.sealing import PASSWORD, finished, fresh, person, screening
from trials.domain.roles import Role
from trials.models import Participant, User
from trials.records.models import AuditEvent, Lock, Signature

pytestmark = pytest.mark.django_db
PREG = {"RESULT": "NEG"}


@pytest.fixture
def participant() -> Participant:
    return participant_in(study_version())


@pytest.fixture
def user(participant: Participant) -> User:
    return person(participant.site)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="trials.backends.PasswordBackend")
    return client


def sign_url(participant: Participant) -> str:
    return reverse("admin:visit_sign", args=[screening(participant).pk])


def lock_url(participant: Participant) -> str:
    return reverse("admin:participant_lock", args=[participant.pk])


def offered(page: Any) -> list[str]:
    """Return the values of what the page offers for signing."""
    return re.findall(r'name="record" value="([^"]+)"', page.content.decode())


def test_the_page_lists_what_is_signed_with_version_and_hash_and_what_is_left_out_with_the_reason(
    participant: Participant, user: User
) -> None:
    record = finished(participant)
    save_items(slot_at(participant, "SCR", "PREG"), PREG, actor=SYSTEM, expected_version=0)
    page = browser(user).get(sign_url(participant))
    text = page.content.decode()
    assert page.status_code == 200
    assert offered(page) == [f"{record.pk}:2:{record_hash(record)}"]
    assert MEANING in text
    assert "Dr.Wang, password" in text
    assert re.search(r"Pregnancy test</a>:\s+in progress", text)
    assert "Sign 1 form" in text


def test_signing_leads_back_to_the_visit_and_the_page_then_shows_the_three_parts(
    participant: Participant, user: User
) -> None:
    record, client = finished(participant), browser(user)
    url = sign_url(participant)
    sent = client.post(url, {"record": offered(client.get(url)), "password": PASSWORD})
    assert (sent.status_code, sent.headers["Location"]) == (
        302,
        reverse("admin:visit", args=[screening(participant).pk]),
    )
    assert form_seals([record]) == {record.pk: "signed"}
    text = client.get(url).content.decode()
    assert "Nothing can be signed here now." in text
    assert re.search(r"Dr\.Wang · \d{4}-\d\d-\d\d \d\d:\d\d:\d\d CST \(UTC\+08:00\) · “" + re.escape(MEANING), text)


def test_what_changed_between_the_list_and_the_click_is_refused_by_itself(participant: Participant, user: User) -> None:
    vitals, test = finished(participant), finished(participant, "PREG", PREG)
    client, url = browser(user), sign_url(participant)
    shown = offered(client.get(url))
    save_items(vitals, {"TEMP": "37.1"}, actor=SYSTEM, reason="misread", expected_version=vitals.version)
    answer = client.post(url, {"record": shown, "password": PASSWORD})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "1 form signed." in text
    assert "expected version 2, as it was shown, found version 3." in text
    assert offered(answer) == [f"{vitals.pk}:3:{record_hash(fresh(vitals))}"]
    assert form_seals([vitals, test]) == {test.pk: "signed"}


def test_a_session_alone_never_signs_and_wrong_passwords_are_counted_until_signing_is_blocked(
    participant: Participant, user: User
) -> None:
    finished(participant)
    client, url = browser(user), sign_url(participant)
    shown = offered(client.get(url))
    answers = [client.post(url, {"record": shown, "password": wrong}) for wrong in ("", "x", "x", "x", "x")]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert "something else. Try again." in answers[0].content.decode()
    assert "A security contact was told." in answers[4].content.decode()
    assert client.post(url, {"record": shown, "password": PASSWORD}).status_code == 403
    assert Signature.objects.count() == 0
    assert AuditEvent.objects.filter(record_kind="User", action="signing_failed").count() == 5


def test_where_the_setting_says_so_the_code_of_a_device_is_asked_and_judged(
    participant: Participant, user: User, settings: Any
) -> None:
    settings.SIGNING_REQUIRES_OTP = True
    finished(participant)
    device = TOTPDevice.objects.create(user=user, name="phone", confirmed=True)
    client, url = browser(user), sign_url(participant)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    page = client.get(url)
    assert 'name="code"' in page.content.decode()
    given = {"record": offered(page), "password": PASSWORD}
    right = str(totp(device.bin_key)).zfill(6)
    wrong = str((int(right) + 1) % 1_000_000).zfill(6)
    for code in ("", wrong):
        assert client.post(url, {**given, "code": code}).status_code == 403
    assert Signature.objects.count() == 0
    device.refresh_from_db()
    device.throttle_reset()
    assert client.post(url, {**given, "code": f"{right[:3]} {right[3:]}"}).status_code == 302
    assert Signature.objects.count() == 1


def test_a_token_opens_no_page_to_sign(participant: Participant, user: User) -> None:
    record = finished(participant)
    _, token = AuthToken.objects.create(user)
    client = Client(headers={"authorization": f"Token {token}"})
    for url in (sign_url(participant), reverse("admin:record_sign", args=[record.pk])):
        given = {"record": f"{record.pk}:2:{record_hash(record)}", "password": PASSWORD}
        answer = client.post(url, given)
        assert answer.status_code == 302
        assert "/admin/login/" in answer.headers["Location"]
    assert Signature.objects.count() == 0


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.MONITOR, Role.DATA_MANAGER, Role.ADMINISTRATOR])
def test_others_may_not_open_the_page_to_sign(participant: Participant, role: Role) -> None:
    record = finished(participant)
    client = browser(person(participant.site, role, name="other"))
    given = {"record": f"{record.pk}:2:{record_hash(record)}", "password": PASSWORD}
    assert client.get(sign_url(participant)).status_code == 403
    assert client.post(sign_url(participant), given).status_code == 403
    assert Signature.objects.count() == 0


@pytest.mark.parametrize("value", ["", "x", "x:1:y", "00000000-0000-4000-8000-000000000000:one:y"])
def test_a_line_that_the_page_did_not_show_is_unknown(participant: Participant, user: User, value: str) -> None:
    finished(participant)
    answer = browser(user).post(sign_url(participant), {"record": value, "password": PASSWORD})
    assert (answer.status_code, Signature.objects.count()) == (404, 0)


def test_one_form_is_signed_from_its_own_page(participant: Participant, user: User) -> None:
    vitals, test = finished(participant), finished(participant, "PREG", PREG)
    client, url = browser(user), reverse("admin:record_sign", args=[test.pk])
    sent = client.post(url, {"record": offered(client.get(url)), "password": PASSWORD})
    assert sent.headers["Location"] == reverse("admin:record", args=[test.pk])
    assert form_seals([vitals, test]) == {test.pk: "signed"}


def test_a_query_that_is_open_leaves_the_form_out_and_a_click_all_the_same_is_refused(
    participant: Participant, user: User
) -> None:
    record = finished(participant)
    client, url = browser(user), sign_url(participant)
    shown = offered(client.get(url))
    open_query(record, path="TEMP", text="Which device?", actor=member(participant.site, Role.MONITOR))
    answer = client.post(url, {"record": shown, "password": PASSWORD})
    assert answer.status_code == 400
    assert "expected a form without open queries, found 1 open." in answer.content.decode()
    assert (offered(answer), Signature.objects.count()) == ([], 0)
    assert not AuditEvent.objects.filter(record_kind="User", action__startswith="identity").exists()


@pytest.fixture
def manager(participant: Participant) -> Client:
    return browser(person(participant.site, Role.DATA_MANAGER, name="manager"))


def places(record: FormRecord) -> list[tuple[str, object]]:
    return [
        ("participant", record.participant_id),
        ("visit", record.visit_id),
        ("record", record.pk),
    ]


def test_a_data_manager_freezes_locks_and_unlocks_from_each_page(participant: Participant, manager: Client) -> None:
    record = finished(participant)
    for noun, key in places(record):
        url = reverse(f"admin:{noun}_lock", args=[key])
        for act, seal in (("freeze", "frozen"), ("lock", "locked")):
            sent = manager.post(url, {"act": act, "reason": "clean"})
            assert sent.headers["Location"] == reverse(f"admin:{noun}", args=[key])
            assert form_seals([record]) == {record.pk: seal}
            text = manager.get(url).content.decode()
            assert re.search(r"by manager · \d{4}-\d\d-\d\d .+ · reason: <b>clean</b>", text)
        assert manager.post(url, {"act": "unlock", "reason": "late result"}).status_code == 302
        assert form_seals([record]) == {}


def test_the_page_to_lock_names_what_stands_against_it_and_refuses_all_at_once(
    participant: Participant, manager: Client
) -> None:
    record = finished(participant)
    open_query(record, path="TEMP", text="Which device?", actor=member(participant.site, Role.MONITOR))
    text = manager.get(lock_url(participant)).content.decode()
    assert "Against locking" in text
    assert "1 open. Have them answered and close them first." in text
    answer = manager.post(lock_url(participant), {"act": "lock", "reason": ""})
    refused = answer.content.decode()
    assert answer.status_code == 400
    assert "expected a reason for it, in words, found none." in refused
    assert "expected no query that waits, found 1 open." in refused
    assert manager.post(lock_url(participant), {"act": "weld", "reason": "clean"}).status_code == 400
    assert not Lock.objects.exists()


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.INVESTIGATOR, Role.MONITOR])
def test_site_staff_and_monitors_cannot_lock_or_unlock(participant: Participant, role: Role) -> None:
    record = finished(participant)
    lock_records(record, reason="clean", actor=member(participant.site, Role.DATA_MANAGER))
    client = browser(person(participant.site, role, name="other"))
    for noun, key in places(record):
        url = reverse(f"admin:{noun}_lock", args=[key])
        assert client.get(url).status_code == 403
        for act in ("lock", "unlock"):
            assert client.post(url, {"act": act, "reason": "because"}).status_code == 403
    assert Lock.objects.get().lifted_at is None


def test_a_page_to_sign_costs_the_same_for_one_form_as_for_three(participant: Participant, user: User) -> None:
    client, counts = browser(user), []
    for forms in ({"VS": None}, {"PREG": PREG, "PLAN": {"SURE": "y"}}):
        for form, values in forms.items():
            finished(participant, form, values)
        client.get(sign_url(participant))
        with CaptureQueriesContext(connection) as captured:
            client.get(sign_url(participant))
        counts.append(len(captured.captured_queries))
    assert counts[0] == counts[1] <= 16
