"""The form page through a client: posts, refusals, reasons, conflicts, drafts; nothing written on refusal."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from capture.admin.form_request import changes_of, read_post
from capture.definition.compiled import form_set
from capture.domain.null_flavours import NullFlavour
from capture.models import Draft, FormRecord, LogDeclaration, Query
from seeds.factories.capture import SMALL_FORMS, participant_in, site_of, study_version
from seeds.factories.trials import SYSTEM, MemberFactory
from trials.domain.roles import Role
from trials.models import Participant, Site, StudyVersion, Visit
from trials.records.models import AuditEvent
from trials.services.visits import start_visit

pytestmark = pytest.mark.django_db
VITALS = {"TEMP": "36.8", "SYSBP": "120", "DIABP": "80", "WEIGHT": "72.5", "HEIGHT": "170"}
UNITS = {"WEIGHT": "kg"}


@pytest.fixture
def version() -> StudyVersion:
    return study_version("FORMS1")


@pytest.fixture
def site(version: StudyVersion) -> Site:
    return site_of(version)


@pytest.fixture
def participant(version: StudyVersion, site: Site) -> Participant:
    return participant_in(version, site)


@pytest.fixture
def visit(participant: Participant) -> Visit:
    return start_visit(Visit.objects.get(participant=participant, code="SCR"), on=date(2026, 1, 5), actor=SYSTEM)


def signed_in(site: Site, role: Role = Role.COORDINATOR) -> Client:
    client = Client()
    user = MemberFactory(site=site, role=role, username=f"u-{uuid4().hex[:8]}")
    client.force_login(user, backend="trials.backends.PasswordBackend")
    return client


def typed(values: dict[str, str], *, act: str = "save", **more: str) -> dict[str, str]:
    return {**{f"i:{name}": value for name, value in values.items()}, "act": act, "version": "0", **more}


def post(client: Client, visit: Visit, values: dict[str, str], **more: str) -> Any:
    """Post the vital signs of a visit where the page would post them."""
    record = FormRecord.objects.filter(visit=visit, form="VS").first()
    url = (
        reverse("admin:record_form", args=[record.pk]) if record else reverse("admin:visit_form", args=[visit.pk, "VS"])
    )
    version = {"version": str(record.version)} if record else {}
    return client.post(url, {**typed(values), **version, **more})


def text(response: Any) -> str:
    return str(response.content.decode())


def changes(version: StudyVersion, data: dict[str, Any], **post_fields: str) -> dict[str, Any]:
    query = QueryDict(mutable=True)
    for key, value in post_fields.items():
        query[key] = value
    return changes_of(form_set(version).forms["VS"], data, read_post(query))


def test_only_what_differs_from_the_stored_values_is_a_change(version: StudyVersion) -> None:
    stored = {"TEMP": {"v": "36.8", "u": "Cel"}, "SYSBP": {"v": "120", "u": "mm[Hg]"}}
    assert changes(version, stored, **{"i:TEMP": "36.8", "i:SYSBP": "121"}) == {"SYSBP": "121"}
    assert changes(version, stored, **{"i:TEMP": " 36.8 "}) == {}


def test_an_emptied_field_is_a_change_to_nothing_and_an_empty_one_is_none(version: StudyVersion) -> None:
    assert changes(version, {"TEMP": {"v": "36.8", "u": "Cel"}}, **{"i:TEMP": ""}) == {"TEMP": None}
    assert changes(version, {}, **{"i:TEMP": ""}) == {}


def test_a_reason_for_a_blank_is_a_change_with_its_words_once(version: StudyVersion) -> None:
    fields = {"i:TEMP": "", "n:TEMP": "ND", "w:TEMP": "broken"}
    assert changes(version, {}, **fields) == {"TEMP": NullFlavour("ND", "broken")}
    assert changes(version, {"TEMP": {"n": "ND", "why": "broken"}}, **fields) == {}
    assert changes(version, {"TEMP": {"n": "ND", "why": "broken"}}, **{"i:TEMP": "37"}) == {"TEMP": "37"}


def test_a_chosen_unit_is_part_of_what_was_typed_and_the_stored_unit_is_not(version: StudyVersion) -> None:
    assert changes(version, {}, **{"i:TEMP": "37", "u:TEMP": "Cel"}) == {"TEMP": "37"}
    assert changes(version, {}, **{"i:TEMP": "98", "u:TEMP": "[degF]"}) == {"TEMP": "98 [degF]"}


def test_in_a_conflict_the_others_value_is_no_change_of_ours(version: StudyVersion) -> None:
    stored = {"TEMP": {"v": "36.8", "u": "Cel"}}
    assert changes(version, stored, **{"i:TEMP": "40", "c:TEMP": "theirs"}) == {}
    assert changes(version, stored, **{"i:TEMP": "40", "c:TEMP": "mine"}) == {"TEMP": "40"}


def test_a_derived_item_cannot_be_posted(version: StudyVersion) -> None:
    assert changes(version, {}, **{"i:BMI": "22"}) == {}


def test_several_choices_are_joined_and_none_is_empty() -> None:
    assert read_post(QueryDict("i:A=&i:A=X&i:A=Y")).texts == {"A": "X|Y"}
    assert read_post(QueryDict("i:A=")).texts == {"A": ""}
    assert read_post(QueryDict("version=x&act=complete&reason=r&reason_other=w")).reason == "w"


@pytest.mark.parametrize("role", list(Role))
def test_a_visit_sheet_opens_for_whoever_reads_records_and_is_typed_in_by_the_site_alone(
    site: Site, visit: Visit, role: Role
) -> None:
    response = signed_in(site, role).get(reverse("admin:visit", args=[visit.pk]))
    if role is Role.ADMINISTRATOR or response.status_code in {403, 404}:
        assert "Vital signs" not in text(response)
        return
    writes = role in {Role.COORDINATOR, Role.INVESTIGATOR}
    assert response.status_code == 200
    assert "Vital signs" in text(response)
    assert ('value="complete"' in text(response)) is writes
    assert ('name="i:TEMP" value="" autocomplete="off" inputmode="decimal" placeholder="" data-type="number" disabled'
            in text(response)) is not writes  # fmt: skip


def test_a_saved_form_lands_on_itself_and_a_completed_one_on_the_next(site: Site, visit: Visit) -> None:
    client = signed_in(site)
    saved = post(client, visit, VITALS)
    assert (saved.status_code, saved["Location"].rpartition("#")[2]) == (302, "VS")
    done = post(client, visit, VITALS, act="complete")
    assert (done.status_code, done["Location"].rpartition("#")[2]) == (302, "DM")
    record = FormRecord.objects.get(visit=visit, form="VS")
    assert (record.state, record.data["BMI"]["d"]) == ("complete", 1)


def test_all_refusals_are_shown_with_what_was_typed_and_nothing_is_written(site: Site, visit: Visit) -> None:
    before = AuditEvent.objects.count()
    response = post(signed_in(site), visit, {**VITALS, "TEMP": "abc", "SYSBP": "12.5"})
    assert response.status_code == 400
    assert "2 things to mend" in text(response)
    assert 'href="#VS-TEMP"' in text(response)
    assert 'value="abc"' in text(response)
    assert 'value="72.5"' in text(response)
    assert not FormRecord.objects.exists()
    assert AuditEvent.objects.count() == before


def test_a_hard_check_refuses_beside_its_item(site: Site, visit: Visit) -> None:
    response = post(signed_in(site), visit, {**VITALS, "DIABP": "130"})
    assert response.status_code == 400
    assert "Diastolic is not below systolic." in text(response)
    assert not FormRecord.objects.exists()


def test_what_is_typed_is_never_markup(site: Site, visit: Visit) -> None:
    response = post(signed_in(site), visit, {**VITALS, "TEMP": '"><script>x</script>'})
    assert response.status_code == 400
    assert "<script>x" not in text(response)


def test_a_change_after_completion_asks_for_the_reason_and_saves_with_it(site: Site, visit: Visit) -> None:
    client = signed_in(site)
    post(client, visit, VITALS, act="complete")
    asked = post(client, visit, {**VITALS, "WEIGHT": "74"})
    record = FormRecord.objects.get(visit=visit, form="VS")
    assert asked.status_code == 400
    assert "Why is it changed?" in text(asked)
    assert "72.5 kg" in text(asked)
    assert "74 kg" in text(asked)
    assert record.data["WEIGHT"]["v"] == "72.5"
    assert post(client, visit, {**VITALS, "WEIGHT": "74"}, reason="Transcription error").status_code == 302
    record.refresh_from_db()
    assert record.data["WEIGHT"]["v"] == "74"
    event = AuditEvent.objects.filter(record_id=str(record.pk), payload__contains="WEIGHT").order_by("-seq")[0]
    assert event.reason == "Transcription error" or "Transcription error" in event.payload


def test_a_stale_save_shows_both_values_and_the_chosen_one_holds(site: Site, visit: Visit) -> None:
    mine, other = signed_in(site), signed_in(site)
    post(mine, visit, VITALS)
    post(other, visit, {**VITALS, "TEMP": "38.1"})
    record = FormRecord.objects.get(visit=visit, form="VS")
    assert record.version == 2
    stale = post(mine, visit, {**VITALS, "TEMP": "39.2"}, version="1")
    assert stale.status_code == 409
    assert "38.1" in text(stale)
    assert "39.2" in text(stale)
    assert 'name="c:TEMP"' in text(stale)
    record.refresh_from_db()
    assert record.data["TEMP"]["v"] == "38.1"
    kept = post(mine, visit, {**VITALS, "TEMP": "39.2"}, **{"c:TEMP": "theirs"})
    record.refresh_from_db()
    assert (kept.status_code, record.data["TEMP"]["v"]) == (302, "38.1")
    taken = post(mine, visit, {**VITALS, "TEMP": "39.2"}, **{"c:TEMP": "mine"})
    record.refresh_from_db()
    assert (taken.status_code, record.data["TEMP"]["v"]) == (302, "39.2")


def leave(client: Client, visit: Visit, values: dict[str, str]) -> dict[str, Any]:
    url = reverse("admin:visit_form", args=[visit.pk, "VS"])
    response = client.post(url, typed(values), headers={"X-Check": "1"})
    assert response.status_code == 200
    answer: dict[str, Any] = json.loads(response.content)
    return answer


def test_leaving_a_field_answers_with_message_flag_and_derived_value_and_writes_a_draft_only(
    site: Site, visit: Visit
) -> None:
    answer = leave(signed_in(site), visit, {**VITALS, "TEMP": "40.5"})
    assert "Check" in answer["rows"]["VS-TEMP"]["flag"]
    assert "Keep and explain" in answer["rows"]["VS-TEMP"]["msg"]
    assert "25.09" in answer["rows"]["VS-BMI"]["derived"]
    assert answer["state"].startswith("Draft saved ")
    assert Draft.objects.count() == 1
    assert not FormRecord.objects.exists()


@pytest.mark.parametrize(("text_typed", "flagged"), [("40", False), ("40.1", True), ("35", False), ("34.9", True)])
def test_the_soft_range_flags_on_its_far_side_only(site: Site, visit: Visit, text_typed: str, flagged: bool) -> None:
    answer = leave(signed_in(site), visit, {"TEMP": text_typed})
    assert bool(answer["rows"]["VS-TEMP"]["flag"]) is flagged


def test_a_derived_value_whose_input_is_missing_says_what_it_waits_for_and_is_not_zero(
    site: Site, visit: Visit
) -> None:
    answer = leave(signed_in(site), visit, {"HEIGHT": "170"})
    assert "Waits for Weight" in answer["rows"]["VS-BMI"]["derived"]


def test_a_value_taken_back_takes_its_message_and_what_rests_on_it_back_too(site: Site, visit: Visit) -> None:
    client = signed_in(site)
    assert "alert" in leave(client, visit, {**VITALS, "WEIGHT": "heavy"})["rows"]["VS-WEIGHT"]["msg"]
    emptied = leave(client, visit, {**VITALS, "WEIGHT": ""})["rows"]
    assert emptied["VS-WEIGHT"]["msg"] == ""
    assert "Waits for Weight" in emptied["VS-BMI"]["derived"]


def test_a_monitor_cannot_check_or_save(site: Site, visit: Visit) -> None:
    client, url = signed_in(site, Role.MONITOR), reverse("admin:visit_form", args=[visit.pk, "VS"])
    assert client.post(url, typed(VITALS), headers={"X-Check": "1"}).status_code in {403, 404}
    assert client.post(url, typed(VITALS)).status_code in {403, 404}
    assert not Draft.objects.exists()
    assert not FormRecord.objects.exists()


def test_a_form_that_the_visit_does_not_have_is_unknown(site: Site, visit: Visit) -> None:
    client = signed_in(site)
    assert client.post(reverse("admin:visit_form", args=[visit.pk, "INF"]), typed({})).status_code == 404
    assert client.post(reverse("admin:visit_form", args=[visit.pk, "NONE"]), typed({})).status_code == 404


def test_a_row_is_added_to_a_group_without_saving(site: Site, participant: Participant) -> None:
    place = start_visit(Visit.objects.get(participant=participant, code="D0"), on=date(2026, 1, 5), actor=SYSTEM)
    url = reverse("admin:visit_form", args=[place.pk, "INF"])
    response = signed_in(site).post(url, {"i:INFUSIONS.1.PRODUCT": "CART", "add-row": "INFUSIONS", "version": "0"})
    assert response.status_code == 200
    assert "i:INFUSIONS.2.PRODUCT" in text(response)
    assert not FormRecord.objects.exists()


def test_a_log_is_unknown_until_rows_or_a_declaration_and_the_declaration_can_be_taken_back(
    site: Site, participant: Participant
) -> None:
    client, url = signed_in(site), reverse("admin:log", args=[participant.pk, "CM"])
    assert "unknown, not empty" in text(client.get(url))
    client.post(url, {"nothing": "1"})
    assert LogDeclaration.objects.get().nothing is True
    assert "nothing to report" in text(client.get(url))
    client.post(url, {"nothing": "0"})
    assert "unknown, not empty" in text(client.get(url))


def test_a_row_of_a_log_knows_nothing_of_the_row_before(site: Site, participant: Participant) -> None:
    client, url = signed_in(site), reverse("admin:log_new", args=[participant.pk, "CM"])
    client.post(url, typed({"NAME": "Paracetamol", "ONGOING": "Y"}, act="complete"))
    shown = text(client.get(url))
    assert 'name="i:NAME" value=""' in shown
    assert "Paracetamol" not in shown
    assert "data-same" not in shown


def test_the_history_of_an_item_tells_first_entry_change_and_reason(site: Site, visit: Visit) -> None:
    client = signed_in(site)
    post(client, visit, VITALS, act="complete")
    post(client, visit, {**VITALS, "WEIGHT": "74"}, reason="New source")
    record = FormRecord.objects.get(visit=visit, form="VS")
    shown = text(client.get(reverse("admin:item_history", args=[record.pk]), {"path": "WEIGHT"}))
    assert shown.index("74 kg") < shown.index("New source")
    assert "72.5 kg" in shown


def test_a_soft_check_kept_with_words_completes_and_its_query_is_answered(site: Site, visit: Visit) -> None:
    client = signed_in(site)
    values = {**VITALS, "TEMP": "40.5"}
    key = json.dumps(leave(client, visit, values)["rows"]["VS-TEMP"]["msg"]).split('name=\\"x:')[1].split('\\"')[0]
    post(client, visit, values, act="complete", **{f"x:{key}": "measured twice"})
    query = Query.objects.get(record__visit=visit)
    assert query.path == "TEMP"
    assert query.state in {"answered", "closed"}
    assert [entry.text for entry in query.entries.all() if "measured twice" in entry.text]


def test_a_monitor_asks_the_site_answers_and_the_monitor_closes(site: Site, visit: Visit) -> None:
    coordinator, monitor = signed_in(site), signed_in(site, Role.MONITOR)
    post(coordinator, visit, VITALS, act="complete")
    record = FormRecord.objects.get(visit=visit, form="VS")
    monitor.post(reverse("admin:query_open", args=[record.pk]), {"path": "TEMP", "text": "Which thermometer?"})
    query, url = Query.objects.get(), reverse("admin:queries", args=["FORMS1"])
    empty = coordinator.post(url, {"query": query.pk, "act": "answer", "text": ""})
    query.refresh_from_db()
    assert (empty.status_code, query.state) == (400, "open")
    coordinator.post(url, {"query": query.pk, "act": "answer", "text": "The ear one."})
    query.refresh_from_db()
    assert query.state == "answered"
    assert coordinator.post(url, {"query": query.pk, "act": "close", "text": "x"}).status_code in {403, 404}
    monitor.post(url, {"query": query.pk, "act": "close", "text": "Thank you."})
    query.refresh_from_db()
    assert query.state == "closed"


def test_a_visit_date_is_typed_as_people_do_and_a_wrong_one_is_refused(site: Site, participant: Participant) -> None:
    place = Visit.objects.get(participant=participant, code="SCR")
    client, url = signed_in(site), reverse("admin:visit_card", args=[place.pk])
    wrong = client.post(url, {"act": "start", "on": "31 February"})
    place.refresh_from_db()
    assert (wrong.status_code, place.actual) == (400, None)
    assert "31 February" in text(wrong)
    assert client.post(url, {"act": "start", "on": "2026-01-05"}).status_code == 302
    place.refresh_from_db()
    assert place.actual == date(2026, 1, 5)


def test_a_visit_is_missed_with_a_reason_only(site: Site, participant: Participant) -> None:
    place = Visit.objects.get(participant=participant, code="SCR")
    client, url = signed_in(site), reverse("admin:visit_card", args=[place.pk])
    assert client.post(url, {"act": "miss", "reason": ""}).status_code == 400
    place.refresh_from_db()
    assert place.missed is False
    client.post(url, {"act": "miss", "reason": "Snow"})
    place.refresh_from_db()
    assert (place.missed, place.missed_reason) == (True, "Snow")


def test_a_sheet_takes_as_many_statements_for_forms_with_many_items_as_with_few() -> None:
    counted = []
    for more in (0, 60):
        items = {f"I{n}": {"label": f"Item {n}", "type": "integer", "required": False} for n in range(more)}
        forms = {**SMALL_FORMS, "VS": {**SMALL_FORMS["VS"], "items": {**SMALL_FORMS["VS"]["items"], **items}}}
        version = study_version(f"WIDE{more}", forms=forms, places=None)
        own = site_of(version)
        place = start_visit(
            Visit.objects.get(participant=participant_in(version, own), code="SCR"), on=date(2026, 1, 5), actor=SYSTEM
        )
        client, url = signed_in(own), reverse("admin:visit", args=[place.pk])
        client.get(url)
        with CaptureQueriesContext(connection) as statements:
            shown = text(client.get(url))
        assert shown.count('name="i:') >= 10 + more
        counted.append(len(statements))
    assert counted[0] == counted[1]
