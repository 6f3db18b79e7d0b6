"""An investigator signs what was shown, one signature each; what changed since is refused by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from capture.models import FormRecord
from capture.selectors.seals import form_seals, held_lines, record_hash, signature_lines
from capture.services.completion import complete_record, mark_not_done, remove_record
from capture.services.data_entry import save_items
from capture.services.locking import freeze_records, lock_records
from capture.services.queries import open_query
from capture.services.signing import MEANING, Shown, Signing, list_signable, sign_records
from seeds.factories.capture import member, participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from tests.support.records import StandingClock
from tests.support.sealing import PASSWORD, acting, all_shown, finished, fresh, person, screening
from trials.domain.roles import Role
from trials.models import Participant, User, Visit
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent, Notification, Signature
from trials.records.services import clock, verify
from trials.records.services.signatures import faults_of

pytestmark = pytest.mark.django_db
FRAME = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
PREG = {"RESULT": "NEG"}


@pytest.fixture
def participant() -> Participant:
    return participant_in(study_version())


@pytest.fixture
def user(participant: Participant) -> User:
    return person(participant.site)


@pytest.fixture
def hands() -> Iterator[StandingClock]:
    held = StandingClock()
    with clock.set_source(held):
        yield held


def sign(visit: Visit | FormRecord, user: User, shown: list[Shown], **given: object) -> Signing:
    given = {"password": PASSWORD, **given}
    return sign_records(visit, shown=shown, actor=acting(user), user=user, **given)  # type: ignore[arg-type]


def written() -> tuple[int, int]:
    return Signature.objects.count(), AuditEvent.objects.count()


def test_all_complete_forms_of_a_visit_are_signed_one_signature_each(participant: Participant, user: User) -> None:
    vitals, test = finished(participant), finished(participant, "PREG", PREG)
    visit = screening(participant)
    done = sign(visit, user, all_shown(visit, user))
    assert {row.record_id for row in done.signed} == {str(vitals.pk), str(test.pk)}
    assert done.refused == ()
    assert form_seals([vitals, test]) == {vitals.pk: "signed", test.pk: "signed"}
    for record in (vitals, test):
        held = Signature.objects.get(record_id=str(record.pk))
        assert (held.record_version, held.content_hash) == (record.version, record_hash(record))
        assert faults_of(held, content_hash=record_hash(fresh(record), version=held.record_version)) == ()
    actions = AuditEvent.objects.filter(record_kind="Signature").values_list("action", "actor", "participant")
    assert list(actions) == [("sign", "dr.wang", str(participant.pk))] * 2


def test_a_signature_shows_printed_name_time_with_zone_and_meaning(participant: Participant) -> None:
    record = finished(participant)
    hands = StandingClock()
    user = person(participant.site)
    with clock.set_source(hands):
        sign(record, user, all_shown(screening(participant), user))
    assert signature_lines(record) == [
        {
            "printed_name": "Dr.Wang",
            "signed_at": "2026-03-02 16:00:00 CST (UTC+08:00)",
            "meaning": MEANING,
            "invalidated_because": "",
            "holds": "1",
        }
    ]


def test_what_changed_since_it_was_shown_is_refused_and_the_rest_is_signed(
    participant: Participant, user: User
) -> None:
    vitals, test = finished(participant), finished(participant, "PREG", PREG)
    visit = screening(participant)
    shown = all_shown(visit, user)
    save_items(vitals, {"TEMP": "37.1"}, actor=SYSTEM, reason="misread", expected_version=vitals.version)
    done = sign(visit, user, shown)
    assert [row.record_id for row in done.signed] == [str(test.pk)]
    ((refusal),) = done.refused
    assert (refusal.code, refusal.where) == ("changed_since_shown", "Vital signs")
    assert (refusal.expected, refusal.found) == ("version 2, as it was shown", "version 3")


def test_when_everything_changed_nothing_is_signed_and_the_answer_is_a_conflict(
    participant: Participant, user: User
) -> None:
    record = finished(participant)
    shown = all_shown(screening(participant), user)
    save_items(record, {"TEMP": "37.1"}, actor=SYSTEM, reason="misread", expected_version=record.version)
    before = written()
    with pytest.raises(DomainError) as refused:
        sign(screening(participant), user, shown)
    assert (refused.value.kind, refused.value.codes) == ("conflict", ("changed_since_shown",))
    assert written() == before


def test_another_content_under_the_same_version_is_not_signed(participant: Participant, user: User) -> None:
    record = finished(participant)
    with pytest.raises(DomainError) as refused:
        sign(record, user, [Shown(record.pk, record.version, "0" * 64)])
    assert (refused.value.kind, refused.value.refusals[0].found) == ("conflict", "other content")
    assert Signature.objects.count() == 0


def test_every_blocker_is_named_at_once_and_nothing_is_written(participant: Participant, user: User) -> None:
    vitals = finished(participant)
    half = save_items(slot_at(participant, "SCR", "PREG"), PREG, actor=SYSTEM, expected_version=0).record
    open_query(vitals, path="TEMP", text="Which device?", actor=member(participant.site, Role.MONITOR))
    vitals, half = fresh(vitals), fresh(half)
    before = written()
    with pytest.raises(DomainError) as refused:
        sign(screening(participant), user, [Shown(row.pk, row.version, record_hash(row)) for row in (vitals, half)])
    assert refused.value.kind == "invalid"
    assert {(each.code, each.where, each.found) for each in refused.value} == {
        ("open_queries", "Vital signs", "1 open"),
        ("not_complete", "Pregnancy test", "in progress"),
    }
    assert written() == before
    assert all_shown(screening(participant), user) == []


def test_nothing_chosen_or_a_form_of_another_visit_is_refused(participant: Participant, user: User) -> None:
    record = finished(participant)
    other = Visit.objects.select_related("study", "site").get(participant=participant, code="D14")
    before = written()
    for place, shown, code in (
        (screening(participant), [], "nothing_to_sign"),
        (other, [Shown(record.pk, record.version, record_hash(record))], "unknown"),
        (other, [Shown(uuid4(), 1, "0" * 64)], "unknown"),
    ):
        with pytest.raises(DomainError) as refused:
            sign(place, user, shown)
        assert refused.value.codes == (code,)
    assert written() == before


@pytest.mark.parametrize(
    "role", [Role.COORDINATOR, Role.MONITOR, Role.MEDICAL_MONITOR, Role.DATA_MANAGER, Role.STATISTICIAN]
)
def test_only_an_investigator_signs(participant: Participant, user: User, role: Role) -> None:
    finished(participant)
    shown = all_shown(screening(participant), user)
    other = person(participant.site, role, name="other")
    before = written()
    with pytest.raises(DomainError) as refused:
        sign(screening(participant), other, shown)
    assert (refused.value.kind, refused.value.codes) == ("forbidden", ("forbidden",))
    assert written() == before


def test_neither_an_administrator_nor_another_sites_investigator_nor_the_system_signs(
    participant: Participant, user: User
) -> None:
    finished(participant)
    shown = all_shown(screening(participant), user)
    administrator = person(participant.site, Role.ADMINISTRATOR, name="root")
    User.objects.filter(pk=administrator.pk).update(is_administrator=True)
    foreign = person(participant_in(study_version()).site, name="foreign")
    before = written()
    for someone in (administrator, foreign):
        with pytest.raises(DomainError) as refused:
            sign(screening(participant), someone, shown)
        assert refused.value.kind in {"forbidden", "unknown"}
    with pytest.raises(DomainError):
        sign_records(screening(participant), shown=shown, actor=SYSTEM, user=user, password=PASSWORD)
    assert written() == before


def test_a_token_or_another_persons_password_never_signs(participant: Participant, user: User) -> None:
    finished(participant)
    shown = all_shown(screening(participant), user)
    before = written()
    with pytest.raises(DomainError) as refused:
        sign(screening(participant), user, shown, from_token=True)
    assert (refused.value.kind, refused.value.codes) == ("forbidden", ("signing_not_in_person",))
    other = person(participant.site, name="dr.li")
    with pytest.raises(DomainError):
        sign_records(screening(participant), shown=shown, actor=acting(user), user=other, password=PASSWORD)
    assert written() == before


def test_wrong_passwords_are_counted_and_block_even_the_right_one(
    participant: Participant, user: User, hands: StandingClock
) -> None:
    finished(participant)
    shown = all_shown(screening(participant), user)
    codes = []
    for _ in range(5):
        with pytest.raises(DomainError) as refused:
            sign(screening(participant), user, shown, password="wrong")
        codes.append(refused.value.codes[0])
    assert codes == ["signing_password"] * 4 + ["signing_blocked"]
    with pytest.raises(DomainError):
        sign(screening(participant), user, shown)
    assert Signature.objects.count() == 0
    assert AuditEvent.objects.filter(record_kind="User", action="signing_failed").count() == 5
    hands.forward(minutes=15)
    assert len(sign(screening(participant), user, shown).signed) == 1


def test_the_same_form_is_signed_once_while_the_signature_holds(participant: Participant, user: User) -> None:
    finished(participant)
    visit = screening(participant)
    shown = all_shown(visit, user)
    sign(visit, user, shown)
    before = written()
    with pytest.raises(DomainError) as refused:
        sign(visit, user, shown)
    assert (refused.value.kind, refused.value.codes) == ("conflict", ("already_signed",))
    assert written() == before
    (row,) = list_signable(visit, actor=acting(user))
    assert [each.code for each in row.because] == ["already_signed"]
    assert [each.signer for each in row.signed] == ["dr.wang"]


def change(record: FormRecord) -> None:
    save_items(record, {"TEMP": "37.1"}, actor=SYSTEM, reason="misread", expected_version=record.version)


def not_done(record: FormRecord) -> None:
    mark_not_done(record, reason="wrong participant", actor=SYSTEM)


def remove(record: FormRecord) -> None:
    remove_record(record, reason="entered twice", actor=SYSTEM)


@pytest.mark.parametrize("how", [change, not_done, remove])
def test_any_change_ends_the_signature_keeps_it_and_tells_the_signer(
    participant: Participant, user: User, how: object
) -> None:
    vitals, test = finished(participant), finished(participant, "PREG", PREG)
    visit = screening(participant)
    sign(visit, user, all_shown(visit, user))
    how(fresh(vitals))  # type: ignore[operator]
    assert form_seals([vitals, test]) == {test.pk: "signed"}
    ((kept),) = signature_lines(vitals)
    assert (kept["holds"], kept["meaning"]) == ("", MEANING)
    assert kept["invalidated_because"]
    (told,) = Notification.objects.filter(kind="signature_invalidated")
    assert told.recipient_id == user.pk


def test_a_derived_value_that_follows_another_form_ends_the_signature_too(participant: Participant, user: User) -> None:
    log = slot_at(participant, "", "CM")
    save_items(log, {"NAME": "Prednisone", "ONGOING": "y"}, actor=SYSTEM, expected_version=0)
    plan, vitals = finished(participant, "PLAN", {"SURE": "y"}), finished(participant)
    assert plan.data["MANY"]["v"] == "1"
    visit = screening(participant)
    sign(visit, user, all_shown(visit, user))
    save_items(log, {"NAME": "Ibuprofen", "ONGOING": "y"}, actor=SYSTEM, expected_version=0)
    assert fresh(plan).data["MANY"]["v"] == "2"
    assert form_seals([plan, vitals]) == {vitals.pk: "signed"}
    assert signature_lines(plan)[0]["invalidated_because"] != ""


def test_completing_again_without_a_change_keeps_the_signature(participant: Participant, user: User) -> None:
    record = finished(participant)
    (held,) = sign(record, user, all_shown(screening(participant), user)).signed
    complete_record(fresh(record), actor=SYSTEM, expected_version=record.version)
    now = fresh(record)
    assert now.version == record.version + 1
    assert form_seals([now]) == {record.pk: "signed"}
    assert faults_of(held, content_hash=record_hash(now, version=held.record_version)) == ()


def test_a_signature_copied_to_another_record_is_found_by_verify(participant: Participant, user: User) -> None:
    vitals, test = finished(participant), finished(participant, "PREG", PREG)
    (held,) = sign(vitals, user, all_shown(screening(participant), user)[:0] or [_shown(vitals)]).signed
    copy = Signature.objects.get(pk=held.pk)
    copy.pk, copy.record_id = uuid4(), str(test.pk)
    copy.save(force_insert=True)
    report = verify.verify_chains()
    verify.verify_signatures(report)
    assert [(each.kind, str(copy.pk) in each.text) for each in report.findings] == [("signature", True)]
    assert copy.content_hash != record_hash(test, version=copy.record_version)


def _shown(record: FormRecord) -> Shown:
    return Shown(record.pk, record.version, record_hash(record))


def test_the_hash_follows_values_state_and_record_but_not_the_words_of_the_form(participant: Participant) -> None:
    record = finished(participant)
    first = record_hash(record)
    assert re.fullmatch(r"[0-9a-f]{64}", first)
    record.definition.revision, record.definition.content_hash = 2, "f" * 64
    assert record_hash(record) == first
    record.state = FormRecord.State.NOT_DONE
    assert record_hash(record) != first
    record.state, record.data = FormRecord.State.COMPLETE, {**record.data, "TEMP": {"v": "36.80", "u": "Cel"}}
    assert record_hash(record) != first


def test_a_frozen_form_is_signed_and_a_locked_one_is_not(participant: Participant, user: User) -> None:
    vitals, test = finished(participant), finished(participant, "PREG", PREG)
    manager = member(participant.site, Role.DATA_MANAGER)
    freeze_records(vitals, reason="before review", actor=manager)
    lock_records(test, reason="clean", actor=manager)
    visit = screening(participant)
    assert [each.record_id for each in all_shown(visit, user)] == [vitals.pk]
    before = written()
    with pytest.raises(DomainError) as refused:
        sign(visit, user, [_shown(vitals), _shown(test)])
    assert (refused.value.kind, refused.value.codes) == ("locked", ("locked",))
    assert written() == before
    assert len(sign(visit, user, [_shown(vitals)]).signed) == 1
    assert form_seals([vitals, test]) == {vitals.pk: "frozen", test.pk: "locked"}


def statements(captured: CaptureQueriesContext) -> int:
    return sum(not each["sql"].startswith(FRAME) for each in captured.captured_queries)


def test_each_further_form_costs_two_statements_and_the_seals_of_a_page_cost_two(participant: Participant) -> None:
    user = person(participant.site)
    rows = [
        finished(participant, "DM", {"BIRTH": "1990", "SEX": "M"}),
        finished(participant),
        finished(participant, "PREG", PREG),
        finished(participant, "PLAN", {"SURE": "y"}),
    ]
    visit, counts = screening(participant), []
    for chosen in (rows[:1], rows[1:2], rows[2:]):
        shown = [_shown(fresh(row)) for row in chosen]
        with CaptureQueriesContext(connection) as captured:
            sign(visit, user, shown)
        counts.append(statements(captured))
    del counts[0]  # the first of all makes the system's chain
    assert counts[1] - counts[0] == 2
    asks_the_time = connection.vendor == "postgresql"  # its clock is compared before anybody signs
    assert counts == [18 + asks_the_time, 20 + asks_the_time]
    with CaptureQueriesContext(connection) as captured:
        assert set(form_seals(rows).values()) == {"signed"}
    assert statements(captured) == 2
    with CaptureQueriesContext(connection) as captured:
        lines = held_lines(rows)
    assert statements(captured) == 1
    assert {key: each["meaning"] for key, (each,) in lines.items()} == {row.pk: MEANING for row in rows}
    with CaptureQueriesContext(connection) as captured:
        assert (form_seals([]), held_lines([])) == ({}, {})
    assert statements(captured) == 0


def test_a_form_of_the_log_is_signed_by_itself(participant: Participant, user: User) -> None:
    log = slot_at(participant, "", "CM", on=date(2026, 1, 5))
    record = save_items(log, {"NAME": "Prednisone", "ONGOING": "y"}, actor=SYSTEM, expected_version=0).record
    complete_record(record, actor=SYSTEM, expected_version=1)
    record = fresh(record)
    (row,) = list_signable(record, actor=acting(user))
    assert (row.label, row.because) == ("Medication 1", ())
    assert len(sign(record, user, [row.shown]).signed) == 1
