"""Tampering of every kind with stored chains: always found where it can be, and honestly not where it cannot."""

from __future__ import annotations

import random  # noqa: TID251 - a seeded source for a test
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trials.records.domain.canonical import canonical, event_hash, payload_hash
from trials.records.domain.chain import Head, StoredEvent, check_chain, header_of, name_of

KEY = "study:D0-TEST"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TEXTS = ("actor", "site", "participant", "reason", "act_name", "record_id", "record_kind", "action", "on_behalf_of")
HASHES = ("hash", "previous_hash", "payload_hash", "salt")


def seal(event: StoredEvent, previous: str) -> StoredEvent:
    """Return the event with the hashes that an insider who knows the program would compute."""
    event = event._replace(previous_hash=previous, payload_hash=payload_hash(event.salt, event.payload))
    return event._replace(hash=event_hash(header_of(event), previous))


def make_chain(length: int, source: random.Random) -> tuple[Head, list[StoredEvent]]:
    rows: list[StoredEvent] = []
    for seq in range(1, length + 1):
        event = StoredEvent(
            chain_id=KEY,
            seq=seq,
            epoch=1,
            at=START + timedelta(seconds=seq),
            study_time=None if seq % 3 else START,
            site=f"s{seq % 2}",
            participant="p1",
            actor=source.choice(["chen", "mora"]),
            on_behalf_of="",
            act=uuid.UUID(int=source.getrandbits(128)),
            act_name="save items",
            request_id="",
            record_kind="FormRecord",
            record_id=f"r{source.randrange(5)}",
            action="save",
            reason="",
            salt=f"{source.getrandbits(128):032x}",
            payload=canonical({"TEMP": [f"{36 + source.random():.1f}"]}).decode(),
            payload_hash="",
            previous_hash="",
            hash="",
        )
        rows.append(seal(event, rows[-1].hash if rows else ""))
    return Head(KEY, 1, rows[-1].seq, rows[-1].hash, rows[-1].at), rows


def edit_cell(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    column = source.choice([*TEXTS, *HASHES, "payload", "request_id"])
    old = getattr(rows[at], column)
    changes: dict[str, Any] = {
        column: f"{old}x" if column in TEXTS or not old else old[:-1] + ("0" if old[-1] != "0" else "1")
    }
    rows[at] = rows[at]._replace(**changes)


def edit_actor(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    rows[at] = rows[at]._replace(actor="mallory")


def edit_time(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    rows[at] = rows[at]._replace(at=rows[at].at - timedelta(microseconds=source.randrange(1, 10**9)))


def edit_payload_and_its_hash(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    forged = '{"TEMP":["99.9"]}'
    rows[at] = rows[at]._replace(payload=forged, payload_hash=payload_hash(rows[at].salt, forged))


def edit_and_seal_one(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    rows[at] = seal(rows[at]._replace(payload='{"TEMP":["99.9"]}'), rows[at].previous_hash)


def blank_payload(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    rows[at] = rows[at]._replace(payload="")


def delete_row(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    del rows[at]


def delete_row_and_renumber(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    del rows[at]
    rows[at:] = [row._replace(seq=row.seq - 1) for row in rows[at:]]


def insert_row(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    forged = seal(rows[at]._replace(actor="mallory", seq=rows[at].seq), rows[at].previous_hash)
    rows.insert(at, forged)


def insert_row_and_renumber(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    insert_row(rows, at, source)
    rows[at + 1 :] = [row._replace(seq=row.seq + 1) for row in rows[at + 1 :]]


def duplicate_row(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    rows.insert(at, rows[at])


def swap_rows(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    other = source.choice([place for place in range(len(rows)) if place != at])
    one, two = rows[at], rows[other]
    rows[at], rows[other] = two._replace(seq=one.seq), one._replace(seq=two.seq)


def swap_order(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    other = source.choice([place for place in range(len(rows)) if place != at])
    rows[at], rows[other] = rows[other], rows[at]


def cut_the_middle(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    first = min(at, len(rows) - 2)
    del rows[first : source.randrange(first + 1, len(rows))]


def cut_the_tail(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    del rows[at:]


def move_to_another_chain(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    rows[at] = rows[at]._replace(chain_id="study:OTHER")


def open_an_epoch(rows: list[StoredEvent], at: int, source: random.Random) -> None:
    rows[at] = seal(rows[at]._replace(epoch=2), rows[at].previous_hash)


KINDS = [
    edit_cell,
    edit_actor,
    edit_time,
    edit_payload_and_its_hash,
    edit_and_seal_one,
    blank_payload,
    delete_row,
    delete_row_and_renumber,
    insert_row,
    insert_row_and_renumber,
    duplicate_row,
    swap_rows,
    swap_order,
    cut_the_middle,
    cut_the_tail,
    move_to_another_chain,
    open_an_epoch,
]


def test_ten_thousand_tamperings_of_every_kind_are_all_found() -> None:
    source = random.Random(20_261_122)
    head, sound = make_chain(12, source)
    assert list(check_chain(head, sound)) == []
    found: Counter[str] = Counter()
    for number in range(10_000):
        kind = KINDS[number % len(KINDS)]
        rows = list(sound)
        kind(rows, source.randrange(len(rows)), source)
        assert rows != sound
        findings = list(check_chain(head, rows))
        assert findings, f"{kind.__name__} was not found (number {number})"
        found[kind.__name__] += 1
    assert sum(found.values()) == 10_000
    assert set(found) == {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (edit_actor, "header"),
        (edit_payload_and_its_hash, "header"),
        (blank_payload, "payload"),
        (delete_row, "gap"),
        (duplicate_row, "duplicate"),
        (move_to_another_chain, "chain"),
    ],
)
@pytest.mark.parametrize("at", [0, 4, 10])
def test_the_first_finding_names_the_first_bad_event_and_what_is_wrong(kind: object, what: str, at: int) -> None:
    source = random.Random(1)
    head, rows = make_chain(12, source)
    kind(rows, at, source)  # type: ignore[operator]
    findings = sorted(check_chain(head, rows), key=lambda finding: finding.seq)
    assert findings[0].seq == at + 1
    assert what in {finding.kind for finding in findings if finding.seq == at + 1}


def rewrite(rows: list[StoredEvent], start: int) -> tuple[Head, list[StoredEvent]]:
    """Edit one event and compute everything anew from there on, the head too, as an insider could."""
    forged: list[StoredEvent] = rows[:start]
    for row in rows[start:]:
        payload = '{"TEMP":["99.9"]}' if row.seq == start + 1 else row.payload
        forged.append(seal(row._replace(payload=payload), forged[-1].hash if forged else ""))
    return Head(KEY, 1, forged[-1].seq, forged[-1].hash, forged[-1].at), forged


@given(st.integers(min_value=0, max_value=11), st.integers(min_value=0, max_value=2**32))
def test_a_whole_rewrite_and_a_cut_tail_are_found_with_an_anchor_and_never_without(start: int, seed: int) -> None:
    head, rows = make_chain(12, random.Random(seed))
    anchor = {head.head_seq: head.head_hash}
    forged_head, forged = rewrite(rows, start)
    assert list(check_chain(forged_head, forged)) == []
    assert {finding.kind for finding in check_chain(forged_head, forged, anchor)} == {"anchor"}
    cut = rows[:start]
    last = cut[-1] if cut else None
    cut_head = Head(KEY, 1, last.seq if last else 0, last.hash if last else "", last.at if last else None)
    assert list(check_chain(cut_head, cut)) == []
    assert [(finding.seq, finding.kind) for finding in check_chain(cut_head, cut, anchor)] == [(12, "anchor")]


def test_a_blank_payload_is_sound_only_when_a_redaction_names_it() -> None:
    head, rows = make_chain(3, random.Random(1))
    named = rows[2]._replace(
        seq=4, record_kind="AuditEvent", record_id=name_of(KEY, 2), action="redact", at=head.head_at or START
    )
    rows.append(seal(named, rows[2].hash))
    rows[1] = rows[1]._replace(payload="")
    head = Head(KEY, 1, 4, rows[3].hash, rows[3].at)
    assert list(check_chain(head, rows)) == []
    rows[0] = rows[0]._replace(payload="")
    assert [(finding.seq, finding.kind) for finding in check_chain(head, rows)] == [(1, "payload")]


def test_an_empty_chain_is_sound_and_one_whose_events_are_all_gone_is_not() -> None:
    assert list(check_chain(Head(KEY, 1, 0, "", None), [])) == []
    findings = list(check_chain(Head(KEY, 1, 9, "ab", START), []))
    assert [(finding.seq, finding.kind) for finding in findings] == [(1, "head")]
