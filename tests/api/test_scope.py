"""Every address x role x {own, foreign site, foreign study, unknown}, by token."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import Any

import pytest

from seeds.factories.access import MembershipFactory
from tests.admin.world import CANARY, UNKNOWN, World, add_crossed_query, build_world
from tests.api.caller import API, READERS, Caller, caller_in, caller_of, person
from trials.domain.roles import Permission, Role, allows
from trials.models import Membership, User
from trials.records.domain.actors import Actor
from trials.records.models import AuditEvent
from trials.records.services.act import open_act
from trials.services.access_memberships import end_membership
from trials.services.access_users import deactivate_user

pytestmark = pytest.mark.django_db

NOUNS = {
    "sites": "site",
    "participants": "participant",
    "visits": "visit",
    "forms": "record",
    "queries": "query",
    "adverse-events": "adverse_event",
    "assessments": "assessment",
    "dlt-windows": "dlt_window",
    "dlt-candidates": "dlt_candidate",
}
STUDY_PATHS = ("", "versions/", "versions/1/", "versions/1/forms/", "changes/")
LISTS = ("studies/", *(f"{name}/" for name in NOUNS))


@pytest.fixture
def world() -> World:
    return build_world()


def masked(response: Any, *parts: str) -> tuple[int, bytes, Any]:
    body = response.content
    for part in parts:
        body = body.replace(part.encode(), b"ID")
    return response.status_code, body, response.headers["Content-Type"]


@pytest.mark.parametrize("role", READERS, ids=str)
def test_each_row_is_read_at_the_own_site_and_elsewhere_looks_like_one_that_never_was(world: World, role: Role) -> None:
    caller = caller_in(world, role)
    for name, noun in NOUNS.items():
        own = world.own.key(noun)
        assert caller.json(f"{name}/{own}/")["id"] == own
        unknown = masked(caller.get(f"{name}/{UNKNOWN}/"), str(UNKNOWN))
        assert unknown[0] == 404
        for place in ("foreign_site", "foreign_study"):
            key = world.corner(place).key(noun)
            assert masked(caller.get(f"{name}/{key}/"), key) == unknown


@pytest.mark.parametrize("role", READERS, ids=str)
def test_a_study_and_all_below_it_are_read_by_its_members_and_elsewhere_unknown(world: World, role: Role) -> None:
    caller = caller_in(world, role)
    for path in STUDY_PATHS:
        assert caller.get(f"studies/OWNSTUDY/{path}").status_code == 200
        foreign = masked(caller.get(f"studies/CANARYST/{path}"), "CANARYST")
        assert foreign == masked(caller.get(f"studies/NOSUCHST/{path}"), "NOSUCHST")
        assert foreign[0] == 404


@pytest.mark.parametrize("role", READERS, ids=str)
def test_lists_hold_the_own_site_and_not_a_byte_of_another(world: World, role: Role) -> None:
    add_crossed_query(world)
    caller = caller_in(world, role)
    for path in LISTS:
        response = caller.get(path)
        assert CANARY.encode() not in response.content + str(response.headers).encode()
        assert len(response.json()["items"]) == (2 if path == "queries/" else 1)


@pytest.mark.parametrize("role", READERS, ids=str)
def test_a_filter_on_something_foreign_finds_what_a_filter_on_nothing_finds(world: World, role: Role) -> None:
    caller = caller_in(world, role)
    foreign = world.foreign_site
    for path, known, unknown in (
        ("participants/?site={}", foreign.site.code, "99"),
        ("participants/?study={}", world.foreign_study.study.oid, "NOSUCHST"),
        ("participants/?number={}", str(foreign.rows["participant"]), "77-001"),
        ("forms/?participant={}", foreign.key("participant"), str(UNKNOWN)),
        ("forms/?visit={}", foreign.key("visit"), str(UNKNOWN)),
        ("queries/?record={}", foreign.key("record"), str(UNKNOWN)),
    ):
        answers = [caller.get(path.format(value)) for value in (known, unknown)]
        assert answers[0].content == answers[1].content == b'{"items":[],"next_cursor":null}'
        assert answers[0].headers["ETag"] == answers[1].headers["ETag"]


def test_an_administrator_gets_no_token_and_a_session_of_his_is_refused(world: World) -> None:
    client = world.client(Role.ADMINISTRATOR)
    for path in (*LISTS, "audit-events/", "me/"):
        assert client.get(API + path).status_code == 403


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_the_audit_trail_needs_a_role_that_reads_it(world: World, role: Role) -> None:
    response = world.client(role).get(API + "audit-events/")
    reads = allows(role, Permission.USE_API) and allows(role, Permission.VIEW_AUDIT)
    assert response.status_code == (200 if reads else 403)


def event_at(world: World, place: str) -> AuditEvent:
    corner = world.corner(place)
    with open_act("save items", chain=corner.study.chain_key, actor=Actor.system("test")) as act:
        act.note(
            *("FormRecord", corner.key("record"), "save"),
            delta={"TEMP": ["37.0" if place == "own" else CANARY]},
            site=corner.site.pk,
            participant=corner.key("participant"),
        )
    return AuditEvent.objects.latest("pk")


def test_audit_events_of_other_sites_are_neither_listed_nor_read_nor_found_by_a_filter(world: World) -> None:
    event_at(world, "foreign_site")
    own = event_at(world, "own")
    event_at(world, "foreign_study")
    caller = caller_in(world, Role.MONITOR)
    found = caller.items("audit-events/")
    assert [(event["record_id"], event["deltas"]) for event in found] == [(own.record_id, {"TEMP": {"new": "37.0"}})]
    assert found[0]["number"] is None, "a number tells how much happened elsewhere"
    assert caller.json(f"audit-events/{found[0]['id']}/") == found[0]
    assert caller.items(f"audit-events/?participant={own.participant}&item=TEMP&kind=FormRecord") == found
    assert caller.items(f"audit-events/?record={own.record_id}&item=TEM") == []
    assert caller.items(f"audit-events/?participant={world.foreign_site.key('participant')}") == []
    everyone = person("everywhere", world.own.site, Role.DATA_MANAGER, whole_study=True)
    foreign_id = next(e["id"] for e in caller_of(everyone).items("audit-events/?kind=FormRecord") if e["site"] == "02")
    answer = masked(caller.get(f"audit-events/{foreign_id}/"), foreign_id)
    assert answer == masked(caller.get("audit-events/nosuchevent/"), "nosuchevent")
    assert answer[0] == 404


def test_nobody_reads_anything_without_signing_in(world: World) -> None:
    caller = Caller()
    for path in (*LISTS, "audit-events/", "me/", "schema/", "docs/", "token/", "studies/OWNSTUDY/changes/"):
        response = caller.get(path)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Token")


def test_a_token_ends_with_the_last_membership_at_once(world: World) -> None:
    caller = caller_in(world, Role.COORDINATOR)
    assert len(caller.items("participants/")) == 1
    membership = Membership.objects.get(user=world.user(Role.COORDINATOR))
    end_membership(membership, actor=Actor.system("test"), reason="left the team")
    assert caller.get("participants/").status_code == 401


def test_a_token_shows_no_more_than_the_memberships_in_force_today(world: World) -> None:
    user = world.user(Role.COORDINATOR)
    there = world.foreign_site.site
    MembershipFactory(user=user, study=world.own.study, site=there, role=Role.COORDINATOR)
    caller = caller_of(user)
    assert len(caller.items("participants/")) == 2
    Membership.objects.filter(user=user, site=there).update(valid_until="2021-12-31")
    assert [row["site"] for row in caller.items("participants/")] == ["01"]
    Membership.objects.filter(user=user).update(valid_until="2021-12-31")
    assert caller.get("participants/").status_code == 403
    assert caller.get("me/").status_code == 403


def test_a_token_ends_with_the_account_at_once(world: World) -> None:
    user = world.user(Role.MONITOR)
    caller = caller_of(user)
    assert caller.get("me/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert caller.get("me/").status_code == 401
    User.objects.filter(pk=user.pk).update(is_active=True)
    deactivate_user(user, actor=Actor.system("test"), reason="left the hospital")
    assert caller.get("me/").status_code == 401


def test_me_names_the_roles_in_force(world: World) -> None:
    me = caller_in(world, Role.INVESTIGATOR).json("me/")
    assert me["username"] == "own.investigator"
    assert me["roles"] == [{"study": "OWNSTUDY", "site": "01", "role": "investigator"}]
    assert me["token_expires"].endswith("Z")
