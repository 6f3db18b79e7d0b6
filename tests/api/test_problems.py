"""Every refusal and every fault as one kind of document."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from rest_framework import exceptions
from rest_framework.request import Request

from tests.admin.world import UNKNOWN, World, build_world
from tests.api.caller import API, caller_in
from trials.api.problems import PROBLEMS
from trials.api.views import ApiView
from trials.domain.roles import Role
from trials.models import User
from trials.records.domain.errors import DomainError, Refusal
from trials.records.services import clock

pytestmark = pytest.mark.django_db
SECRET = "participant 01-007 fell ill"
FAULTS: dict[str, Callable[[], Exception]] = {
    "fault": lambda: RuntimeError(SECRET),
    "permission": lambda: PermissionDenied(SECRET),
    "validation": lambda: exceptions.ValidationError({"rows": [{"dose": ["Too much."]}], "site": "Unknown."}),
    **{
        kind: lambda kind=kind: DomainError(  # type: ignore[misc]
            (Refusal("one", "a", "b", "Do c.", "X"), Refusal("two", "d", "e", "Do f.")), kind=kind, detail={"base": "1"}
        )
        for kind in ("invalid", "forbidden", "unknown", "conflict", "locked", "unavailable", "novel")
    },
}


class Failing(ApiView):
    schema = None

    def get(self, request: Request, kind: str) -> HttpResponse:
        raise FAULTS[kind]()


urlpatterns = [path("api/v1/failing/<kind>/", Failing.as_view()), path("api/v1/", include("config.api_urls"))]
failing = pytest.mark.urls(__name__)


@pytest.fixture
def world() -> World:
    return build_world()


def problem(response: Any, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["type"], body["status"]) == (f"/api/v1/problems/#{slug}", status)
    return body


def test_unknown_is_told_in_exactly_these_words(world: World) -> None:
    address = f"forms/{UNKNOWN}/"
    assert problem(caller_in(world, Role.COORDINATOR).get(address), 404, "unknown") == {
        "type": "/api/v1/problems/#unknown",
        "title": "Not found",
        "status": 404,
        "detail": "expected something that exists and is yours to see, found nothing. Not found, or not yours to see.",
        "instance": API + address,
        "errors": [
            {
                "code": "unknown",
                "expected": "something that exists and is yours to see",
                "found": "nothing",
                "action": "Not found, or not yours to see.",
                "where": "",
            }
        ],
    }


@pytest.mark.parametrize("address", ["forms/abc/", "forms/1/", "nothing/", "studies/A%00B/", "forms", "../forms/x"])
def test_an_address_of_the_wrong_form_is_unknown_too(world: World, address: str) -> None:
    caller = caller_in(world, Role.COORDINATOR)
    wanted = caller.get(f"forms/{UNKNOWN}/").json()
    found = problem(caller.get(address), 404, "unknown")
    assert {**found, "instance": ""} == {**wanted, "instance": ""}


def test_a_filter_that_cannot_be_read_is_told_with_place_expected_found_and_action(world: World) -> None:
    body = problem(caller_in(world, Role.COORDINATOR).get("adverse-events/?min_grade=x"), 400, "invalid")
    assert body["errors"] == [
        {
            "code": "filter",
            "expected": "a whole number from 0 to 1000",
            "found": '"x"',
            "action": "Correct the parameter.",
            "where": "min_grade",
        }
    ]
    assert body["detail"] == 'min_grade: expected a whole number from 0 to 1000, found "x". Correct the parameter.'


def test_who_is_not_signed_in_is_told_how(world: World) -> None:
    response = Client().get(API + "forms/")
    assert problem(response, 401, "not-signed-in")["errors"] == []
    assert response.headers["WWW-Authenticate"] == "Token"


def test_a_role_that_may_not_is_told_so(world: World) -> None:
    problem(caller_in(world, Role.STATISTICIAN).get("audit-events/"), 403, "forbidden")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_nothing_is_written_here_and_allow_says_so(world: World, method: str) -> None:
    caller = caller_in(world, Role.COORDINATOR)
    for address in ("forms/", f"forms/{world.own.key('record')}/", "studies/OWNSTUDY/changes/", "me/"):
        response = getattr(caller.client, method)(API + address, headers=caller.headers)
        problem(response, 405, "method")
        assert response.headers["Allow"] == "GET, HEAD"


def test_a_form_of_answer_that_is_not_offered_is_406(world: World) -> None:
    problem(caller_in(world, Role.COORDINATOR).get("forms/", Accept="application/xml"), 406, "not-acceptable")


def test_a_body_that_is_no_json_is_415(world: World) -> None:
    client = world.client(Role.COORDINATOR)
    problem(client.post(API + "token/", {"days": "7"}), 415, "media-type")


@failing
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        *(("invalid", 400), ("forbidden", 403), ("unknown", 404), ("conflict", 409)),
        *(("locked", 423), ("unavailable", 503), ("novel", 400)),
    ],
)
def test_each_kind_of_refusal_has_its_status_and_all_its_reasons(world: World, kind: str, status: int) -> None:
    slug = "invalid" if kind == "novel" else kind
    body = problem(caller_in(world, Role.COORDINATOR).get(f"failing/{kind}/"), status, slug)
    assert [(error["code"], error["where"]) for error in body["errors"]] == [("one", "X"), ("two", "")]
    assert body["detail"] == "X: expected a, found b. Do c. expected d, found e. Do f."
    assert body["context"] == {"base": "1"}


@failing
def test_a_fault_tells_its_request_and_nothing_of_its_inside(world: World) -> None:
    response = caller_in(world, Role.COORDINATOR).get("failing/fault/")
    body = problem(response, 500, "failed")
    assert SECRET not in response.content.decode()
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f-]{36}", body["request_id"])


@failing
def test_a_refusal_of_the_framework_keeps_its_inside_too(world: World) -> None:
    response = caller_in(world, Role.COORDINATOR).get("failing/permission/")
    problem(response, 403, "forbidden")
    assert SECRET not in response.content.decode()


@failing
def test_messages_of_the_framework_name_their_places(world: World) -> None:
    body = problem(caller_in(world, Role.COORDINATOR).get("failing/validation/"), 400, "invalid")
    assert [(error["where"], error["expected"]) for error in body["errors"]] == [
        ("rows.dose", "Too much."),
        ("site", "Unknown."),
    ]


def test_every_kind_of_problem_can_be_looked_up_by_everyone() -> None:
    items = Client().get(API + "problems/").json()["items"]
    assert [item["slug"] for item in items] == [problem.slug for problem in PROBLEMS]
    assert len({item["status"] for item in items}) == len(items)


def test_a_session_that_was_idle_for_too_long_is_told_so_as_a_problem(world: World) -> None:
    client = world.client(Role.COORDINATOR)
    assert client.get(API + "me/").status_code == 200
    session = client.session
    session["access.seen"] = (clock.now() - timedelta(hours=1)).isoformat()
    session.save()
    assert problem(client.get(API + "me/"), 401, "not-signed-in")["title"] == "Signed out"


def test_a_session_that_still_owes_a_password_is_told_what(world: World) -> None:
    client = world.client(Role.COORDINATOR)
    User.objects.filter(username="own.coordinator").update(must_change_password=True)
    assert problem(client.get(API + "me/"), 403, "forbidden")["owed"] == "admin:password_change"
