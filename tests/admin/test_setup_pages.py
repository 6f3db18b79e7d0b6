"""The set-up of a study from its page: by role, own and foreign study; what is refused writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from seeds.factories.access import PASSWORD, MembershipFactory, SiteFactory, StudyFactory, UserFactory
from seeds.factories.trials import small_version
from tests.support.records import StandingClock
from trials.domain.roles import Role
from trials.models import Membership, Site, SiteActivation, Study, StudyVersion, User
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.records.services import clock
from trials.selectors.people import holdings_of, holdings_on
from trials.services.access_memberships import end_membership, grant_membership
from trials.services.access_users import create_user, deactivate_user, reactivate_user
from trials.services.study_clock import advance_clock

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def version() -> StudyVersion:
    return small_version("SETUP1")


@pytest.fixture
def hands() -> Iterator[StandingClock]:
    held = StandingClock(NOON)
    with clock.set_source(held):
        yield held


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="trials.backends.PasswordBackend")
    return client


def member(study: Study, role: Role, **more: Any) -> Client:
    return browser(MembershipFactory.create(study=study, role=role, **more).user)


def administrator() -> Client:
    return browser(UserFactory.create(is_administrator=True))


def address(study: Study) -> str:
    return f"/admin/studies/{study.oid}/setup/"


def post(client: Client, study: Study, deed: str, **data: Any) -> Any:
    return client.post(address(study), {"deed": deed, **data})


def rows_and_events() -> tuple[int, ...]:
    models = (Site, SiteActivation, Membership, User, AuditEvent)
    return tuple(model._default_manager.count() for model in models)


@pytest.mark.parametrize(
    ("role", "sections"),
    [
        (Role.DATA_MANAGER, {"sites", "versions", "clock"}),
        (Role.ADMINISTRATOR, {"sites", "versions", "people"}),
    ],
)
def test_each_role_sees_the_sections_whose_acts_it_may_do(
    version: StudyVersion, role: Role, sections: set[str]
) -> None:
    text = member(version.study, role).get(address(version.study)).content.decode()
    assert {each for each in ("sites", "versions", "people", "clock") if f'id="{each}"' in text} == sections


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.DATA_MANAGER, Role.ADMINISTRATOR}))
def test_other_roles_are_refused(version: StudyVersion, role: Role) -> None:
    client = member(version.study, role)
    before = rows_and_events()
    assert client.get(address(version.study)).status_code == 403
    assert post(client, version.study, "add_site", code="01", name="X", time_zone="UTC").status_code == 403
    assert rows_and_events() == before


def test_a_foreign_study_is_answered_like_one_that_does_not_exist(version: StudyVersion) -> None:
    client = member(StudyFactory.create(), Role.DATA_MANAGER)
    assert client.get(address(version.study)).status_code == 404
    assert client.get("/admin/studies/NOSUCH/setup/").status_code == 404
    before = rows_and_events()
    assert post(client, version.study, "add_site", code="01", name="X", time_zone="UTC").status_code == 404
    assert rows_and_events() == before


def test_a_data_manager_of_one_site_sets_up_no_study(version: StudyVersion) -> None:
    site = SiteFactory.create(study=version.study)
    assert member(version.study, Role.DATA_MANAGER, site=site).get(address(version.study)).status_code == 403


def test_a_data_manager_adds_a_site_and_activates_a_version_for_it(version: StudyVersion) -> None:
    client = member(version.study, Role.DATA_MANAGER)
    data = {"code": "07", "name": "Hospital Seven", "time_zone": "Asia/Shanghai"}
    added = post(client, version.study, "add_site", **data)
    assert (added.status_code, added.headers["Location"]) == (302, f"{address(version.study)}#sites")
    site = Site.objects.get(study=version.study, code="07")
    assert (site.name, site.time_zone) == ("Hospital Seven", "Asia/Shanghai")
    done = post(client, version.study, "activate", site=site.pk, version=version.pk, from_date="2026-02-01")
    assert done.status_code == 302
    assert site.activations.get().from_date == date(2026, 2, 1)
    text = client.get(address(version.study)).content.decode()
    assert "version 1 from 1 Feb 2026" in text
    assert version.content_hash[:12] in text
    assert version.published_by in text


def test_a_refused_site_says_all_reasons_keeps_what_was_typed_and_writes_nothing(version: StudyVersion) -> None:
    client = member(version.study, Role.DATA_MANAGER)
    before = rows_and_events()
    refused = post(client, version.study, "add_site", code="0-7", name="", time_zone="Mars/Olympus")
    text = refused.content.decode()
    assert refused.status_code == 400
    for words in ("1 to 8 capitals or digits", "the site&#x27;s name", "a zone such as Asia/Shanghai"):
        assert words in text
    assert 'value="0-7"' in text
    assert 'value="Mars/Olympus"' in text
    assert rows_and_events() == before


@pytest.mark.parametrize(("day", "words"), [("", "the first day under this version"), ("31.2.26", "a date such as")])
def test_an_activation_without_a_day_is_refused(version: StudyVersion, day: str, words: str) -> None:
    site = SiteFactory.create(study=version.study)
    client = member(version.study, Role.DATA_MANAGER)
    before = rows_and_events()
    refused = post(client, version.study, "activate", site=site.pk, version=version.pk, from_date=day)
    assert refused.status_code == 400
    assert words in refused.content.decode()
    assert rows_and_events() == before


def test_a_version_of_another_study_is_unknown(version: StudyVersion) -> None:
    site, other = SiteFactory.create(study=version.study), small_version("SETUP2")
    client = member(version.study, Role.DATA_MANAGER)
    answer = post(client, version.study, "activate", site=site.pk, version=other.pk, from_date="2026-02-01")
    assert answer.status_code == 404
    assert not SiteActivation.objects.exists()


def test_an_administrator_grants_a_role_at_a_site_for_a_period_and_ends_it(version: StudyVersion) -> None:
    site, person = SiteFactory.create(study=version.study), UserFactory.create(username="li")
    client = administrator()
    period = {"valid_from": "2026-01-01", "valid_until": "2099-12-31"}
    granted = post(client, version.study, "grant", user=person.pk, role="coordinator", site=site.pk, **period)
    assert granted.status_code == 302
    row = person.memberships.get()
    assert (row.site, row.role, row.valid_from, row.valid_until) == (
        site,
        Role.COORDINATOR,
        date(2026, 1, 1),
        date(2099, 12, 31),
    )
    refused = post(client, version.study, "end", membership=row.pk, reason=" ")
    assert (refused.status_code, "a reason" in refused.content.decode()) == (400, True)
    assert Membership.objects.get(pk=row.pk).valid_until == date(2099, 12, 31)
    assert post(client, version.study, "end", membership=row.pk, reason="left the hospital").status_code == 302
    ended = Membership.objects.get(pk=row.pk)
    assert ended.valid_until is not None
    assert ended.valid_until < date(2099, 12, 31)


def test_a_refused_grant_keeps_the_choices_and_writes_nothing(version: StudyVersion) -> None:
    person, client = UserFactory.create(username="li"), administrator()
    before = rows_and_events()
    refused = post(client, version.study, "grant", user=person.pk, role="monitor", valid_from="x", valid_until="y")
    text = refused.content.decode()
    assert refused.status_code == 400
    assert text.count("a date such as 2026-11-23") == 2
    assert '<option value="monitor" selected>' in text
    assert rows_and_events() == before


def test_nobody_grants_himself_and_a_data_manager_grants_nobody(version: StudyVersion) -> None:
    me = UserFactory.create(is_administrator=True)
    person, manager = UserFactory.create(), member(version.study, Role.DATA_MANAGER)
    before = rows_and_events()
    own = post(browser(me), version.study, "grant", user=me.pk, role="monitor")
    assert (own.status_code, "a grant to another person" in own.content.decode()) == (400, True)
    assert post(manager, version.study, "grant", user=person.pk, role="monitor").status_code == 404
    assert rows_and_events() == before


def test_the_clock_asks_before_it_runs_and_then_goes_where_it_said(version: StudyVersion) -> None:
    study = version.study
    advance_clock(study, to=NOON, actor=SYSTEM)
    client = member(study, Role.DATA_MANAGER)
    before = rows_and_events()
    asked = post(client, study, "advance", days="3")
    text = asked.content.decode()
    assert asked.status_code == 200
    assert "The clock will stop 3 times" in text
    assert rows_and_events() == before
    assert Study.objects.get(pk=study.pk).clock == NOON
    goal = (NOON + timedelta(days=3)).isoformat()
    assert goal.replace("+", "&#x2B;") in text or goal in text
    assert post(client, study, "advance", confirmed="1", goal=goal).status_code == 302
    assert Study.objects.get(pk=study.pk).clock == NOON + timedelta(days=3)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "an instant or a number of days"),
        ({"days": "0"}, "1 to 92 days at a time"),
        ({"days": "93"}, "1 to 92 days at a time"),
        ({"days": "two"}, "1 to 92 days at a time"),
        ({"to": "2026-03-02"}, "an instant after 2026-03-02T12:00+00:00"),
        ({"to": "2027-03-02"}, "1 to 92 days at a time"),
        ({"days": "2", "to": "2026-03-05"}, "an instant or a number of days"),
        ({"goal": "2027-01-01T00:00:00+00:00", "confirmed": "1"}, "1 to 92 days at a time"),
        ({"goal": "soon", "confirmed": "1"}, "the instant that was shown"),
    ],
)
def test_a_clock_that_would_go_nowhere_backwards_or_too_far_stands(
    version: StudyVersion, typed: dict[str, str], words: str
) -> None:
    advance_clock(version.study, to=NOON, actor=SYSTEM)
    client = member(version.study, Role.DATA_MANAGER)
    refused = post(client, version.study, "advance", **typed)
    assert (refused.status_code, words in refused.content.decode()) == (400, True)
    assert Study.objects.get(pk=version.study_id).clock == NOON


def test_92_days_are_the_most_of_one_step(version: StudyVersion) -> None:
    advance_clock(version.study, to=NOON, actor=SYSTEM)
    asked = post(member(version.study, Role.DATA_MANAGER), version.study, "advance", days="92")
    assert (asked.status_code, "The clock will stop 92 times" in asked.content.decode()) == (200, True)


def test_an_administrator_and_a_real_study_have_no_clock_to_advance() -> None:
    simulated, real = small_version("SIM"), small_version("REAL", simulated=False)
    assert post(administrator(), simulated.study, "advance", days="1").status_code == 403
    client = member(real.study, Role.DATA_MANAGER)
    assert 'id="clock"' not in client.get(address(real.study)).content.decode()
    refused = post(client, real.study, "advance", days="1")
    assert (refused.status_code, Study.objects.get(oid="REAL").clock) == (400, None)


@pytest.mark.parametrize("count", [1, 6])
def test_the_page_reads_in_the_same_statements_for_any_number_of_rows(version: StudyVersion, count: int) -> None:
    client = administrator()
    for _ in range(count):
        site = SiteFactory.create(study=version.study)
        SiteActivation.objects.create(site=site, version=version, from_date=date(2026, 1, 1))
        MembershipFactory.create(study=version.study, site=site, role=Role.COORDINATOR)
    for url in (address(version.study), f"{address(version.study)}?on=2026-03-01"):
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        assert len(captured) == STATEMENTS["on" if "?" in url else "now"]


@pytest.mark.parametrize("count", [1, 6])
def test_the_list_of_people_reads_in_the_same_statements_for_any_number(version: StudyVersion, count: int) -> None:
    client = administrator()
    for _ in range(count):
        MembershipFactory.create(study=version.study, role=Role.MONITOR)
    client.get("/admin/people/")
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/admin/people/").status_code == 200
    assert len(captured) == STATEMENTS["people"]


STATEMENTS = {"now": 14, "on": 10, "people": 9}


# -- as of a past day


def oracle(study: Study, on: date) -> set[tuple[str, str]]:
    """Say from the audit trail alone who held what when a day ended (all of it in UTC)."""
    end = datetime.combine(on + timedelta(days=1), datetime.min.time(), tzinfo=UTC)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for event in AuditEvent.objects.filter(chain_id="system", at__lt=end).order_by("seq"):
        if event.record_kind in {"Membership", "User"}:
            held = rows.setdefault((event.record_kind, event.record_id), {})
            held |= {path: change[min(1, len(change) - 1)] for path, change in json.loads(event.payload).items()}
    found = set()
    for (kind, _key), held in rows.items():
        if kind != "Membership" or held["study_id"] != str(study.pk):
            continue
        user = rows["User", held["user_id"]]
        last = date.fromisoformat(held["valid_until"]) if held.get("valid_until") else date.max
        if date.fromisoformat(held["valid_from"]) <= on <= last and str(user["is_active"]).lower() == "true":
            found.add((user["username"], held["role"]))
    return found


def test_the_grants_of_a_past_day_are_those_that_the_audit_trail_tells(
    version: StudyVersion, hands: StandingClock
) -> None:
    study = version.study

    def person(name: str) -> User:
        return create_user(username=name, printed_name=name, password=PASSWORD, actor=SYSTEM)

    def grant(user: User, **more: Any) -> Membership:
        return grant_membership(user, study=study, role=Role.MONITOR, actor=SYSTEM, **more)

    stays, leaves, closed = person("stays"), person("leaves"), person("closed")
    grant(stays)
    grant(closed)
    left = grant(leaves, valid_until=date(2026, 4, 30))
    hands.forward(days=2)
    grant(person("backdated"), valid_from=date(2026, 1, 1))
    grant(person("later"), valid_from=date(2026, 3, 8))
    deactivate_user(closed, actor=SYSTEM, reason="on leave")
    hands.forward(days=2)
    end_membership(left, actor=SYSTEM, reason="left")
    reactivate_user(closed, actor=SYSTEM, reason="back")
    hands.forward(days=3)
    for day in (date(2026, 3, 1) + timedelta(days=n) for n in range(12)):
        told = {(each.user.username, each.role.value) for each in holdings_on(study, day)}
        assert told == oracle(study, day), day
    shown = {each.user.username for each in holdings_on(study, date(2026, 3, 5))}
    assert shown == {"stays", "leaves", "backdated"}
    assert [each.user.username for each in holdings_on(study, date(2026, 3, 1))] == []
    assert {each.user.username: each.state for each in holdings_of(study)} == {
        "backdated": "in force",
        "closed": "in force",
        "later": "in force",
        "leaves": "ended",
        "stays": "in force",
    }


def test_an_administrator_of_the_installation_is_on_the_list_of_every_study_since_he_is_one(
    version: StudyVersion, hands: StandingClock
) -> None:
    UserFactory.create(username="root.person", is_administrator=True)
    hands.forward(days=1)
    (held,) = holdings_on(version.study, date(2026, 3, 2))
    assert (held.user.username, held.role, held.membership_id) == ("root.person", Role.ADMINISTRATOR, None)
    assert holdings_on(version.study, date(2026, 3, 1)) == []


def test_the_page_of_a_past_day_shows_its_people_and_no_forms(version: StudyVersion, hands: StandingClock) -> None:
    client = administrator()
    grant_membership(UserFactory.create(username="li"), study=version.study, role=Role.MONITOR, actor=SYSTEM)
    hands.forward(days=1)
    text = client.get(f"{address(version.study)}?on=2026-03-02").content.decode()
    assert "People at the end of 2 Mar 2026" in text
    assert "Monitor" in text
    assert 'name="deed"' not in text
    refused = client.get(f"{address(version.study)}?on=yesterday")
    assert (refused.status_code, "a date such as 2026-11-23" in refused.content.decode()) == (400, True)
