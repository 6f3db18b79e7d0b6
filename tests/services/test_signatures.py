from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.support.records import CHAIN, PASSWORD, StandingClock, actor_for, events, make_user
from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.records.domain.signing import content_hash
from trials.records.models import AuditEvent, Notification, Signature
from trials.records.services import clock, identity, verify
from trials.records.services.act import Act, open_act
from trials.records.services.identity import Proof, confirm_identity, register_lockout_alert
from trials.records.services.signatures import (
    faults_of,
    invalidate_signatures,
    manifest,
    sign,
    signatures_of,
    valid_signatures,
)

pytestmark = pytest.mark.django_db
HASH = content_hash("FormRecord", "r1", 3, {"data": {"TEMP": {"v": "36.8"}}})
MEANING = "I have reviewed this form"


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def hands() -> Iterator[StandingClock]:
    held = StandingClock()
    with clock.set_source(held):
        yield held


def sign_record(user: User, record_id: str = "r1", **changes: object) -> Signature:
    given: dict[str, object] = {
        "record_version": 3,
        "content_hash": HASH,
        "meaning": MEANING,
        "actor": actor_for(user),
        "user": user,
        "password": PASSWORD,
        "time_zone": "Asia/Shanghai",
        "chain": CHAIN,
        "site": "s1",
        **changes,
    }
    return sign("FormRecord", record_id, **given)  # type: ignore[arg-type]


@pytest.mark.postgres
@pytest.mark.parametrize("seconds", [-3600, -6, 6, 3600])
def test_nobody_signs_while_the_clocks_of_database_and_application_differ_by_more_than_five_seconds(
    user: User, seconds: int
) -> None:
    with time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=True), pytest.raises(DomainError) as caught:
        sign_record(user)
    assert (caught.value.codes, caught.value.kind) == (("clocks_differ",), "unavailable")
    assert (Signature.objects.count(), AuditEvent.objects.count()) == (0, 0)


@pytest.mark.postgres
@pytest.mark.parametrize("seconds", [-4, 4])
def test_a_difference_of_less_than_five_seconds_lets_sign(user: User, seconds: int) -> None:
    with time_machine.travel(clock.now() + timedelta(seconds=seconds), tick=True):
        assert sign_record(user).pk is not None


def test_a_signature_shows_printed_name_time_with_zone_and_meaning(user: User, hands: StandingClock) -> None:
    signature = sign_record(user)
    assert manifest(signature) == {
        "printed_name": "Chen Yu",
        "signed_at": "2026-03-02 16:00:00 CST (UTC+08:00)",
        "meaning": MEANING,
    }
    (event,) = events()
    assert (event.record_kind, event.action, event.actor, event.reason) == ("Signature", "sign", "chen", MEANING)
    assert [event.action for event in events("system")] == ["identity_confirmed"]


def test_a_wrong_password_signs_nothing_and_is_counted(user: User) -> None:
    with pytest.raises(DomainError) as refused:
        sign_record(user, password="wrong")
    assert (refused.value.kind, refused.value.codes) == ("forbidden", ("signing_password",))
    assert (Signature.objects.count(), events()) == (0, [])
    assert [event.action for event in events("system")] == ["signing_failed"]


@pytest.mark.parametrize("password", ["", " "])
def test_a_session_without_a_password_never_signs(user: User, password: str) -> None:
    with pytest.raises(DomainError) as refused:
        sign_record(user, password=password)
    assert refused.value.codes == ("signing_password",)
    assert Signature.objects.count() == 0


def test_an_api_token_a_job_and_another_person_never_sign(user: User) -> None:
    other = make_user("mora", printed_name="Dr Mora")
    for changes in (
        {"from_token": True},
        {"actor": Actor.system("import", on_behalf_of="chen")},
        {"actor": actor_for(other)},
    ):
        with pytest.raises(DomainError) as refused:
            sign_record(user, **changes)
        assert (refused.value.kind, refused.value.codes) == ("forbidden", ("signing_not_in_person",))
    assert Signature.objects.count() == 0
    assert AuditEvent.objects.count() == 0


def test_five_failures_within_fifteen_minutes_block_even_the_right_password(user: User, hands: StandingClock) -> None:
    told: list[str] = []

    def tell(user_id: str, act: Act) -> None:
        told.append(user_id)

    register_lockout_alert(tell)
    try:
        codes = []
        for _ in range(5):
            with pytest.raises(DomainError) as refused:
                sign_record(user, password="wrong")
            codes.append(refused.value.codes[0])
        assert codes == ["signing_password"] * 4 + ["signing_blocked"]
        with pytest.raises(DomainError) as refused:
            sign_record(user)
        assert refused.value.codes == ("signing_blocked",)
        assert told == [str(user.pk)]
        assert [event.action for event in events("system")] == ["signing_failed"] * 5 + ["signing_blocked"]
        hands.forward(minutes=15)
        assert sign_record(user).signer == "chen"
    finally:
        identity._alerts.remove(tell)


def test_a_success_starts_the_count_anew(user: User) -> None:
    for number in range(3):
        for _ in range(4):
            with pytest.raises(DomainError):
                sign_record(user, password="wrong")
        sign_record(user, f"r{number}")
    assert Signature.objects.count() == 3


def test_a_one_time_code_is_judged_when_given_and_required_by_setting(user: User, settings: object) -> None:
    device = TOTPDevice.objects.create(user=user, name="phone", confirmed=True)
    right = str(totp(device.bin_key)).zfill(6)
    wrong = str((int(right) + 1) % 1_000_000).zfill(6)
    with pytest.raises(DomainError):
        sign_record(user, otp=wrong)
    settings.SIGNING_REQUIRES_OTP = True  # type: ignore[attr-defined]
    with pytest.raises(DomainError):
        sign_record(user)
    device.refresh_from_db()
    device.throttle_reset()
    assert sign_record(user, otp=right).signer == "chen"


def test_one_confirmation_signs_many_records_but_only_for_two_minutes_and_one_person(
    user: User, hands: StandingClock
) -> None:
    proof = confirm_identity(user, password=PASSWORD, actor=actor_for(user), from_token=False)
    with open_act("sign visit", chain=CHAIN, actor=actor_for(user)):
        for number in range(3):
            sign_record(user, f"r{number}", password="", proof=proof)
    assert Signature.objects.count() == 3
    hands.forward(minutes=2)
    sign_record(user, "r4", password="", proof=proof)
    hands.forward(seconds=1)
    for stale in (proof, Proof("", hands.at), Proof("another", hands.at)):
        with pytest.raises(DomainError) as refused:
            sign_record(user, "r5", password="", proof=stale)
        assert refused.value.codes == ("signing_not_confirmed",)
    assert Signature.objects.count() == 4


def test_a_failure_cannot_be_taken_back_by_an_act_around_it(user: User) -> None:
    with pytest.raises(RuntimeError, match="before the act opens"), open_act("x", chain=CHAIN, actor=actor_for(user)):
        sign_record(user, password="wrong")


def test_an_unsound_request_is_refused_with_everything_that_is_wrong(user: User) -> None:
    with pytest.raises(DomainError) as refused:
        sign_record(user, meaning=" ", content_hash="", time_zone="Mars/Olympus")
    assert refused.value.codes == ("meaning", "content_hash", "time_zone")
    assert Signature.objects.count() == 0


def test_the_same_meaning_is_signed_once_while_it_holds(user: User) -> None:
    sign_record(user)
    with pytest.raises(DomainError) as refused:
        sign_record(user)
    assert (refused.value.kind, refused.value.codes) == ("conflict", ("already_signed",))
    assert Signature.objects.count() == 1


def test_a_change_invalidates_at_once_keeps_the_signature_and_tells_the_signer(user: User) -> None:
    signature, other = sign_record(user), sign_record(user, "r2")
    with open_act("save items", chain=CHAIN, actor=actor_for(user)) as act:
        (gone,) = invalidate_signatures(
            "FormRecord", "r1", act=act, because="TEMP was changed", link="/admin/records/r1/"
        )
    assert gone.pk == signature.pk
    assert valid_signatures("FormRecord", ["r1", "r2"]) == {"r2": (other,)}
    (kept,) = signatures_of("FormRecord", "r1")
    assert (kept.invalidated_because, kept.invalidated_at) == ("TEMP was changed", act.at)
    assert events()[-1].action == "invalidate"
    (told,) = Notification.objects.all()
    assert (told.recipient_id, told.kind, told.link) == (user.pk, "signature_invalidated", "/admin/records/r1/")
    assert sign_record(user).pk != signature.pk


def test_invalidating_where_nothing_is_signed_costs_one_statement(
    user: User, django_assert_num_queries: object
) -> None:
    with open_act("x", chain=CHAIN, actor=actor_for(user)) as act, django_assert_num_queries(1):  # type: ignore[operator]
        assert invalidate_signatures("FormRecord", "r1", act=act, because="changed") == ()


def test_valid_signatures_of_many_records_are_one_statement(user: User, django_assert_num_queries: object) -> None:
    signed = [sign_record(user, f"r{number}") for number in range(5)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = valid_signatures("FormRecord", [f"r{number}" for number in range(9)])
    assert found == {row.record_id: (row,) for row in signed}


def test_a_signature_copied_to_another_record_does_not_hold(user: User) -> None:
    signature = sign_record(user)
    assert faults_of(signature, content_hash=HASH) == ()
    copy = Signature.objects.get(pk=signature.pk)
    copy.pk, copy.record_id = "0f2f3c7e-0000-4000-8000-00000000000f", "r9"
    copy.save(force_insert=True)
    assert faults_of(copy) == ("no event of signing exists for it",)
    report = verify.verify_chains()
    verify.verify_signatures(report)
    assert [(finding.kind, str(copy.pk) in finding.text) for finding in report.findings] == [("signature", True)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("record_id", "r9"),
        ("record_version", 4),
        ("content_hash", "0" * 64),
        ("meaning", "another"),
        ("signer", "mora"),
        ("printed_name", "Dr Mora"),
        ("signed_at", "2020-01-01T00:00:00+00:00"),
        ("time_zone", "UTC"),
        ("site", "s2"),
    ],
)
def test_an_edited_signature_row_does_not_hold(user: User, column: str, value: object) -> None:
    signature = sign_record(user)
    Signature.objects.filter(pk=signature.pk).update(**{column: value})
    assert faults_of(Signature.objects.get(pk=signature.pk)) == (f"{column} is not what was signed",)


def test_content_that_is_no_longer_what_was_signed_is_told(user: User) -> None:
    signature = sign_record(user)
    now = content_hash("FormRecord", "r1", 3, {"data": {"TEMP": {"v": "36.9"}}})
    assert faults_of(signature, content_hash=now) == ("the content is not what was signed",)
