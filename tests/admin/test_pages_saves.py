"""One press of a button is one act; nobody's value is lost, reverted or taken over by somebody else's page."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from capture.models import Draft, FormRecord
from capture.services.data_entry import save_items
from seeds.factories.capture import participant_in, site_of, slot_at, study_version
from seeds.factories.trials import SYSTEM, MemberFactory
from trials.domain.roles import Role
from trials.models import Participant, Site, Visit
from trials.records.models import AuditEvent
from trials.services.visits import start_visit

pytestmark = pytest.mark.django_db
VITALS = {"TEMP": "36.8", "SYSBP": "120", "DIABP": "80", "WEIGHT": "72.5", "HEIGHT": "170"}


@pytest.fixture
def site() -> Site:
    return site_of(study_version("SAVES1"))


@pytest.fixture
def participant(site: Site) -> Participant:
    return participant_in(site.activations.get().version, site)


@pytest.fixture
def visit(participant: Participant) -> Visit:
    return start_visit(Visit.objects.get(participant=participant, code="SCR"), on=date(2026, 1, 5), actor=SYSTEM)


def signed_in(site: Site, role: Role = Role.COORDINATOR) -> Client:
    client = Client()
    user = MemberFactory(site=site, role=role, username=f"u-{uuid4().hex[:8]}")
    client.force_login(user, backend="trials.backends.PasswordBackend")
    return client


def send(
    client: Client,
    url: str,
    values: dict[str, str],
    *,
    check: bool = False,
    extra: dict[str, str] | None = None,
    **more: str,
) -> Any:
    typed = {f"i:{name}": value for name, value in values.items()}
    fields = {**typed, "act": "save", "version": "0", **more, **(extra or {})}
    return client.post(url, fields, headers={"X-Check": "1"} if check else {})


def sheet(visit: Visit) -> str:
    """Return where the vital signs of a visit are posted while there is no record yet."""
    return reverse("admin:visit_form", args=[visit.pk, "VS"])


def record_of(visit: Visit) -> FormRecord:
    return FormRecord.objects.get(visit=visit, form="VS")


def form_of(record: FormRecord) -> str:
    return reverse("admin:record_form", args=[record.pk])


def test_a_refused_completion_of_a_new_log_row_saves_nothing_and_the_next_try_makes_one_row(
    site: Site, participant: Participant
) -> None:
    client, new = signed_in(site), reverse("admin:log_new", args=[participant.pk, "CM"])
    events = AuditEvent.objects.count()
    refused = send(client, new, {"NAME": "Prednisone"}, act="complete")
    assert refused.status_code == 400
    assert "Nothing was saved" in refused.content.decode()
    assert 'value="Prednisone"' in refused.content.decode()
    assert (FormRecord.objects.count(), AuditEvent.objects.count()) == (0, events)
    assert send(client, new, {"NAME": "Prednisone"}).status_code == 302
    assert FormRecord.objects.filter(form="CM").count() == 1


def test_a_completion_refused_for_a_missing_item_is_mended_on_the_same_page(site: Site, visit: Visit) -> None:
    client = signed_in(site)
    without = {name: value for name, value in VITALS.items() if name != "WEIGHT"}
    refused = send(client, sheet(visit), without, act="complete")
    assert refused.status_code == 400
    assert not FormRecord.objects.exists()
    done = send(client, sheet(visit), VITALS, act="complete")
    assert (done.status_code, record_of(visit).state) == (302, "complete")


def test_a_stale_save_never_reverts_what_its_user_did_not_touch(site: Site, visit: Visit) -> None:
    mine, other = signed_in(site), signed_in(site)
    send(mine, sheet(visit), VITALS)
    record = record_of(visit)
    send(other, form_of(record), {**VITALS, "TEMP": "38.9"}, version="1")
    stale = send(mine, form_of(record), {**VITALS, "SYSBP": "130"}, version="1")
    assert stale.status_code == 409
    body = stale.content.decode()
    assert 'name="c:TEMP"' not in body
    assert 'value="38.9"' in body
    assert 'value="130"' in body
    saved = send(mine, form_of(record), {**VITALS, "TEMP": "38.9", "SYSBP": "130"}, version="2")
    record.refresh_from_db()
    assert saved.status_code == 302
    assert (record.data["TEMP"]["v"], record.data["SYSBP"]["v"]) == ("38.9", "130")


def test_a_conflict_without_a_choice_is_asked_again_and_saves_nothing(site: Site, visit: Visit) -> None:
    mine, other = signed_in(site), signed_in(site)
    send(mine, sheet(visit), VITALS)
    record = record_of(visit)
    send(other, form_of(record), {**VITALS, "TEMP": "38.9"}, version="1")
    stale = send(mine, form_of(record), {**VITALS, "TEMP": "37.2"}, version="1")
    assert 'name="l:TEMP"' in stale.content.decode()
    again = send(mine, form_of(record), {**VITALS, "TEMP": "37.2"}, version="2", extra={"l:TEMP": "1"})
    record.refresh_from_db()
    assert (again.status_code, record.data["TEMP"]["v"], record.version) == (409, "38.9", 2)
    assert 'name="c:TEMP"' in again.content.decode()
    chosen = {"l:TEMP": "1", "c:TEMP": "mine"}
    assert send(mine, form_of(record), {**VITALS, "TEMP": "37.2"}, version="2", extra=chosen).status_code == 302
    record.refresh_from_db()
    assert record.data["TEMP"]["v"] == "37.2"


def test_saving_a_stale_draft_asks_before_it_overwrites(site: Site, visit: Visit) -> None:
    mine, other = signed_in(site), signed_in(site)
    send(mine, sheet(visit), VITALS)
    record = record_of(visit)
    send(mine, form_of(record), {**VITALS, "TEMP": "37.7"}, check=True, version="1")
    send(other, form_of(record), {**VITALS, "TEMP": "38.9"}, version="1")
    page = mine.get(reverse("admin:visit", args=[visit.pk])).content.decode()
    assert 'name="version" value="1"' in page
    assert 'value="37.7"' in page
    stale = send(mine, form_of(record), {**VITALS, "TEMP": "37.7"}, version="1")
    record.refresh_from_db()
    assert (stale.status_code, record.data["TEMP"]["v"]) == (409, "38.9")


def test_a_form_is_not_marked_not_done_over_a_save_that_its_page_did_not_show(site: Site, visit: Visit) -> None:
    mine, other = signed_in(site), signed_in(site)
    send(mine, sheet(visit), VITALS)
    record = record_of(visit)
    send(other, form_of(record), {**VITALS, "TEMP": "38.9"}, version="1")
    stale = send(mine, form_of(record), VITALS, act="not_done", reason="no time", version="1")
    record.refresh_from_db()
    assert (stale.status_code, record.state, record.data["TEMP"]["v"]) == (409, "in_progress", "38.9")


def test_what_was_taken_out_of_a_field_is_out_of_the_draft(site: Site, visit: Visit) -> None:
    client = signed_in(site)
    send(client, sheet(visit), {"TEMP": "55"}, check=True)
    answer = send(client, sheet(visit), {"TEMP": "", "SYSBP": "120"}, check=True)
    assert json.loads(answer.content)["state"].startswith("Draft saved ")
    assert Draft.objects.get().changes == {"SYSBP": "120"}


def test_the_history_of_an_item_is_for_whoever_may_read_the_audit_trail(site: Site, visit: Visit) -> None:
    send(signed_in(site), sheet(visit), VITALS)
    history = reverse("admin:item_history", args=[record_of(visit).pk])
    assert signed_in(site, Role.MONITOR).get(history).status_code == 200
    statistician = signed_in(site, Role.STATISTICIAN)
    assert statistician.get(history).status_code == 403
    assert history not in statistician.get(reverse("admin:visit", args=[visit.pk])).content.decode()


def test_the_number_of_an_emptied_row_is_never_given_to_another(site: Site, participant: Participant) -> None:
    client = signed_in(site)
    slot = slot_at(participant, "D0", "INF")
    rows = {"INFUSIONS.1.PRODUCT": "CART", "INFUSIONS.2.PRODUCT": "CART"}
    record = save_items(slot, rows, actor=SYSTEM, expected_version=0).record
    save_items(record, {"INFUSIONS.2.PRODUCT": None}, actor=SYSTEM, expected_version=1)
    values = {"INFUSIONS.1.PRODUCT": "CART"}
    added = send(client, form_of(record), values, version="2", extra={"add-row": "INFUSIONS"})
    body = added.content.decode()
    assert 'name="i:INFUSIONS.3.PRODUCT"' in body
    assert 'name="i:INFUSIONS.2.PRODUCT"' not in body
