from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import orjson
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from tests.support.records import ACTOR, CHAIN, START, StandingClock, actor_for, events, make_user, note_values
from trials.records import triggers
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError, refuse
from trials.records.models import AuditEvent, Chain, EventCursor
from trials.records.services import clock, history, verify
from trials.records.services.act import Act, open_act
from trials.records.services.redaction import redact_event

pytestmark = pytest.mark.django_db
TABLE = triggers.TABLE


def test_events_of_an_act_are_numbered_without_gaps_and_chained() -> None:
    note_values("r1", "36.6", "38.6")
    note_values("r2", "37.0")
    first, second, third = events()
    assert [event.seq for event in (first, second, third)] == [1, 2, 3]
    assert first.previous_hash == ""
    assert (second.previous_hash, third.previous_hash) == (first.hash, second.hash)
    head = Chain.objects.get(key=CHAIN)
    assert (head.head_seq, head.head_hash, head.epoch) == (3, third.hash, 1)
    assert verify.verify_chains(CHAIN).is_sound


def test_a_first_entry_is_audited_too_and_a_change_holds_old_new_and_reason() -> None:
    note_values("r1", "36.6", "38.6")
    assert [orjson.loads(event.payload) for event in events()] == [
        {"TEMP": ["36.6"]},
        {"TEMP": ["36.6", "38.6", "misread"]},
    ]


def test_the_actor_of_a_job_names_on_whose_behalf_it_works() -> None:
    note_values("r1", "1", actor=Actor.system("dlt-sweep", on_behalf_of="chen"))
    (event,) = events()
    assert (event.actor, event.on_behalf_of) == ("system:dlt-sweep", "chen")


def test_nobody_acts_without_a_name() -> None:
    with pytest.raises(ValueError, match="An actor needs a name"):
        Actor(name="  ")


def test_a_failed_act_writes_neither_event_nor_number() -> None:
    note_values("r1", "1")
    with pytest.raises(RuntimeError), open_act("save items", chain=CHAIN, actor=ACTOR) as act:  # noqa: PT012
        act.note("FormRecord", "r1", "save", delta={"TEMP": ["2"]})
        raise RuntimeError
    assert len(events()) == 1
    assert Chain.objects.get(key=CHAIN).head_seq == 1


def _fail_inside(outer_chain: str) -> None:
    with open_act("inner", chain=outer_chain, actor=ACTOR) as inner:
        inner.note("FormRecord", "r2", "save", delta={"TEMP": ["9"]})
        raise refuse("x", expected="a", found="b", action="c")


def test_an_inner_act_that_fails_within_a_savepoint_leaves_no_event_while_the_outer_goes_on() -> None:
    with open_act("outer", chain=CHAIN, actor=ACTOR) as act:
        act.note("FormRecord", "r1", "save", delta={"TEMP": ["1"]})
        with pytest.raises(DomainError), transaction.atomic():
            _fail_inside(CHAIN)
    assert [event.record_id for event in events()] == ["r1"]


@pytest.mark.django_db(transaction=True)
def test_an_inner_act_that_failed_after_its_first_write_cannot_be_swallowed() -> None:
    broken = pytest.raises(transaction.TransactionManagementError)
    with broken, open_act("outer", chain=CHAIN, actor=ACTOR) as act:
        act.note("FormRecord", "r1", "save", delta={"TEMP": ["1"]})
        with pytest.raises(DomainError):
            _fail_inside(CHAIN)
    assert events() == []


def test_time_never_runs_backwards_within_a_chain() -> None:
    hands = StandingClock()
    with clock.set_source(hands):
        note_values("r1", "1")
        hands.forward(hours=-1)
        note_values("r2", "2")
        hands.forward(hours=3)
        note_values("r3", "3")
    assert [(event.at - START).total_seconds() for event in events()] == [0, 0, 2 * 3600]
    assert verify.verify_chains(CHAIN).is_sound


def test_the_chains_of_one_act_are_numbered_apart() -> None:
    with open_act("grant", chain="system", actor=ACTOR) as act:
        act.note("Membership", "m1", "grant", delta={"role": ["monitor"]})
        act.note("Study", "s1", "note", chain=CHAIN)
    assert [event.seq for event in events("system")] == [1]
    assert [event.seq for event in events(CHAIN)] == [1]
    assert {event.act for event in AuditEvent.objects.all()} == {events(CHAIN)[0].act}


def test_what_an_inner_act_notes_carries_its_own_actor_reason_and_study_time() -> None:
    sweep, later = Actor.system("dlt-sweep", on_behalf_of="chen"), START + timedelta(days=3)
    with open_act("advance clock", chain=CHAIN, actor=ACTOR, study_time=START, reason="next visit") as act:
        act.note("Study", "s1", "advance")
        with open_act("judge DLT", chain=CHAIN, actor=sweep, study_time=later, reason="a day passed") as inner:
            inner.note("DltWindow", "w1", "judge")
            with open_act("again", chain=CHAIN, actor=sweep) as innermost:
                innermost.note("DltWindow", "w2", "judge")
        act.note("Study", "s1", "close")
    found = [(each.actor, each.on_behalf_of, each.reason, each.study_time) for each in events()]
    own = (ACTOR.name, "", "next visit", START)
    judged = ("system:dlt-sweep", "chen", "a day passed", later)
    assert found == [own, judged, judged, own]
    assert len({event.act for event in events()}) == 1


def test_an_inner_act_without_reason_and_study_time_has_those_of_the_outer() -> None:
    outer = open_act("save items", chain=CHAIN, actor=ACTOR, study_time=START, reason="misread")
    with outer, open_act("grant", chain="system", actor=ACTOR) as inner:
        inner.note("Membership", "m1", "grant")
    (event,) = events("system")
    assert (event.actor, event.reason, event.study_time) == (ACTOR.name, "misread", START)


def test_what_is_noted_while_an_act_closes_is_appended_even_when_nothing_was_noted_before() -> None:
    with open_act("save items", chain=CHAIN, actor=ACTOR) as act:
        act.closing.append(lambda: act.closing.append(lambda: act.note("FormRecord", "r1", "save")))
    assert [event.record_id for event in events()] == ["r1"]
    assert verify.verify_chains(CHAIN).is_sound


def test_a_chain_first_noted_on_while_an_act_closes_is_locked_when_it_comes_after_those_held() -> None:
    with open_act("save items", chain=CHAIN, actor=ACTOR) as act:
        act.note("FormRecord", "r1", "save")
        act.closing.append(lambda: act.note("User", "u1", "lock out", chain="system"))
    assert [event.record_id for event in events("system")] == ["u1"]


def test_a_chain_before_those_held_is_refused_while_an_act_closes_and_nothing_is_written() -> None:
    with pytest.raises(RuntimeError, match="locked in the order of their keys"), _closing_on_an_earlier_chain() as act:
        act.note("User", "u1", "lock out")
    assert AuditEvent.objects.count() == 0


@contextmanager
def _closing_on_an_earlier_chain() -> Iterator[Act]:
    with open_act("log in", chain="system", actor=ACTOR) as act:
        act.closing.append(lambda: act.note("FormRecord", "r1", "save", chain=CHAIN))
        yield act


# What the database refuses


def _refused(sql: str, *parameters: str | int) -> None:
    before = [(event.pk, event.hash, event.payload) for event in AuditEvent.objects.order_by("pk")]
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
    assert [(event.pk, event.hash, event.payload) for event in AuditEvent.objects.order_by("pk")] == before


def test_all_triggers_are_there_after_migrate() -> None:
    assert triggers.missing() == []
    assert triggers.install() == []


@pytest.mark.parametrize(
    "column", ["actor", "at", "payload", "seq", "hash", "reason", "record_id", "salt", "payload_hash", "epoch"]
)
def test_no_column_of_an_event_can_be_changed(column: str) -> None:
    note_values("r1", "36.6")
    value = "7" if column in {"seq", "epoch"} else "2020-01-01 00:00:00+00:00" if column == "at" else "x"
    _refused(f"UPDATE {TABLE} SET {column} = %s", value)


def test_events_cannot_be_deleted() -> None:
    note_values("r1", "36.6")
    _refused(f"DELETE FROM {TABLE}")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEvent.objects.all().delete()
    assert len(events()) == 1


def test_a_payload_cannot_be_blanked_without_an_event_of_redaction_that_names_it() -> None:
    note_values("r1", "36.6")
    note_values("r2", "36.7")
    _refused(f"UPDATE {TABLE} SET payload = ''")
    redact_event(events()[0], actor=ACTOR, reason="holds a name")
    _refused(f"UPDATE {TABLE} SET payload = '' WHERE seq = 2")
    _refused(f"UPDATE {TABLE} SET payload = '', actor = 'x' WHERE seq = 1")
    _refused(f"UPDATE {TABLE} SET payload = %s WHERE seq = 1", '{"TEMP":["1"]}')


def _copy_row(verb: str, *, same_id: bool) -> None:
    columns = [name for name in triggers.COLUMNS if name != "id"]
    listed = ", ".join(f'"{name}"' for name in columns)
    names = f"id, {listed}" if same_id else listed
    values = listed.replace('"actor"', "'mallory'")
    _refused(f"{verb} INTO {TABLE} ({names}) SELECT {'id, ' if same_id else ''}{values} FROM {TABLE} WHERE seq = 1")


def test_an_event_cannot_be_replaced_by_insert() -> None:
    note_values("r1", "36.6")
    verbs = ["INSERT", "INSERT OR REPLACE", "REPLACE"] if connection.vendor == "sqlite" else ["INSERT"]
    for verb in verbs:
        _copy_row(verb, same_id=True)
        _copy_row(verb, same_id=False)


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_replace_is_refused_even_when_recursive_triggers_are_off() -> None:
    note_values("r1", "36.6")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers=OFF")
    try:
        _copy_row("INSERT OR REPLACE", same_id=True)
        _copy_row("INSERT OR REPLACE", same_id=False)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers=ON")


@pytest.mark.postgres
def test_truncate_is_refused_and_replication_mode_does_not_help() -> None:
    note_values("r1", "36.6")
    _refused(f"TRUNCATE {TABLE} CASCADE")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    _refused(f"DELETE FROM {TABLE}")
    _refused(f"TRUNCATE {TABLE} CASCADE")


def test_a_trigger_that_is_gone_or_says_something_else_is_missing() -> None:
    with connection.cursor() as cursor:
        on_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER audit_event_no_delete{on_table}")
    assert triggers.missing() == ["audit_event_no_delete"]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON {TABLE} BEGIN SELECT 1; END")
        else:
            cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER audit_event_no_update")
    assert "audit_event_no_delete" in triggers.missing()
    triggers.install()
    assert triggers.missing() == []
    note_values("r1", "1")
    _refused(f"DELETE FROM {TABLE}")


# Redaction


def test_a_redaction_blanks_the_payload_has_its_own_event_and_the_chain_still_verifies() -> None:
    note_values("r1", "Mr Example", "36.6")
    bad = events()[0]
    redacted = redact_event(bad, actor=ACTOR, reason="holds a name")
    assert redacted.payload == ""
    assert (redacted.hash, redacted.payload_hash) == (bad.hash, bad.payload_hash)
    last = events()[-1]
    assert (last.action, last.record_kind, last.record_id) == ("redact", "AuditEvent", f"{CHAIN}#1")
    assert (last.actor, last.reason) == ("chen", "holds a name")
    assert verify.verify_chains(CHAIN).findings == []
    (_redaction, _change, blanked) = (
        *history.record_history("AuditEvent", f"{CHAIN}#1", time_zone="UTC").rows,
        *history.record_history("FormRecord", "r1", time_zone="UTC").rows,
    )
    assert (blanked.redacted, blanked.new, blanked.action) == (True, "", "save")


def test_a_redaction_without_a_reason_or_of_a_redacted_event_is_refused_and_writes_nothing() -> None:
    note_values("r1", "36.6")
    with pytest.raises(DomainError) as refused:
        redact_event(events()[0], actor=ACTOR, reason=" . ")
    assert refused.value.codes == ("reason",)
    assert len(events()) == 1
    redact_event(events()[0], actor=ACTOR, reason="holds a name")
    with pytest.raises(DomainError) as refused:
        redact_event(events()[0], actor=ACTOR, reason="again")
    assert refused.value.codes == ("redacted_already",)
    assert len(events()) == 2


# History


def test_the_history_of_an_item_says_who_when_old_new_and_why_in_one_statement(
    django_assert_num_queries: object,
) -> None:
    hands = StandingClock()
    with clock.set_source(hands):
        note_values("r1", "36.6", "38.6")
        note_values("r2", "1")
    with django_assert_num_queries(1):  # type: ignore[operator]
        change, first = history.item_history("FormRecord", "r1", "TEMP", time_zone="Europe/Berlin")
    assert (first.old, first.new, first.is_first, first.reason) == ("", "36.6", True, "")
    assert (change.old, change.new, change.is_first, change.reason) == ("36.6", "38.6", False, "misread")
    assert change.when == "2026-03-02 09:00:00 CET (UTC+01:00)"
    assert change.who == "chen"
    assert history.item_history("FormRecord", "r1", "TEM", time_zone="UTC") == ()


def test_the_history_of_an_item_does_not_scan_the_table() -> None:
    note_values("r1", "36.6")
    found = AuditEvent.objects.filter(record_kind="FormRecord", record_id="r1").order_by("-seq").explain()
    assert "audit_event_record" in found or connection.vendor == "postgresql"


def test_a_record_history_is_paged_newest_first_with_printed_names() -> None:
    user = make_user()
    note_values("r1", "1", "2", "3", actor=actor_for(user))
    page = history.record_history("FormRecord", "r1", time_zone="UTC", size=2)
    assert [(row.old, row.new, row.who) for row in page.rows] == [("2", "3", "Chen Yu"), ("1", "2", "Chen Yu")]
    last = history.record_history("FormRecord", "r1", time_zone="UTC", size=2, older_than=page.older_than)
    assert [(row.old, row.new) for row in last.rows] == [("", "1")]
    assert last.older_than is None


def test_the_trail_of_a_study_is_filtered_by_site_person_record_action_item_and_time() -> None:
    hands = StandingClock()
    with clock.set_source(hands):
        note_values("r1", "1", site="s1")
        hands.forward(days=1)
        note_values("r2", "2", site="s2", actor=Actor(name="mora"))
        note_values("r3", "3", chain="study:OTHER")
    now = hands.at

    def numbers(**wanted: object) -> list[str]:
        filters = history.Filters(chain=CHAIN, **wanted)  # type: ignore[arg-type]
        return [row.record_id for row in history.trail(filters, time_zone="UTC").rows]

    assert numbers() == ["r2", "r1"]
    assert numbers(sites=["s1"]) == ["r1"]
    assert numbers(sites=[]) == []
    assert numbers(actor="mora") == ["r2"]
    assert numbers(record_id="r1") == ["r1"]
    assert numbers(action="remove") == []
    assert numbers(path="TEMP") == ["r2", "r1"]
    assert numbers(path="PULSE") == []
    assert numbers(since=now) == ["r2"]
    assert numbers(until=now) == ["r1"]


# Cursors


def test_a_reader_gets_every_event_once_in_the_order_of_commits() -> None:
    note_values("r1", "1", "2")
    with transaction.atomic():
        batch = history.unread_events("lab-grading", CHAIN, limit=1)
        history.move_cursor("lab-grading", CHAIN, batch[-1].seq)
    with transaction.atomic():
        rest = history.unread_events("lab-grading", CHAIN)
        history.move_cursor("lab-grading", CHAIN, rest[-1].seq)
    assert [event.seq for event in (*batch, *rest)] == [1, 2]
    assert history.unread_events("lab-grading", CHAIN) == ()
    assert [event.seq for event in history.unread_events("another", CHAIN)] == [1, 2]
    history.move_cursor("lab-grading", CHAIN, 1)
    assert EventCursor.objects.get(reader="lab-grading").seq == 2


# Epochs


def test_a_new_epoch_is_opened_in_every_chain_by_its_own_event() -> None:
    note_values("r1", "1")
    note_values("u1", "1", chain="system")
    assert verify.open_new_epoch(actor=ACTOR, reason="restored the copy of Monday") == [CHAIN, "system"]
    note_values("r2", "1")
    assert [(event.epoch, event.action) for event in events()] == [(1, "save"), (2, "new_epoch"), (2, "save")]
    assert verify.verify_chains().is_sound


def test_an_event_needs_an_actor_by_constraint() -> None:
    note_values("r1", "1")
    (event,) = events()
    event.pk, event.seq, event.actor = None, 2, ""
    with pytest.raises(IntegrityError), transaction.atomic():
        event.save(force_insert=True)
