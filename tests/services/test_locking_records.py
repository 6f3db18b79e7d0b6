"""Freeze, lock and unlock; under a lock no service writes anything, under a freeze questions go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from capture.domain.null_flavours import NullFlavour
from capture.models import FormRecord, LogDeclaration, Query, QueryEntry
from capture.selectors.seals import form_seals, record_hash
from capture.services.completion import complete_record, declare_log_empty, mark_not_done, remove_record
from capture.services.data_entry import save_items
from capture.services.locking import freeze_records, lock_blockers, lock_records, unlock_records
from capture.services.queries import answer_query, cancel_query, close_query, open_query, reopen_query
from capture.services.signing import Shown, sign_records
from capture.services.visiting import start_visit
from seeds.factories.capture import member, participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from tests.support.sealing import GOOD, PASSWORD, acting, finished, fresh, person, screening
from trials.domain.roles import Role
from trials.models import DoseLevel, Participant, Visit
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent, Lock, Signature
from trials.services import visits
from trials.services.dosing import assign_dose
from trials.services.participants import withdraw_participant

pytestmark = pytest.mark.django_db
FRAME = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
LEVELS = ["FormRecord", "Visit", "Participant", "Site", "Study"]


@pytest.fixture
def participant() -> Participant:
    return participant_in(study_version())


@pytest.fixture
def manager(participant: Participant) -> Actor:
    return member(participant.site, Role.DATA_MANAGER, whole_study=True)


def target_of(record: FormRecord, kind: str) -> object:
    return {
        "FormRecord": record,
        "Visit": record.visit,
        "Participant": record.participant,
        "Site": record.site,
        "Study": record.study,
    }[kind]


def digest() -> tuple[object, ...]:
    """Return everything that a write would move."""
    return (
        AuditEvent.objects.count(),
        list(FormRecord.objects.order_by("pk").values_list("pk", "version", "state", "open_queries")),
        list(Query.objects.order_by("pk").values_list("pk", "state")),
        QueryEntry.objects.count(),
        LogDeclaration.objects.count(),
        Signature.objects.count(),
        list(Visit.objects.order_by("pk").values_list("pk", "actual", "missed", "planned")),
        list(Participant.objects.values_list("state", "populations", "dose_level_id")),
    )


@pytest.mark.parametrize("kind", LEVELS)
def test_a_data_manager_locks_and_unlocks_any_level_with_a_reason(
    participant: Participant, manager: Actor, kind: str
) -> None:
    record = finished(participant)
    target = target_of(record, kind)
    freeze_records(target, reason="before cleaning", actor=manager)  # type: ignore[arg-type]
    assert form_seals([record]) == {record.pk: "frozen"}
    lock_records(target, reason="clean", actor=manager)  # type: ignore[arg-type]
    assert form_seals([record]) == {record.pk: "locked"}
    with pytest.raises(DomainError) as refused:
        save_items(record, {"TEMP": "37"}, actor=SYSTEM, reason="misread", expected_version=record.version)
    assert refused.value.kind == "locked"
    unlock_records(target, reason="a late result", actor=manager)  # type: ignore[arg-type]
    assert form_seals([record]) == {}
    save_items(record, {"TEMP": "37"}, actor=SYSTEM, reason="misread", expected_version=record.version)
    told = AuditEvent.objects.filter(record_kind="Lock").order_by("seq").values_list("action", "reason")
    assert list(told) == [
        ("place", "before cleaning"), ("lift", "clean"), ("place", "clean"), ("lift", "a late result"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "role",
    [Role.COORDINATOR, Role.INVESTIGATOR, Role.MONITOR, Role.MEDICAL_MONITOR, Role.STATISTICIAN, Role.ADMINISTRATOR],
)
def test_nobody_else_freezes_locks_or_unlocks(participant: Participant, manager: Actor, role: Role) -> None:
    record = finished(participant)
    freeze_records(record, reason="before cleaning", actor=manager)
    other = acting(person(participant.site, role, name="other"))
    before = digest()
    for act in (freeze_records, lock_records, unlock_records):
        for target in (record, record.visit, participant):
            with pytest.raises(DomainError) as refused:
                act(target, reason="because", actor=other)  # type: ignore[arg-type]
            assert refused.value.kind in {"forbidden", "unknown"}
    assert digest() == before
    assert Lock.objects.filter(lifted_at=None).count() == 1


def test_a_data_manager_of_one_site_locks_there_and_not_the_study(participant: Participant) -> None:
    record = finished(participant)
    local = member(participant.site, Role.DATA_MANAGER)
    with pytest.raises(DomainError):
        lock_records(record.study, reason="clean", actor=local)
    lock_records(participant, reason="clean", actor=local)
    assert form_seals([record]) == {record.pk: "locked"}


@pytest.mark.parametrize("reason", ["", " ", "."])
def test_without_a_reason_nothing_is_frozen_locked_or_unlocked(
    participant: Participant, manager: Actor, reason: str
) -> None:
    record = finished(participant)
    for act in (freeze_records, lock_records):
        with pytest.raises(DomainError) as refused:
            act(record, reason=reason, actor=manager)
        assert "reason" in refused.value.codes
    assert not Lock.objects.exists()
    lock_records(record, reason="clean", actor=manager)
    before = digest()
    with pytest.raises(DomainError):
        unlock_records(record, reason=reason, actor=manager)
    assert digest() == before


def test_locking_lists_every_waiting_query_and_unfinished_form_at_once(
    participant: Participant, manager: Actor
) -> None:
    record = finished(participant)
    monitor, site = member(participant.site, Role.MONITOR), member(participant.site)
    query = open_query(record, path="TEMP", text="Which device?", actor=monitor)
    save_items(slot_at(participant, "SCR", "PREG"), {}, actor=SYSTEM, expected_version=0)
    before = digest()
    with pytest.raises(DomainError) as refused:
        lock_records(participant, reason=" ", actor=manager)
    assert {(each.code, each.where, each.found) for each in refused.value} == {
        ("reason", "reason", "none"),
        ("open_queries", "VS", "1 open"),
        ("form_in_progress", "PREG", "1 in progress"),
    }
    assert (digest(), Lock.objects.count()) == (before, 0)
    answer_query(query, text="The tympanic one", actor=site)
    assert [(each.code, each.found) for each in lock_blockers(record)] == [("open_queries", "1 answered")]
    with pytest.raises(DomainError):
        lock_records(record, reason="clean", actor=manager)
    close_query(query, actor=monitor)
    lock_records(record, reason="clean", actor=manager)
    assert form_seals([record]) == {record.pk: "locked"}


def test_unlocking_what_is_not_locked_itself_is_refused(participant: Participant, manager: Actor) -> None:
    record = finished(participant)
    lock_records(participant, reason="clean", actor=manager)
    with pytest.raises(DomainError) as refused:
        unlock_records(record, reason="a late result", actor=manager)
    assert (refused.value.kind, refused.value.codes) == ("conflict", ("lock_not_in_force",))
    assert form_seals([record]) == {record.pk: "locked"}


def _day_14(record: FormRecord) -> Visit:
    return Visit.objects.select_related("study", "site", "participant").get(
        participant=record.participant_id, code="D14"
    )


def _sign(record: FormRecord) -> object:
    user = person(record.site, name="dr.late")
    shown = [Shown(record.pk, record.version, record_hash(record))]
    return sign_records(record, shown=shown, actor=acting(user), user=user, password=PASSWORD)


def _assign(participant: Participant) -> object:
    level = DoseLevel.objects.select_related("arm").get(study=participant.study, number=1)
    return assign_dose(participant, arm=level.arm, dose_level=level, actor=SYSTEM)


WRITES: dict[str, Callable[[FormRecord], object]] = {
    "save": lambda r: save_items(r, {"TEMP": "37"}, actor=SYSTEM, reason="misread", expected_version=r.version),
    "blank": lambda r: save_items(
        r, {"TEMP": NullFlavour("ND", "lost")}, actor=SYSTEM, reason="misread", expected_version=r.version
    ),
    "complete": lambda r: complete_record(r, actor=SYSTEM, expected_version=r.version),
    "not done": lambda r: mark_not_done(r, reason="wrong participant", actor=SYSTEM),
    "remove": lambda r: remove_record(r, reason="entered twice", actor=SYSTEM),
    "new form": lambda r: save_items(
        slot_at(r.participant, "SCR", "PREG"), {"RESULT": "NEG"}, actor=SYSTEM, expected_version=0
    ),
    "not done, never begun": lambda r: mark_not_done(slot_at(r.participant, "SCR", "PREG"), reason="no", actor=SYSTEM),
    "new row": lambda r: save_items(
        slot_at(r.participant, "", "CM"), {"NAME": "X", "ONGOING": "y"}, actor=SYSTEM, expected_version=0
    ),
    "declare": lambda r: declare_log_empty(r.participant, "CM", actor=SYSTEM),
    "ask": lambda r: open_query(r, path="TEMP", text="Which device?", actor=member(r.site, Role.MONITOR)),
    "reopen": lambda r: reopen_query(Query.objects.get(), text="And when?", actor=member(r.site, Role.MONITOR)),
    "sign": _sign,
    "start visit": lambda r: start_visit(r.visit, on=date(2026, 1, 6), actor=SYSTEM, reason="misread"),  # type: ignore[arg-type]
    "miss visit": lambda r: visits.miss_visit(_day_14(r), reason="away", actor=SYSTEM),
    "plan visit": lambda r: visits.plan_visit(_day_14(r), on=date(2026, 3, 1), actor=SYSTEM),
    "add visit": lambda r: visits.add_unscheduled_visit(r.participant, on=date(2026, 1, 5), actor=SYSTEM),
    "assign dose": lambda r: _assign(r.participant),
    "withdraw": lambda r: withdraw_participant(r.participant, reason="own wish", actor=SYSTEM),
}  # fmt: skip
OF_THE_RECORD = ("save", "blank", "complete", "not done", "remove", "ask", "reopen", "sign")


def locked_record(participant: Participant, manager: Actor, kind: str) -> FormRecord:
    """Return a complete form with one closed query, under a lock."""
    record = finished(participant)
    monitor = member(participant.site, Role.MONITOR)
    close_query(open_query(record, path="TEMP", text="Which?", actor=monitor), text="settled", actor=monitor)
    record = fresh(record)
    lock_records(target_of(record, kind), reason="clean", actor=manager)  # type: ignore[arg-type]
    return record


@pytest.mark.parametrize("write", WRITES)
def test_under_a_participants_lock_no_service_writes(participant: Participant, manager: Actor, write: str) -> None:
    record = locked_record(participant, manager, "Participant")
    before = digest()
    with pytest.raises(DomainError) as refused:
        WRITES[write](record)
    assert refused.value.kind == "locked"
    assert digest() == before


@pytest.mark.parametrize("kind", ["FormRecord", "Visit", "Site", "Study"])
@pytest.mark.parametrize("write", OF_THE_RECORD)
def test_under_a_lock_of_any_level_the_record_is_not_written(
    participant: Participant, manager: Actor, write: str, kind: str
) -> None:
    record = locked_record(participant, manager, kind)
    before = digest()
    with pytest.raises(DomainError) as refused:
        WRITES[write](record)
    assert refused.value.kind == "locked"
    assert digest() == before


@pytest.mark.parametrize("step", ["answer", "close", "cancel"])
def test_a_query_that_waits_under_a_lock_of_old_does_not_move(
    participant: Participant, manager: Actor, step: str
) -> None:
    record = finished(participant)
    monitor = member(participant.site, Role.MONITOR)
    query = open_query(record, path="TEMP", text="Which device?", actor=monitor)
    lock = freeze_records(participant, reason="clean", actor=manager)
    Lock.objects.filter(pk=lock.pk).update(level="locked")  # as an import of an older database could leave it
    acts: dict[str, Callable[[], object]] = {
        "answer": lambda: answer_query(query, text="The tympanic one", actor=member(participant.site)),
        "close": lambda: close_query(query, text="settled", actor=monitor),
        "cancel": lambda: cancel_query(query, text="asked twice", actor=monitor),
    }
    before = digest()
    with pytest.raises(DomainError) as refused:
        acts[step]()
    assert refused.value.kind == "locked"
    assert digest() == before


def test_under_a_freeze_values_stand_still_and_questions_go_on(participant: Participant, manager: Actor) -> None:
    record = finished(participant)
    freeze_records(record.visit, reason="before review", actor=manager)  # type: ignore[arg-type]
    monitor, site = member(participant.site, Role.MONITOR), member(participant.site)
    query = open_query(record, path="TEMP", text="Which device?", actor=monitor)
    answer_query(query, text="The tympanic one", actor=site)
    close_query(query, actor=monitor)
    before = digest()
    for write in ("save", "complete", "not done", "remove"):
        with pytest.raises(DomainError) as refused:
            WRITES[write](fresh(record))
        assert refused.value.kind == "locked"
    assert digest() == before


def test_a_derived_value_under_a_lock_refuses_the_save_it_would_follow(
    participant: Participant, manager: Actor
) -> None:
    plan = save_items(slot_at(participant, "SCR", "PLAN"), {"SURE": "y"}, actor=SYSTEM, expected_version=0).record
    declare_log_empty(participant, "CM", actor=SYSTEM)
    plan = fresh(plan)
    complete_record(plan, actor=SYSTEM, expected_version=plan.version)
    lock_records(fresh(plan), reason="clean", actor=manager)
    before = digest()
    with pytest.raises(DomainError) as refused:
        WRITES["new row"](fresh(plan))
    assert refused.value.kind == "locked"
    assert digest() == before


def test_locking_costs_the_same_for_one_form_as_for_many(participant: Participant, manager: Actor) -> None:
    counts = []
    freeze_records(participant, reason="first", actor=manager)  # the actor's memberships are read once
    unlock_records(participant, reason="again", actor=manager)
    for forms in (["VS"], ["PREG", "PLAN"]):
        for form in forms:
            finished(participant, form, {"VS": GOOD, "PREG": {"RESULT": "NEG"}, "PLAN": {"SURE": "y"}}[form])
        with CaptureQueriesContext(connection) as captured:
            lock_records(screening(participant), reason="clean", actor=manager)
        counts.append(sum(not each["sql"].startswith(FRAME) for each in captured.captured_queries))
        unlock_records(screening(participant), reason="again", actor=manager)
    assert counts == [10, 10]
