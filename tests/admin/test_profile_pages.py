"""The list of people and one's own profile: who sees whom, who mends what; what is refused writes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from seeds.factories.access import MembershipFactory, UserFactory
from seeds.factories.trials import small_version
from trials.domain.roles import Role
from trials.models import Membership, Site, SiteActivation, Study, StudyVersion, User
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.services.access_users import deactivate_user

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")


@pytest.fixture
def version() -> StudyVersion:
    return small_version("SETUP1")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="trials.backends.PasswordBackend")
    return client


def member(study: Study, role: Role, **more: Any) -> Client:
    return browser(MembershipFactory.create(study=study, role=role, **more).user)


def administrator() -> Client:
    return browser(UserFactory.create(is_administrator=True))


def rows_and_events() -> tuple[int, ...]:
    models = (Site, SiteActivation, Membership, User, AuditEvent)
    return tuple(model._default_manager.count() for model in models)


def test_the_list_of_people_tells_roles_factor_and_state_and_narrows(version: StudyVersion) -> None:
    MembershipFactory.create(user=UserFactory.create(username="open.one"), study=version.study, role=Role.MONITOR)
    deactivate_user(UserFactory.create(username="closed.one"), actor=SYSTEM, reason="left")
    client = administrator()
    text = client.get("/admin/people/").content.decode()
    assert "SETUP1  Monitor" in text
    assert "never" in text
    closed = client.get("/admin/people/?state=closed").content.decode()
    assert ("closed.one" in closed, "open.one" in closed) == (True, False)
    found = client.get("/admin/people/?find=OPEN.").content.decode()
    assert ("closed.one" in found, "open.one" in found) == (False, True)


def test_the_administrator_of_one_study_sees_its_people_only_and_mends_no_account(version: StudyVersion) -> None:
    client = member(version.study, Role.ADMINISTRATOR)
    person = MembershipFactory.create(
        user=UserFactory.create(username="own.one"), study=version.study, role=Role.MONITOR
    ).user
    MembershipFactory.create(user=UserFactory.create(username="foreign.one"))
    text = client.get("/admin/people/").content.decode()
    assert ("own.one" in text, "foreign.one" in text, "New account" in text) == (True, False, False)
    page = client.get(f"/admin/people/{person.pk}/").content.decode()
    assert ("Replace the password" in page, "Grant a role" in page) == (False, True)
    before = rows_and_events()
    data = {"deed": "details", "printed_name": "X", "time_zone": "UTC", "reason": "x"}
    assert client.post(f"/admin/people/{person.pk}/", data).status_code == 403
    assert rows_and_events() == before


def test_an_administrator_corrects_a_name_with_a_reason(version: StudyVersion) -> None:
    person, client = UserFactory.create(printed_name="Li Nah"), administrator()
    data = {"deed": "details", "printed_name": "Li Na", "email": "li@example.test", "time_zone": "Asia/Shanghai"}
    before = rows_and_events()
    refused = client.post(f"/admin/people/{person.pk}/", data)
    assert (refused.status_code, 'value="Li Na"' in refused.content.decode()) == (400, True)
    assert rows_and_events() == before
    assert client.post(f"/admin/people/{person.pk}/", {**data, "reason": "misspelt"}).status_code == 302
    person.refresh_from_db()
    assert (person.printed_name, person.email, person.time_zone) == ("Li Na", "li@example.test", "Asia/Shanghai")
    event = AuditEvent.objects.filter(record_kind="User", record_id=str(person.pk)).order_by("seq").last()
    assert event is not None
    assert (event.action, event.reason) == ("change", "misspelt")
    assert json.loads(event.payload)["printed_name"] == ["Li Nah", "Li Na"]


def test_a_person_without_a_role_has_a_profile_and_changes_address_and_zone_but_not_the_name() -> None:
    person = UserFactory.create(username="li", printed_name="Li Na")
    client = browser(person)
    assert client.get("/admin/profile/").status_code == 200
    data = {"deed": "details", "email": "li@example.test", "time_zone": "Asia/Shanghai", "printed_name": "Other"}
    assert client.post("/admin/profile/", data).status_code == 302
    person.refresh_from_db()
    assert (person.printed_name, person.email, person.time_zone) == ("Li Na", "li@example.test", "Asia/Shanghai")


def test_a_refused_profile_keeps_what_was_typed_and_writes_nothing() -> None:
    client = browser(UserFactory.create())
    before = rows_and_events()
    refused = client.post("/admin/profile/", {"deed": "details", "email": "no address", "time_zone": "Mars"})
    text = refused.content.decode()
    assert refused.status_code == 400
    assert "an e-mail address" in text
    assert "a zone such as Europe/Berlin" in text
    assert 'value="no address"' in text
    assert rows_and_events() == before


def test_saving_a_profile_unchanged_writes_no_event() -> None:
    person = UserFactory.create(email="li@example.test", time_zone="Europe/Berlin")
    client = browser(person)
    client.get("/admin/profile/")
    before = rows_and_events()
    assert client.post("/admin/profile/", {"deed": "details", "email": person.email, "time_zone": person.time_zone})
    assert rows_and_events() == before
