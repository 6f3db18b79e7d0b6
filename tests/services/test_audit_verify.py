from __future__ import annotations

import io
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.support.audit_flush import lifted_triggers
from tests.support.records import ACTOR, CHAIN, events, note_values
from trials.records import triggers
from trials.records.domain.errors import DomainError
from trials.records.models import Chain
from trials.records.services import verify

pytestmark = pytest.mark.django_db
TABLE = triggers.TABLE


def run(*words: object) -> tuple[int, str]:
    """Run the command and return its exit code and what it said."""
    out = io.StringIO()
    try:
        call_command("audit", *[str(word) for word in words], stdout=out)
    except SystemExit as stopped:
        return int(str(stopped.code)), out.getvalue()
    return 0, out.getvalue()


def write(sql: str, *parameters: str | int) -> None:
    """Write as an insider who has lifted the triggers."""
    with lifted_triggers(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.fixture(autouse=True)
def two_chains() -> None:
    for number in range(4):
        note_values(f"r{number}", "36.6", "36.7")
    note_values("u1", "1", chain="system")


def test_a_sound_trail_is_sound_and_says_what_it_cannot_find() -> None:
    code, said = run("verify")
    assert code == 0
    assert f"{CHAIN}: 8 events" in said
    assert "system: 1 events" in said
    assert "a second)" in said
    assert verify.HONEST in said
    assert said.endswith("Sound.\n")


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        (f'UPDATE {TABLE} SET payload = \'{{"TEMP":["99"]}}\' WHERE seq = 3 AND chain_id = %s', "event 3: payload"),
        (f"UPDATE {TABLE} SET actor = 'mora' WHERE seq = 5 AND chain_id = %s", "event 5: header"),
        (f"UPDATE {TABLE} SET at = '2020-01-01 00:00:00+00:00' WHERE seq = 4 AND chain_id = %s", "event 4: time"),
        (f"UPDATE {TABLE} SET payload = '' WHERE seq = 2 AND chain_id = %s", "event 2: payload"),
        (f"DELETE FROM {TABLE} WHERE seq = 6 AND chain_id = %s", "event 6: gap: events 6 to 6 are missing"),
        (f"DELETE FROM {TABLE} WHERE seq BETWEEN 2 AND 5 AND chain_id = %s", "event 2: gap: events 2 to 5 are missing"),
        (f"DELETE FROM {TABLE} WHERE seq > 5 AND chain_id = %s", "event 6: head"),
        (f"UPDATE {TABLE} SET seq = 99 WHERE seq = 8 AND chain_id = %s", "event 8: head"),
        ("UPDATE records_chain SET head_hash = 'ab' WHERE key = %s", "event 8: head"),
    ],
)
def test_a_tampered_table_is_found_with_its_first_bad_event(sql: str, first: str) -> None:
    write(sql, CHAIN)
    code, said = run("verify")
    assert code == 1
    assert f"NOT SOUND. First: {CHAIN} {first}" in said
    assert run("verify", "--study", "system")[0] == 0
    assert run("verify", "--study", "D0-TEST")[0] == 1


def test_an_event_behind_the_head_is_found() -> None:
    columns = ", ".join(f'"{name}"' for name in triggers.COLUMNS if name not in {"id", "seq"})
    write(
        f"INSERT INTO {TABLE} (seq, {columns}) SELECT 9, {columns} FROM {TABLE} WHERE seq = 8 AND chain_id = %s", CHAIN
    )
    assert "First: study:D0-TEST event 9: head: events up to 9 stand behind the chain's head at 8" in run("verify")[1]


def test_missing_triggers_alone_make_the_verification_fail() -> None:
    with lifted_triggers():
        code, said = run("verify")
        assert (code, "Missing triggers: audit_event_no_update" in said) == (1, True)
        assert run("triggers")[0] == 1
    assert run("triggers") == (0, "All triggers are in place.\n")


def test_a_cut_tail_with_its_head_is_found_only_against_an_anchor(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    assert run("anchor", anchor)[0] == 0
    assert run("verify", "--against", anchor)[0] == 0
    sixth = events()[5]
    write(f"DELETE FROM {TABLE} WHERE seq > 6 AND chain_id = %s", CHAIN)
    Chain.objects.filter(key=CHAIN).update(head_seq=6, head_hash=sixth.hash, head_at=sixth.at)
    code, said = run("verify")
    assert (code, verify.HONEST in said) == (0, True)
    code, said = run("verify", "--against", anchor)
    assert code == 1
    assert f"First: {CHAIN} event 8: anchor: the anchor holds this event, the chain does not" in said


def test_a_chain_that_is_gone_altogether_is_found_against_an_anchor(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    run("anchor", anchor)
    write(f"DELETE FROM {TABLE} WHERE chain_id = %s", CHAIN)
    Chain.objects.filter(key=CHAIN).delete()
    assert run("verify")[0] == 0
    assert "the anchor holds this chain, the database does not" in run("verify", "--against", anchor)[1]


def test_events_after_an_anchor_are_no_fault_and_an_anchor_is_never_overwritten(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    run("anchor", anchor)
    held = anchor.read_bytes()
    note_values("r9", "1")
    assert run("verify", "--against", anchor)[0] == 0
    with pytest.raises(CommandError, match="never overwritten"):
        run("anchor", anchor)
    assert anchor.read_bytes() == held
    assert orjson.loads(held)["chains"][CHAIN]["seq"] == 8


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"format":"other"}'])
def test_a_file_that_is_no_anchor_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "anchor.json"
    file.write_text(text)
    with pytest.raises(CommandError, match="an anchor"):
        run("verify", "--against", file)


def test_an_unknown_study_is_refused_in_words() -> None:
    with pytest.raises(CommandError, match="expected the key of a chain, found study:NOPE"):
        run("verify", "--study", "NOPE")


def test_a_new_epoch_needs_a_reason_and_verifies() -> None:
    with pytest.raises(CommandError, match="Say why"):
        run("new-epoch", "--reason", ".")
    assert run("new-epoch", "--reason", "restored", "--as", "chen")[0] == 0
    assert (events()[-1].epoch, events()[-1].actor, events()[-1].on_behalf_of) == (2, "system:audit", "chen")
    assert run("verify")[0] == 0
    with pytest.raises(DomainError):
        verify.open_new_epoch(actor=ACTOR, reason="")


def test_only_so_many_findings_are_kept_and_the_rest_is_still_counted() -> None:
    write(f"UPDATE {TABLE} SET reason = 'x' WHERE chain_id = %s", CHAIN)
    report = verify.verify_chains(CHAIN, limit=3)
    assert [finding.seq for finding in report.findings] == [1, 2, 3]
    assert report.events == {CHAIN: 8}
