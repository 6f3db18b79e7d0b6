"""Following a study: commit order, tombstones, and nothing of what others do at other sites."""

from __future__ import annotations

from typing import Any

import pytest

from capture.models import FormRecord
from capture.services.completion import remove_record
from capture.services.data_entry import save_items
from seeds.factories.capture import participant_in, site_of, slot_at, study_version
from seeds.factories.trials import SYSTEM
from tests.api.caller import Caller, caller_at
from trials.domain.roles import Role
from trials.models import Participant, Site, StudyVersion, Visit
from trials.records.models import AuditEvent
from trials.records.services.redaction import redact_event

pytestmark = pytest.mark.django_db
PATH = "studies/FOLLOW/changes/"


@pytest.fixture
def version() -> StudyVersion:
    return study_version("FOLLOW")


@pytest.fixture
def site(version: StudyVersion) -> Site:
    return site_of(version)


@pytest.fixture
def other(version: StudyVersion) -> Site:
    return site_of(version, "02")


def medication(participant: Participant, name: str) -> FormRecord:
    slot = slot_at(participant, "", "CM")
    return save_items(slot, {"NAME": name}, actor=SYSTEM, expected_version=0).record


def follow(caller: Caller, cursor: str = "", limit: int = 500) -> tuple[list[dict[str, Any]], str]:
    """Return everything after a cursor, page by page, and the cursor to go on with."""
    found: list[dict[str, Any]] = []
    while True:
        page = caller.json(f"{PATH}?limit={limit}&after={cursor}" if cursor else f"{PATH}?limit={limit}")
        found, cursor = [*found, *page["items"]], page["next_cursor"]
        if not page["more"]:
            return found, cursor


def test_changes_come_in_the_order_of_the_chain_with_who_where_and_what(version: StudyVersion, site: Site) -> None:
    participant = participant_in(version, site)
    caller = caller_at(site, Role.DATA_MANAGER, whole_study=True)
    _, cursor = follow(caller)
    record = medication(participant, "Aspirin")
    found, _ = follow(caller, cursor)
    saved = next(each for each in found if each["record_kind"] == "FormRecord" and each["record_id"] == str(record.pk))
    event = AuditEvent.objects.filter(record_kind="FormRecord", record_id=str(record.pk)).earliest("seq")
    assert (saved["seq"], saved["site"], saved["participant"]) == (event.seq, "01", str(participant.pk))
    assert (saved["action"], saved["act"], saved["actor"]) == (event.action, str(event.act), "system:factory")
    assert saved["deltas"]["NAME"] == {"new": "Aspirin"}
    assert saved["deleted"] is False
    assert [each["seq"] for each in found] == sorted(each["seq"] for each in found)
    assert len({each["cursor"] for each in found}) == len(found)


@pytest.mark.parametrize("limit", [1, 3, 500])
def test_every_page_size_tells_the_same_story(version: StudyVersion, site: Site, limit: int) -> None:
    medication(participant_in(version, site), "Aspirin")
    caller = caller_at(site)
    found, cursor = follow(caller, limit=limit)
    assert found == follow(caller)[0]
    assert cursor == found[-1]["cursor"]
    assert follow(caller, found[2]["cursor"])[0] == found[3:]


def test_a_change_of_a_value_tells_old_new_and_reason(version: StudyVersion, site: Site) -> None:
    record = medication(participant_in(version, site), "Aspirin")
    caller = caller_at(site)
    _, cursor = follow(caller)
    save_items(record, {"NAME": "Ibuprofen"}, actor=SYSTEM, expected_version=record.version, reason="misread")
    found, _ = follow(caller, cursor)
    delta = next(each["deltas"]["NAME"] for each in found if "NAME" in each["deltas"])
    assert (delta["old"], delta["new"]) == ("Aspirin", "Ibuprofen")


def test_a_removed_record_is_a_tombstone(version: StudyVersion, site: Site) -> None:
    record = medication(participant_in(version, site), "Aspirin")
    caller = caller_at(site)
    _, cursor = follow(caller)
    remove_record(record, reason="entered twice", actor=SYSTEM)
    gone = [each["record_id"] for each in follow(caller, cursor)[0] if each["deleted"]]
    assert gone == [str(record.pk)]


def test_a_copy_kept_by_following_equals_the_lists(version: StudyVersion, site: Site, other: Site) -> None:
    caller = caller_at(site)
    copy: dict[str, set[str]] = {"Participant": set(), "Visit": set(), "FormRecord": set()}
    cursor = ""
    for round_number in range(3):
        here, elsewhere = participant_in(version, site), participant_in(version, other)
        kept, removed = medication(here, f"Drug {round_number}"), medication(here, "Mistake")
        medication(elsewhere, "Foreign")
        remove_record(removed, reason="entered twice", actor=SYSTEM)
        found, cursor = follow(caller, cursor, limit=7)
        for change in found:
            if change["record_kind"] in copy:
                rows = copy[change["record_kind"]]
                (rows.discard if change["deleted"] else rows.add)(change["record_id"])
        assert str(kept.pk) in copy["FormRecord"]
        assert str(removed.pk) not in copy["FormRecord"]
    for kind, path in (("Participant", "participants/"), ("Visit", "visits/?limit=1000")):
        assert copy[kind] == {row["id"] for row in caller.items(path)}
    live = {row["id"] for row in caller.items("forms/") if row["state"] != "removed"}
    assert copy["FormRecord"] == live


def test_work_at_another_site_changes_not_a_byte_for_who_does_not_see_it(
    version: StudyVersion, site: Site, other: Site
) -> None:
    medication(participant_in(version, site), "Aspirin")
    caller = caller_at(site)
    quiet = caller.get(PATH)
    cursor = quiet.json()["next_cursor"]
    nothing = caller.get(f"{PATH}?after={cursor}")
    medication(participant_in(version, other), "Foreign")
    assert caller.get(PATH).content == quiet.content
    assert caller.get(PATH).headers["ETag"] == quiet.headers["ETag"]
    assert caller.get(f"{PATH}?after={cursor}").content == nothing.content
    assert nothing.json() == {"items": [], "next_cursor": cursor, "more": False}


def test_who_sees_one_site_gets_no_numbers_and_who_sees_all_gets_all(
    version: StudyVersion, site: Site, other: Site
) -> None:
    medication(participant_in(version, site), "Aspirin")
    medication(participant_in(version, other), "Foreign")
    one, _ = follow(caller_at(site))
    everything, _ = follow(caller_at(site, whole_study=True))
    assert {each["seq"] for each in one} == {None}
    assert {each["site"] for each in one} <= {"01"}
    assert {each["site"] for each in everything} >= {"01", "02"}
    seqs = [each["seq"] for each in everything]
    assert seqs == sorted(seqs)
    assert all(isinstance(seq, int) for seq in seqs)


def test_who_does_not_read_the_trail_is_not_told_who_acted(version: StudyVersion, site: Site) -> None:
    medication(participant_in(version, site), "Aspirin")
    assert {each["actor"] for each in follow(caller_at(site, Role.STATISTICIAN))[0]} == {None}
    assert {each["actor"] for each in follow(caller_at(site, Role.MONITOR))[0]} == {"system:factory"}


def test_people_and_exports_are_no_changes_of_data(version: StudyVersion, site: Site) -> None:
    participant_in(version, site)
    kinds = {each["record_kind"] for each in follow(caller_at(site, Role.DATA_MANAGER, whole_study=True))[0]}
    assert kinds >= {"Participant", "Visit", "Site", "StudyVersion"}
    assert not kinds & {"User", "Membership", "Export", "Token", "Chain"}


def test_a_redacted_value_is_not_told(version: StudyVersion, site: Site) -> None:
    record = medication(participant_in(version, site), "Name of a neighbour")
    event = AuditEvent.objects.filter(record_id=str(record.pk), payload__contains="neighbour").get()
    redact_event(event, actor=SYSTEM, reason="third person named")
    caller = caller_at(site, Role.MONITOR)
    told = [each for each in follow(caller)[0] if each["record_id"] == str(record.pk)]
    assert "neighbour" not in str(told)
    blank = next(each for each in caller.items(f"audit-events/?record={record.pk}") if each["redacted"])
    assert blank["deltas"] == {}


@pytest.mark.parametrize("cursor", ["1", "0", "AAAA", "é", "A" * 1500])
def test_a_cursor_of_ones_own_making_is_refused(site: Site, cursor: str) -> None:
    answer = caller_at(site).get(f"{PATH}?after={cursor}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "cursor")


def test_a_cursor_of_another_study_is_refused(site: Site) -> None:
    elsewhere = site_of(study_version("ELSEWHERE"))
    participant_in(StudyVersion.objects.get(study__oid="ELSEWHERE"), elsewhere)
    cursor = caller_at(elsewhere).json("studies/ELSEWHERE/changes/")["next_cursor"]
    assert caller_at(site).get(f"{PATH}?after={cursor}").status_code == 400


def test_visits_are_told_when_they_are_made(version: StudyVersion, site: Site) -> None:
    participant = participant_in(version, site)
    told = {each["record_id"] for each in follow(caller_at(site))[0] if each["record_kind"] == "Visit"}
    assert told == {str(pk) for pk in Visit.objects.filter(participant=participant).values_list("pk", flat=True)}
