"""My work, participants, queries, audit, study, inbox, exports, go to: by role, empty, filtered, refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from capture.models import FormRecord
from capture.services.data_entry import save_items
from config.pages.work_items import RANK, Task, count_groups, only
from seeds.factories.capture import participant_in, site_of, slot_at, study_version
from seeds.factories.trials import BEGIN, SYSTEM, MemberFactory
from seeds.loader.loading import load_study
from seeds.loader.publishing import publish_study
from trials.domain.roles import Permission, Role, allows
from trials.models import Participant, Site, StudyVersion, Visit
from trials.records.models import AuditEvent
from trials.services.study_clock import advance_clock
from trials.services.visits import start_visit

pytestmark = pytest.mark.django_db
OID = "PAGES1"
SCAR02 = Path(__file__).resolve().parents[2] / "seeds/studies/scar02"


@pytest.fixture
def version() -> StudyVersion:
    return study_version(OID)


@pytest.fixture
def site(version: StudyVersion) -> Site:
    return site_of(version)


@pytest.fixture
def real() -> Site:
    """A site of SCAR02 as it comes with the product, whose version has a safety section too."""
    loaded = load_study(SCAR02)
    version = publish_study(loaded, simulated=True, actor=SYSTEM).version
    advance_clock(version.study, to=BEGIN, actor=SYSTEM)
    return site_of(version)


@pytest.fixture
def participant(version: StudyVersion, site: Site) -> Participant:
    return participant_in(version, site)


def signed_in(site: Site, role: Role = Role.COORDINATOR) -> Client:
    client = Client()
    user = MemberFactory(site=site, role=role, username=f"u-{uuid4().hex[:8]}")
    client.force_login(user, backend="trials.backends.PasswordBackend")
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


PAGES = {
    "casebook": Permission.VIEW_RECORDS,
    "participants": Permission.VIEW_PARTICIPANTS,
    "participant_new": Permission.REGISTER_PARTICIPANT,
    "queries": Permission.VIEW_RECORDS,
    "audit": Permission.VIEW_AUDIT,
    "exports": Permission.EXPORT_DATA,
}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_each_page_opens_for_the_roles_that_carry_its_permission_and_for_no_other(
    site: Site, participant: Participant, role: Role
) -> None:
    client = signed_in(site, role)
    for name, permission in PAGES.items():
        answer = client.get(reverse(f"admin:{name}", args=[OID]))
        assert (answer.status_code == 200) is allows(role, permission), name
        assert answer.status_code in {200, 403, 404}, name


@pytest.mark.parametrize("role", list(Role))
def test_the_menu_leads_only_where_the_role_may_go(real: Site, role: Role) -> None:
    client = signed_in(real, role)
    page = client.get(reverse("admin:index"))
    assert page.status_code == 200
    items = [item for group in page.context["chrome"].groups for item in group.items]
    assert "index" in {item.name for item in items}
    for item in items:
        assert client.get(item.url).status_code == 200, item.name


def test_the_study_page_marks_every_assumption_with_its_note(real: Site) -> None:
    page = signed_in(real).get(reverse("admin:study", args=["SCAR02"]))
    marks = page.context["marks"]
    assert page.status_code == 200
    assert marks
    assert {mark.kind for mark in marks} <= {"assumed", "open"}
    assert all(escape(mark.note) in text(page) for mark in marks)
    assert text(page).count('class="dz-ass"') > 5


def test_a_bedside_assessment_shows_the_one_before_beside_empty_fields(real: Site) -> None:
    client, person = signed_in(real), participant_in(real.activations.get().version, real)
    url = reverse("admin:log_new", args=[person.pk, "CRS"])
    first = {"i:AT": "2026-01-05 08:00", "i:TEMP": "36.8", "i:OXYGEN": "NONE", "act": "save", "version": "0"}
    assert "data-same" not in text(client.get(url))
    assert client.post(url, first).status_code == 302
    shown = text(client.get(url))
    assert 'data-path="TEMP" data-before="36.8"' in shown
    assert 'data-path="OXYGEN" data-before="NONE"' in shown
    assert 'id="CRS-TEMP" name="i:TEMP" value=""' in shown
    assert "data-same" in shown


def test_the_page_of_another_sites_participant_looks_like_one_that_never_was(
    version: StudyVersion, participant: Participant
) -> None:
    client = signed_in(site_of(version, "02"))
    foreign = client.get(reverse("admin:participant", args=[participant.pk]))
    unknown = client.get(reverse("admin:participant", args=[uuid4()]))
    assert foreign.status_code == unknown.status_code == 404
    assert "Not found, or not yours to see." in text(foreign)
    assert participant.number not in text(client.get(reverse("admin:casebook", args=[OID])))
    assert participant.number not in text(client.get(reverse("admin:participants", args=[OID])))


def test_my_work_is_empty_in_words_and_then_names_the_visit_with_its_one_act(
    site: Site, participant: Participant
) -> None:
    client = signed_in(site)
    shown = text(client.get(reverse("admin:index")))
    assert f"{participant.number} · SCR" in shown or "Nothing is owed." in shown
    start_visit(Visit.objects.get(participant=participant, code="SCR"), on=date(2026, 1, 5), actor=SYSTEM)
    shown = text(client.get(reverse("admin:index")))
    assert f"{participant.number} · SCR" in shown
    assert "Continue" in shown


def test_every_tile_counts_exactly_the_rows_that_it_opens(site: Site, participant: Participant) -> None:
    start_visit(Visit.objects.get(participant=participant, code="SCR"), on=date(2026, 1, 5), actor=SYSTEM)
    client = signed_in(site)
    page = client.get(reverse("admin:index"))
    assert sum(tile.n for tile in page.context["tiles"]) == len(page.context["tasks"]) == 1
    for tile in page.context["tiles"]:
        opened = client.get(reverse("admin:index") + tile.url)
        assert len(opened.context["tasks"]) == tile.n == text(opened).count('class="dz-task"'), tile.group


def test_a_visit_is_started_from_my_work_with_one_click(site: Site, participant: Participant) -> None:
    client = signed_in(site)
    place = Visit.objects.get(participant=participant, code="SCR")
    answer = client.post(reverse("admin:visit_card", args=[place.pk]), {"act": "today"})
    place.refresh_from_db()
    assert answer["Location"] == reverse("admin:visit", args=[place.pk])
    assert place.actual == date(2026, 1, 5)


def test_tasks_are_counted_and_chosen_by_group() -> None:
    tasks = [Task(group, "visit", group, "", group, "", "", "") for group in ("overdue", "closing", "closing")]
    assert count_groups(tasks) == {**dict.fromkeys(RANK, 0), "overdue": 1, "closing": 2}
    assert len(only(tasks, "closing")) == 2
    assert only(tasks, "query") == []
    assert only(tasks, "no such group") == tasks


def test_my_work_takes_as_many_statements_for_six_participants_as_for_one(
    version: StudyVersion, site: Site, participant: Participant
) -> None:
    client, url = signed_in(site), reverse("admin:index")
    start_visit(Visit.objects.get(participant=participant, code="SCR"), on=date(2026, 1, 5), actor=SYSTEM)
    client.get(url)
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    for _ in range(5):
        person = participant_in(version, site)
        save_items(slot_at(person, "SCR", "VS", on=date(2026, 1, 5)), {"TEMP": "41"}, actor=SYSTEM, expected_version=0)
    with CaptureQueriesContext(connection) as six:
        page = client.get(url)
    assert page.context["total"] == 6
    assert len(six) == len(one)


def test_participants_are_found_by_the_end_of_their_number_and_by_state(site: Site, participant: Participant) -> None:
    client, url = signed_in(site), reverse("admin:participants", args=[OID])
    assert participant.number in text(client.get(f"{url}?find=1"))
    assert "No participant passes these filters" in text(client.get(f"{url}?find=99"))
    assert "No participant passes these filters" in text(client.get(f"{url}?state=died"))


def test_a_new_participant_is_registered_once_however_often_the_button_is_pressed(site: Site) -> None:
    client, url = signed_in(site), reverse("admin:participant_new", args=[OID])
    assert "Nobody has been screened yet" in text(client.get(reverse("admin:participants", args=[OID])))
    posted = {"site": str(site.pk), "submission": str(uuid4())}
    first, second = client.post(url, posted), client.post(url, posted)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    assert Participant.objects.count() == 1


def test_registering_at_a_site_that_is_not_ones_own_is_unknown_and_writes_nothing(
    version: StudyVersion, site: Site
) -> None:
    other, before = site_of(version, "02"), AuditEvent.objects.count()
    answer = signed_in(site).post(reverse("admin:participant_new", args=[OID]), {"site": str(other.pk)})
    assert answer.status_code == 404
    assert not Participant.objects.exists()
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("act", ["fail", "withdraw", "take_back"])
def test_ending_a_participation_without_a_reason_is_refused_in_place(
    site: Site, participant: Participant, act: str
) -> None:
    before = AuditEvent.objects.count()
    answer = signed_in(site).post(reverse("admin:participant", args=[participant.pk]), {"act": act, "reason": ""})
    participant.refresh_from_db()
    assert answer.status_code == 400
    assert 'role="alert"' in text(answer)
    assert participant.state == "screening"
    assert AuditEvent.objects.count() == before


def test_an_act_that_does_not_exist_does_nothing(site: Site, participant: Participant) -> None:
    before = AuditEvent.objects.count()
    signed_in(site).post(reverse("admin:participant", args=[participant.pk]), {"act": "explode"})
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    ("typed", "finds"), [("1", True), ("01-001", True), ("1 scr", True), ("7", False), ("", False)]
)
def test_go_to_opens_a_participant_or_one_of_his_visits(
    site: Site, participant: Participant, typed: str, finds: bool
) -> None:
    answer = signed_in(site).get(reverse("admin:go_to"), {"q": typed})
    assert (answer.status_code == 302) is finds
    if finds:
        assert ("/visits/" in answer["Location"]) is ("scr" in typed)
    elif typed:
        assert "Not found, or not yours to see." in text(answer)


def test_the_audit_trail_is_filtered_by_participant_item_and_day(site: Site, participant: Participant) -> None:
    save_items(
        slot_at(participant, "SCR", "VS", on=date(2026, 1, 5)), {"TEMP": "36.8"}, actor=SYSTEM, expected_version=0
    )
    client, url = signed_in(site), reverse("admin:audit", args=[OID])
    assert "36.8" in text(client.get(f"{url}?participant={participant.number}&item=TEMP"))
    assert "36.8" not in text(client.get(f"{url}?item=SYSBP"))
    assert "No event passes these filters" in text(client.get(f"{url}?participant=99"))
    assert "No event passes these filters" in text(client.get(f"{url}?day=1999-01-01"))
    assert client.get(f"{url}?day=nonsense&older=nonsense").status_code == 200


def test_the_audit_of_another_site_is_not_shown(version: StudyVersion, participant: Participant) -> None:
    save_items(
        slot_at(participant, "SCR", "VS", on=date(2026, 1, 5)), {"TEMP": "36.8"}, actor=SYSTEM, expected_version=0
    )
    client = signed_in(site_of(version, "02"))
    assert "36.8" not in text(client.get(reverse("admin:audit", args=[OID])))


def test_an_inbox_without_anything_says_so(site: Site) -> None:
    assert "Nothing waits for you." in text(signed_in(site).get(reverse("admin:inbox")))


def test_an_export_holds_the_values_of_ones_own_sites_only(version: StudyVersion, participant: Participant) -> None:
    save_items(
        slot_at(participant, "SCR", "VS", on=date(2026, 1, 5)), {"TEMP": "36.8"}, actor=SYSTEM, expected_version=0
    )
    url = reverse("admin:export_csv", args=[OID, "VS"])
    own = signed_in(participant.site).get(url)
    assert b"36.8" in own.getvalue()
    assert own["Content-Disposition"].startswith('attachment; filename="PAGES1-VS-2026-01-05')
    other = signed_in(site_of(version, "02")).get(url)
    assert b"36.8" not in other.getvalue()


def test_a_choice_of_study_is_kept_and_a_foreign_study_is_unknown(site: Site) -> None:
    client = signed_in(site)
    assert client.post(reverse("admin:choose_study"), {"study": "NOSUCH"}).status_code == 404
    assert client.post(reverse("admin:choose_study"), {"study": OID})["Location"] == f"/admin/studies/{OID}/casebook/"


def test_no_page_has_script_or_event_handlers_in_its_markup(site: Site, participant: Participant) -> None:
    place = start_visit(Visit.objects.get(participant=participant, code="SCR"), on=date(2026, 1, 5), actor=SYSTEM)
    client = signed_in(site)
    urls = [reverse(f"admin:{name}", args=[OID]) for name in PAGES]
    for url in [*urls, reverse("admin:index"), reverse("admin:visit", args=[place.pk]), reverse("admin:inbox")]:
        main = text(client.get(url)).partition("<main")[2].partition("</main>")[0]
        assert main, url
        assert "<script" not in main, url
        assert " onclick=" not in main, url
        assert " style=" not in main, url


def test_reading_pages_writes_nothing(site: Site, participant: Participant) -> None:
    client, before = signed_in(site), AuditEvent.objects.count()
    for name in PAGES:
        client.get(reverse(f"admin:{name}", args=[OID]))
    client.get(reverse("admin:participant", args=[participant.pk]))
    assert AuditEvent.objects.count() == before
    assert not FormRecord.objects.exists()
