"""The number of SQL statements of a save, pinned: it does not grow with the form."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from capture.models import Draft, FormRecord, Query
from capture.services.completion import complete_record
from capture.services.data_entry import save_items
from seeds.factories.capture import member, participant_in, slot_at, study_version
from trials.records.domain.actors import Actor

pytestmark = pytest.mark.django_db
FRAME = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


def statements(captured: CaptureQueriesContext) -> list[str]:
    """Leave out the frame of the transaction: a test runs in one of its own."""
    return [each["sql"] for each in captured.captured_queries if not each["sql"].startswith(FRAME)]


def big_form(items: int) -> dict[str, Any]:
    return {
        "label": "Many",
        "items": {
            f"N{n}": {"label": f"Number {n}", "type": "number", "hard": "0..1000", "soft": "0..100", "decimals": 2}
            for n in range(items)
        },
        "checks": {f"C{n}": {"when": f"N{n} > N{n + 1} + 50", "say": "Too far apart."} for n in range(0, items - 1, 3)},
    }


def first_and_second_save(items: int) -> tuple[list[str], list[str], FormRecord, Actor]:
    version = study_version(forms={"BIG": big_form(items)}, places={"BIG": ["SCR"]})
    participant = participant_in(version)
    slot = slot_at(participant, "SCR", "BIG")
    save_items(slot_at(participant, "SCR", "BIG"), {}, actor=member(participant.site), expected_version=0)
    FormRecord.objects.all().delete()
    people = [member(participant.site) for _ in range(2)]
    with CaptureQueriesContext(
        connection,
    ) as first:
        record = save_items(slot, {f"N{n}": "1.50" for n in range(items)}, actor=people[0], expected_version=0).record
    with CaptureQueriesContext(connection) as second:
        save_items(record, {f"N{n}": "2.50" for n in range(items)}, actor=people[1], expected_version=1)
    return statements(first), statements(second), record, people[0]


@pytest.mark.parametrize("items", [30, 60])
def test_a_save_takes_at_most_twelve_statements_whatever_the_size_of_the_form(items: int) -> None:
    first, second, record, _ = first_and_second_save(items)
    assert len(first) <= 12, "\n".join(first)
    assert len(second) <= 12, "\n".join(second)
    assert FormRecord.objects.get(pk=record.pk).data["N0"] == {"v": "2.50"}


def test_a_form_of_sixty_items_takes_no_more_statements_than_one_of_thirty() -> None:
    small = first_and_second_save(30)
    large = first_and_second_save(60)
    assert [len(each) for each in small[:2]] == [len(each) for each in large[:2]]


def test_opening_twenty_queries_takes_two_more_statements() -> None:
    _, second, record, actor = first_and_second_save(60)
    with CaptureQueriesContext(connection) as captured:
        save_items(record, {f"N{n}": "999" for n in range(0, 60, 3)}, actor=actor, expected_version=2)
    assert Query.objects.filter(check_key="range").count() == 20
    assert len(statements(captured)) <= len(second) + 2


@pytest.mark.parametrize("blanks", [5, 20])
def test_required_items_that_are_blank_once_more_take_one_statement_for_all_of_them(blanks: int) -> None:
    form = big_form(60)
    for item in form["items"].values():
        item["required"] = True
    version = study_version(forms={"BIG": form}, places={"BIG": ["SCR"]})
    participant = participant_in(version)
    actor = member(participant.site)
    names = [f"N{n}" for n in range(60)]
    full, none = dict.fromkeys(names, "2.50"), dict.fromkeys(names[:blanks])
    record = save_items(slot_at(participant, "SCR", "BIG"), full, actor=actor, expected_version=0).record
    record = complete_record(record, actor=actor, expected_version=1).record
    counts = []
    for number in range(2):
        start = FormRecord.objects.get(pk=record.pk).version
        with CaptureQueriesContext(connection) as captured:
            save_items(record, none, actor=actor, reason="wrong participant", expected_version=start)
        counts.append(len(statements(captured)))
        assert Query.objects.filter(check_key="required", state="open").count() == blanks
        save_items(record, full, actor=actor, reason="right after all", expected_version=start + 1)
        assert Query.objects.filter(check_key="required", state="closed").count() == blanks * (number + 1)
    # Beside what the first time took: one look at who closed the old ones.
    assert counts[1] == counts[0] + 1


def test_completing_takes_no_more_statements_for_a_larger_form() -> None:
    counts = []
    for items in (30, 60):
        _, _, record, actor = first_and_second_save(items)
        with CaptureQueriesContext(connection) as captured:
            complete_record(record, actor=actor, expected_version=2)
        counts.append(len(statements(captured)))
    assert counts[0] == counts[1] <= 12
    assert not Draft.objects.exists()
