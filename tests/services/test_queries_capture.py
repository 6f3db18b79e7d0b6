"""System queries open and close by themselves in the save; people answer, close and ask."""

from __future__ import annotations

from datetime import date

import pytest

from capture.domain.null_flavours import NullFlavour
from capture.models import FormRecord, Query
from capture.services.completion import complete_record
from capture.services.data_entry import save_items
from capture.services.queries import answer_query, close_query, open_query, reopen_query
from seeds.factories.capture import member, participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from trials.domain.roles import Role
from trials.models import Participant
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent

pytestmark = pytest.mark.django_db
GOOD = {"TEMP": "36.8", "SYSBP": "120", "DIABP": "80", "WEIGHT": "72.5", "HEIGHT": "170"}


@pytest.fixture
def participant() -> Participant:
    return participant_in(study_version())


def warm(participant: Participant, **more: str) -> FormRecord:
    slot = slot_at(participant, "SCR", "VS", on=date(2026, 1, 5))
    return save_items(slot, {**GOOD, "TEMP": "40.5", **more}, actor=SYSTEM, expected_version=0).record


def fresh(record: FormRecord) -> FormRecord:
    return FormRecord.objects.get(pk=record.pk)


@pytest.mark.parametrize(("typed", "asks"), [("40", False), ("40.1", True), ("35", False), ("34.9", True)])
def test_outside_the_soft_range_a_candidate_stands_and_is_not_counted_as_open(
    participant: Participant, typed: str, asks: bool
) -> None:
    record = warm(participant, TEMP=typed)
    found = list(Query.objects.values_list("path", "check_key", "state", "origin"))
    assert found == ([("TEMP", "range", "candidate", "system")] if asks else [])
    assert fresh(record).open_queries == 0


def test_a_candidate_is_cancelled_when_the_value_is_corrected(participant: Participant) -> None:
    record = warm(participant)
    result = save_items(record, {"TEMP": "37"}, actor=SYSTEM, expected_version=1)
    query = Query.objects.get()
    assert (query.state, result.queries_closed) == ("cancelled", (query.pk,))
    assert query.closed_at is not None


def test_completing_opens_what_was_left_unexplained_and_counts_it(participant: Participant) -> None:
    record = warm(participant)
    complete_record(record, actor=SYSTEM, expected_version=1)
    query = Query.objects.get()
    assert (query.state, fresh(record).open_queries) == ("open", 1)
    assert list(query.entries.values_list("action", flat=True)) == ["candidate", "open"]


def test_an_explanation_keeps_the_value_as_an_answered_query(participant: Participant) -> None:
    record = warm(participant)
    complete_record(record, actor=SYSTEM, expected_version=1, explanations={"TEMP/range": "Fever since the morning"})
    query = Query.objects.get()
    assert (query.state, fresh(record).open_queries) == ("answered", 0)
    assert query.entries.get(action="answer").text == "Fever since the morning"


def test_an_explanation_of_nothing_or_without_words_is_refused(participant: Participant) -> None:
    record = warm(participant)
    before = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        complete_record(
            record, actor=SYSTEM, expected_version=1, explanations={"TEMP/range": " . ", "SYSBP/range": "fine"}
        )
    assert set(refused.value.codes) == {"explanation", "nothing_to_explain"}
    assert (AuditEvent.objects.count(), fresh(record).state) == (before, "in_progress")


def test_an_open_query_closes_itself_when_the_value_is_corrected(participant: Participant) -> None:
    record = warm(participant)
    complete_record(record, actor=SYSTEM, expected_version=1)
    save_items(record, {"TEMP": "37"}, actor=SYSTEM, reason="misread", expected_version=2)
    assert Query.objects.get().state == "closed"
    assert fresh(record).open_queries == 0


def test_an_answer_is_in_doubt_when_the_value_changes_and_still_fails(participant: Participant) -> None:
    record = warm(participant)
    complete_record(record, actor=SYSTEM, expected_version=1, explanations={"TEMP/range": "Fever since the morning"})
    save_items(record, {"WEIGHT": "72.6"}, actor=SYSTEM, reason="misread", expected_version=2)
    assert Query.objects.get().state == "answered"
    save_items(record, {"TEMP": "40.9"}, actor=SYSTEM, reason="misread", expected_version=3)
    assert Query.objects.get().state == "open"


def test_a_query_that_a_monitor_closed_is_not_asked_again_for_the_same_value(participant: Participant) -> None:
    record = warm(participant)
    complete_record(record, actor=SYSTEM, expected_version=1, explanations={"TEMP/range": "Fever since the morning"})
    close_query(Query.objects.get(), actor=member(participant.site, Role.MONITOR))
    save_items(record, {"WEIGHT": "72.6"}, actor=SYSTEM, reason="misread", expected_version=2)
    assert list(Query.objects.values_list("state", flat=True)) == ["closed"]
    save_items(record, {"TEMP": "41"}, actor=SYSTEM, reason="misread", expected_version=3)
    assert sorted(Query.objects.values_list("state", flat=True)) == ["closed", "open"]


def test_a_value_taken_out_of_a_complete_form_opens_a_query_until_it_is_explained(participant: Participant) -> None:
    record = warm(participant, TEMP="37")
    complete_record(record, actor=SYSTEM, expected_version=1)
    save_items(record, {"TEMP": None}, actor=SYSTEM, reason="wrong participant", expected_version=2)
    assert (Query.objects.get().check_key, fresh(record).open_queries) == ("required", 1)
    blank = NullFlavour("ND", "not measured")
    save_items(record, {"TEMP": blank}, actor=SYSTEM, reason="query answered", expected_version=3)
    assert Query.objects.get().state == "closed"


def test_the_site_answers_and_the_monitor_closes_never_the_other_way_round(participant: Participant) -> None:
    record = warm(participant, TEMP="37")
    site, monitor = member(participant.site), member(participant.site, Role.MONITOR)
    with pytest.raises(DomainError):
        open_query(record, path="TEMP", text="Please check", actor=site)
    query = open_query(record, path="TEMP", text="Please check", actor=monitor)
    assert fresh(record).open_queries == 1
    with pytest.raises(DomainError):
        answer_query(query, text="It is right", actor=monitor)
    with pytest.raises(DomainError):
        close_query(query, text="It is right", actor=site)
    with pytest.raises(DomainError):
        answer_query(query, text=" . ", actor=site)
    assert Query.objects.get().state == "open"
    answer_query(query, text="It is right", actor=site)
    assert (Query.objects.get().state, fresh(record).open_queries) == ("answered", 0)
    reopen_query(query, text="By whom was it measured?", actor=monitor)
    answer_query(query, text="By the nurse", actor=site)
    close_query(query, actor=monitor)
    assert Query.objects.get().state == "closed"
    assert list(query.entries.values_list("action", flat=True)) == ["open", "answer", "reopen", "answer", "close"]


def test_an_open_query_is_closed_only_with_a_reason(participant: Participant) -> None:
    record = warm(participant, TEMP="37")
    monitor = member(participant.site, Role.MONITOR)
    query = open_query(record, text="Please check", actor=monitor)
    with pytest.raises(DomainError) as refused:
        close_query(query, actor=monitor)
    assert refused.value.codes == ("reason",)
    assert Query.objects.get().state == "open"


def test_a_query_on_an_item_that_the_form_lacks_is_refused(participant: Participant) -> None:
    with pytest.raises(DomainError) as refused:
        open_query(warm(participant), path="XYZ", text="Please check", actor=member(participant.site, Role.MONITOR))
    assert refused.value.codes == ("unknown_item",)


def test_each_query_has_its_own_event(participant: Participant) -> None:
    record = warm(participant)
    complete_record(record, actor=SYSTEM, expected_version=1)
    actions = AuditEvent.objects.filter(record_kind="Query").order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["candidate", "open"]
