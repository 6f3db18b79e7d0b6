"""SIG-07, SIG-03 and LCK-01 under many hands: what is signed is what stands there, and under a lock nothing moves."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event

import pytest
from django.db import connections

from capture.models import FormRecord
from capture.selectors.seals import form_seals, record_hash
from capture.services.completion import complete_record
from capture.services.data_entry import save_items
from capture.services.locking import lock_records, unlock_records
from capture.services.signing import Signing, sign_records
from capture.services.slots import Slot
from seeds.factories.capture import member, participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from tests.support.sealing import PASSWORD, acting, all_shown, fresh, person, screening
from trials.domain.roles import Role
from trials.models import Participant
from trials.records.domain.errors import DomainError
from trials.records.models import Signature
from trials.records.services.act import open_act


def forms(number: int) -> Participant:
    """Return a participant with that many complete forms at screening."""
    codes = [f"F{n}" for n in range(number)]
    shape = {"label": "Form", "items": {"A": {"label": "A", "type": "integer"}}}
    version = study_version(forms=dict.fromkeys(codes, shape), places={code: ["SCR"] for code in codes})
    participant = participant_in(version)
    visit = slot_at(participant, "SCR", "F0", on=date(2026, 1, 5)).visit
    for code in codes:
        record = save_items(Slot(participant, visit, code), {"A": "1"}, actor=SYSTEM, expected_version=0).record
        complete_record(record, actor=SYSTEM, expected_version=1)
    return participant


def change(record: FormRecord, value: int) -> None:
    now = fresh(record)
    save_items(now, {"A": str(value)}, actor=SYSTEM, reason="misread", expected_version=now.version)


@pytest.mark.django_db
def test_of_fifty_forms_the_one_changed_while_signing_is_refused_and_forty_nine_are_signed() -> None:
    participant = forms(50)
    user, visit = person(participant.site), screening(participant)
    shown = all_shown(visit, user)
    assert len(shown) == 50
    change(FormRecord.objects.get(participant=participant, form="F17"), 2)
    done = sign_records(visit, shown=shown, actor=acting(user), user=user, password=PASSWORD)
    assert (len(done.signed), [each.code for each in done.refused]) == (49, ["changed_since_shown"])
    assert list(form_seals(FormRecord.objects.filter(form="F17"))) == []
    assert Signature.objects.filter(invalidated_at=None).count() == 49


def together(*jobs: Callable[[], object]) -> list[object]:
    """Run jobs at the same time, each on a connection of its own."""

    def run(job: Callable[[], object]) -> object:
        try:
            return job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


@pytest.mark.django_db(transaction=True)
def test_no_signature_given_while_others_save_stands_for_anything_but_what_is_stored() -> None:
    participant = forms(8)
    user, visit = person(participant.site), screening(participant)
    records = list(FormRecord.objects.filter(participant=participant).order_by("form"))

    def half(first: int) -> Callable[[], object]:
        # Two savers that never meet in one form, so that each save is over the version it read.
        def save() -> None:
            for value in range(2, 6):
                for row in records[first::2]:
                    change(row, value)

        return save

    def signer() -> list[str]:
        answers = []
        for _ in range(6):
            shown = all_shown(visit, user)
            try:
                done = sign_records(visit, shown=shown, actor=acting(user), user=user, password=PASSWORD)
            except DomainError as refused:
                answers.append(refused.kind)
            else:
                answers.append("all" if len(done.signed) + len(done.refused) == len(shown) else "some")
        return answers

    *_, answers = together(half(0), half(1), signer)
    assert set(answers) <= {"all", "conflict", "invalid"}  # type: ignore[call-overload]
    for held in Signature.objects.filter(invalidated_at=None):
        record = fresh(FormRecord(pk=held.record_id))
        assert (held.record_version, held.content_hash) == (record.version, record_hash(record))
    assert {fresh(row).data["A"]["v"] for row in records} == {"5"}


@pytest.mark.django_db(transaction=True)
def test_once_a_lock_is_placed_no_save_that_began_before_it_comes_through() -> None:
    participant = forms(4)
    manager = member(participant.site, Role.DATA_MANAGER)
    records = list(FormRecord.objects.filter(participant=participant).order_by("form"))

    def saver(row: FormRecord) -> Callable[[], object]:
        def save() -> str:
            try:
                for n in range(12):
                    change(row, n + 2)
            except DomainError as refused:
                return refused.kind
            return "all saved"

        return save

    def lock() -> list[int]:
        lock_records(screening(participant), reason="clean", actor=manager)
        return [fresh(row).version for row in records]

    *ends, versions = together(*(saver(row) for row in records), lock)
    assert set(ends) <= {"locked", "all saved"}
    assert [fresh(row).version for row in records] == versions
    unlock_records(screening(participant), reason="late result", actor=manager)
    change(records[0], 99)
    assert fresh(records[0]).data["A"]["v"] == "99"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_form_that_somebody_is_saving_at_that_very_moment_is_refused_without_waiting() -> None:
    participant = forms(3)
    user, visit = person(participant.site), screening(participant)
    shown = all_shown(visit, user)
    record = FormRecord.objects.select_related("study").get(participant=participant, form="F1")
    saved, signed = Event(), Event()

    def save() -> bool:
        with open_act("save items", chain=record.study.chain_key, actor=SYSTEM):
            change(record, 2)
            saved.set()
            return signed.wait(20)

    def sign() -> Signing:
        saved.wait(20)
        try:
            return sign_records(visit, shown=shown, actor=acting(user), user=user, password=PASSWORD)
        finally:
            signed.set()

    in_time, done = together(save, sign)
    assert in_time
    assert isinstance(done, Signing)
    assert (len(done.signed), [each.code for each in done.refused]) == (2, ["changed_since_shown"])
    assert form_seals([record]) == {}
