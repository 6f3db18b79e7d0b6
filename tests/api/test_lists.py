"""Pages, filters, ETags, values as entered, and how many statements all of it takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from capture.domain.null_flavours import NullFlavour
from capture.models import FormRecord, Query, QueryEntry
from capture.services.completion import remove_record
from capture.services.data_entry import save_items
from safety.models import AdverseEvent, AeGrade
from seeds.factories.capture import participant_in, site_of, slot_at, study_version
from seeds.factories.trials import SYSTEM
from tests.admin.world import World, build_world
from tests.api.caller import Caller, caller_at, caller_in
from trials.domain.roles import Role
from trials.models import Participant, Site, StudyVersion
from trials.records.services import clock

pytestmark = pytest.mark.django_db
EARLY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def version() -> StudyVersion:
    return study_version("LISTS")


@pytest.fixture
def site(version: StudyVersion) -> Site:
    return site_of(version)


@pytest.fixture
def caller(site: Site) -> Caller:
    return caller_at(site)


def people(site: Site, version: StudyVersion, first: int, last: int, at: datetime = EARLY) -> None:
    """Put bare participants into the table: a list must page whatever made its rows."""
    Participant.objects.bulk_create(
        Participant(
            **{"study_id": site.study_id, "site": site, "version": version, "sequence": n, "number": f"01-{n:03d}"},
            created_at=at + timedelta(minutes=n),
        )
        for n in range(first, last + 1)
    )


def walk(caller: Caller, path: str) -> list[list[str]]:
    """Return the numbers of all pages, following next_cursor."""
    pages, cursor = [], ""
    while True:
        page = caller.json(f"{path}&cursor={cursor}" if cursor else path)
        pages.append([row["number"] for row in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


def test_pages_follow_each_other_without_gap_or_repeat(site: Site, version: StudyVersion, caller: Caller) -> None:
    people(site, version, 1, 7)
    assert walk(caller, "participants/?limit=3") == [
        ["01-001", "01-002", "01-003"],
        ["01-004", "01-005", "01-006"],
        ["01-007"],
    ]
    assert walk(caller, "participants/?limit=7") == [[f"01-{n:03d}" for n in range(1, 8)]]


def test_rows_with_one_instant_are_paged_by_their_ids(site: Site, version: StudyVersion, caller: Caller) -> None:
    people(site, version, 1, 7)
    Participant.objects.update(created_at=EARLY)
    pages = walk(caller, "participants/?limit=2")
    assert [len(page) for page in pages] == [2, 2, 2, 1]
    assert sorted(number for page in pages for number in page) == [f"01-{n:03d}" for n in range(1, 8)]


def test_rows_that_come_and_go_between_pages_move_none_of_the_others(
    site: Site, version: StudyVersion, caller: Caller
) -> None:
    people(site, version, 1, 4)
    first = caller.json("participants/?limit=2")
    people(site, version, 50, 50, EARLY - timedelta(days=1))
    people(site, version, 60, 60)
    Participant.objects.filter(number="01-001").delete()
    rest = caller.json(f"participants/?limit=10&cursor={first['next_cursor']}")
    assert [row["number"] for row in rest["items"]] == ["01-003", "01-004", "01-060"]


def test_the_next_page_is_linked_with_its_filters(site: Site, version: StudyVersion, caller: Caller) -> None:
    people(site, version, 1, 3)
    page = caller.get("participants/?limit=2&state=screening")
    link = page.headers["Link"]
    assert link == (f'</api/v1/participants/?limit=2&state=screening&cursor={page.json()["next_cursor"]}>; rel="next"')
    last = caller.get(link[1:].split(">")[0].removeprefix("/api/v1/"))
    assert [row["number"] for row in last.json()["items"]] == ["01-003"]
    assert "Link" not in last.headers


@pytest.mark.parametrize("text", ["abc", "A" * 40, "é", "=" * 10, "A" * 2000, "%00"])
def test_a_cursor_that_this_list_did_not_give_is_refused(caller: Caller, text: str) -> None:
    answer = caller.get(f"participants/?cursor={text}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "cursor")


def test_a_cursor_of_another_list_is_refused(site: Site, version: StudyVersion, caller: Caller) -> None:
    people(site, version, 1, 2)
    cursor = caller.json("participants/?limit=1")["next_cursor"]
    assert caller.get(f"forms/?cursor={cursor}").json()["errors"][0]["code"] == "cursor"


def test_a_cursor_shows_nothing_of_its_place(site: Site, version: StudyVersion, caller: Caller) -> None:
    people(site, version, 1, 2)
    cursor = caller.json("participants/?limit=1")["next_cursor"]
    assert "2026" not in cursor
    assert str(Participant.objects.get(number="01-001").pk)[:8] not in cursor


def test_every_wrong_parameter_is_named_at_once(caller: Caller) -> None:
    answer = caller.get("visits/?limit=0&participant=x&colour=red&code=a&code=b")
    assert answer.status_code == 400
    assert [(error["code"], error["where"]) for error in answer.json()["errors"]] == [
        ("parameter", "colour"),
        ("parameter_twice", "code"),
        ("limit", "limit"),
        ("filter", "participant"),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "forms/?changed_after=yesterday",
        "forms/?form=%00",
        "forms/?state=done",
        "adverse-events/?min_grade=high",
        "adverse-events/?min_grade=-1",
        "adverse-events/?min_grade=99999999999999999999",
        "adverse-events/?serious=maybe",
        "participants/?site=" + "1" * 101,
        "forms/?limit=1001",
        "forms/?limit=%D9%A1",
    ],
)
def test_a_value_of_the_wrong_form_is_refused_with_what_was_expected(caller: Caller, path: str) -> None:
    answer = caller.get(path)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["code"] in {"filter", "limit"}
    assert error["expected"]
    assert error["action"]


def test_values_are_text_as_entered_with_unit_null_flavour_reason_and_derived(
    version: StudyVersion, site: Site, caller: Caller
) -> None:
    participant = participant_in(version, site)
    slot = slot_at(participant, "SCR", "VS", on=date(2026, 1, 5))
    entered: dict[str, Any] = {
        "TEMP": "36.0",
        "SYSBP": NullFlavour("ND", "cuff broken"),
        "WEIGHT": "70.0",
        "HEIGHT": "175",
    }
    record = save_items(slot, entered, actor=SYSTEM, expected_version=0).record
    (found,) = caller.items(f"forms/?study=LISTS&participant={participant.pk}&form=VS&visit={slot.visit.pk}")  # type: ignore[union-attr]
    assert (found["id"], found["version"], found["visit"]) == (str(record.pk), 1, str(record.visit_id))
    values = found["values"]
    assert values["TEMP"] == {
        **{"value": record.data["TEMP"]["v"], "unit": "Cel"},
        **{"null_flavour": None, "reason": "", "derived": False},
    }
    assert values["SYSBP"] == {
        **{"value": None, "unit": None},
        **{"null_flavour": "ND", "reason": "cuff broken", "derived": False},
    }
    assert (values["BMI"]["value"], values["BMI"]["derived"]) == (record.data["BMI"]["v"], True)
    assert caller.json(f"forms/{record.pk}/") == found
    labels = {form["code"]: form for form in caller.items("studies/LISTS/versions/1/forms/")}
    items = {item["name"]: item for item in labels["VS"]["items"]}
    assert (items["TEMP"]["label"], items["TEMP"]["unit_shown"], items["BMI"]["derived"]) == ("Temperature", "°C", True)
    assert [labels[code]["kept"] for code in ("VS", "CM")] == ["visit", "log"]


def test_forms_are_found_by_the_time_of_their_last_change_and_by_state(
    version: StudyVersion, site: Site, caller: Caller
) -> None:
    participant = participant_in(version, site)
    record = save_items(slot_at(participant, "", "CM"), {"NAME": "Aspirin"}, actor=SYSTEM, expected_version=0).record
    before = (record.changed_at - timedelta(seconds=1)).isoformat()
    after = record.changed_at.isoformat().replace("+00:00", "Z")
    assert [row["id"] for row in caller.items(f"forms/?changed_after={before}&form=CM")] == [str(record.pk)]
    assert caller.items(f"forms/?changed_after={after}") == []
    remove_record(record, reason="entered twice", actor=SYSTEM)
    assert [row["state_reason"] for row in caller.items("forms/?state=removed")] == ["entered twice"]
    assert caller.items("forms/?state=in_progress") == []


def test_safety_rows_are_filtered_by_grade_and_seriousness_and_unknown_is_neither() -> None:
    world = build_world()
    caller = caller_in(world, Role.MEDICAL_MONITOR)
    event = AdverseEvent.objects.get(site=world.own.site)
    AeGrade.objects.create(event=event, row="1", grade=2, since="2026-02-01")
    AeGrade.objects.create(event=event, row="2", grade=3, since="2026-02", since_earliest=date(2026, 2, 2))
    counts = {
        path: len(caller.items(path))
        for path in (
            "adverse-events/?min_grade=3",
            "adverse-events/?min_grade=4",
            "adverse-events/?serious=unknown",
            "adverse-events/?serious=false",
            "assessments/?scale=CRS&min_grade=2",
            "assessments/?scale=ICANS",
            "dlt-windows/?state=not_started",
            "dlt-windows/?state=dlt",
            "dlt-candidates/?state=candidate",
            "queries/?state=open",
            "queries/?state=closed",
        )
    }
    assert list(counts.values()) == [1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0]
    AdverseEvent.objects.update(grade=None)
    assert caller.items("adverse-events/?min_grade=0") == [], "no grade is not grade 0"
    (row,) = caller.items("adverse-events/")
    assert row["grade"] is None
    assert sorted(period["grade"] for period in row["grades"]) == [2, 3]


def test_an_answer_that_is_still_the_same_is_304_until_a_row_changes() -> None:
    world = build_world()
    caller = caller_in(world, Role.COORDINATOR)
    person = world.own.key("participant")
    for path in ("participants/", f"participants/{person}/"):
        Participant.objects.filter(pk=person).update(state_reason="")
        first = caller.get(path)
        etag = first.headers["ETag"]
        again = caller.get(path, **{"If-None-Match": f'"other", W/{etag}'})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
        Participant.objects.filter(pk=world.foreign_site.key("participant")).update(state_reason="elsewhere")
        assert caller.get(path, **{"If-None-Match": etag}).status_code == 304
        Participant.objects.filter(pk=person).update(state_reason="moved away")
        changed = caller.get(path, **{"If-None-Match": etag})
        assert changed.status_code == 200
        assert changed.headers["ETag"] != etag
        assert b"moved away" in changed.content


def multiply(world: World, copies: int) -> None:
    """Put more rows of each kind beside those of the first site."""
    record: Any = world.own.rows["record"]
    query: Any = world.own.rows["query"]
    event: Any = world.own.rows["adverse_event"]
    shared = {name: getattr(record, name) for name in ("study", "site", "participant", "definition", "data")}
    records = [
        FormRecord(**shared, form="CM", row=n, created_at=clock.now(), changed_at=clock.now())
        for n in range(1, copies + 1)
    ]
    FormRecord.objects.bulk_create(records)
    here = {name: shared[name] for name in ("study", "site", "participant")}
    given = {"origin": "person", "state": "open", "text": "?", "opened_by": "x", "opened_at": query.opened_at}
    queries = [Query(**here, **given, record=each) for each in records]
    Query.objects.bulk_create(queries)
    QueryEntry.objects.bulk_create(
        QueryEntry(query=each, at=clock.now(), author="x", action="open") for each in queries
    )
    events = [AdverseEvent(record_id=each.pk, **here, number=each.row + event.number) for each in records]
    AdverseEvent.objects.bulk_create(events)
    AeGrade.objects.bulk_create(AeGrade(event=each, row="1", grade=1) for each in events)


# token and user; memberships; rows; and a second one for threads and courses
STATEMENTS = {
    "studies/": 3,
    "sites/": 3,
    "participants/": 3,
    "visits/": 3,
    "forms/?limit=1000": 3,
    "queries/?limit=1000": 4,
    "adverse-events/?limit=1000": 4,
    "assessments/": 3,
    "dlt-windows/": 3,
    "audit-events/?limit=1000": 3,
    "studies/OWNSTUDY/versions/": 4,
    "studies/OWNSTUDY/versions/1/forms/": 4,
    "studies/OWNSTUDY/changes/": 4,
}


@pytest.mark.parametrize("copies", [0, 1, 300])
def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(copies: int) -> None:
    world = build_world()
    multiply(world, copies)
    caller = caller_in(world, Role.DATA_MANAGER)
    caller.json("studies/OWNSTUDY/versions/1/forms/")
    found = {}
    for path in STATEMENTS:
        with CaptureQueriesContext(
            connection,
        ) as statements:
            caller.json(path)
        found[path] = len(statements)
    assert found == STATEMENTS
    assert len(caller.items("forms/?limit=1000")) == copies + 1
    assert len(caller.items("queries/?limit=1000")[-1]["entries"]) == 1
