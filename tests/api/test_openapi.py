"""The OpenAPI document: complete, offline, and kept to by every address for every role."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from capture.services.data_entry import save_items
from config.api_urls import router
from config.wsgi import application
from seeds.factories.access import MembershipFactory
from seeds.factories.capture import participant_in, site_of, slot_at, study_version
from seeds.factories.trials import SYSTEM
from tests.admin.world import World, build_world
from tests.api.caller import API, READERS, Caller, caller_of
from tests.api.test_lists import multiply
from trials.api.views import ListingViewSet
from trials.domain.roles import Role
from trials.models import Site

pytestmark = pytest.mark.django_db
CHECKS: Any = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CASES = 4


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def test_the_document_is_valid_and_made_without_a_warning() -> None:
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    assert "openapi: 3.0" in out.getvalue()


def test_every_address_and_parameter_is_described() -> None:
    paths = document()["paths"]
    assert len(paths) == 30
    forms = {each["name"]: each for each in paths["/api/v1/forms/"]["get"]["parameters"]}
    assert set(forms) == {
        *("study", "site", "participant", "visit", "form", "state", "changed_after"),
        *("limit", "cursor", "If-None-Match"),
    }
    assert set(forms["state"]["schema"]["enum"]) == {"in_progress", "complete", "not_done", "removed"}
    assert forms["participant"]["schema"]["format"] == "uuid"
    values = document()["components"]["schemas"]["FormShape"]["properties"]["values"]
    assert values["additionalProperties"] == {"$ref": "#/components/schemas/ValueShape"}
    detail = {each["name"] for each in paths["/api/v1/forms/{id}/"]["get"]["parameters"]}
    assert detail == {"id", "If-None-Match"}


def test_only_tokens_are_written_and_every_operation_tells_its_problems() -> None:
    written = set()
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            written |= {path} if method != "get" else set()
            answers = operation["responses"]
            assert {"400", "401", "403", "404", "406", "429"} <= set(answers)
            assert set(answers["404"]["content"]) == {"application/problem+json"}
    assert written == {"/api/v1/token/", "/api/v1/token/{key}/"}


def test_the_explorer_loads_nothing_from_elsewhere_and_runs_no_inline_script() -> None:
    world = build_world()
    client = world.client(Role.COORDINATOR)
    page = client.get(API + "docs/")
    html = page.content.decode()
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    static = [address.removeprefix("/static/") for address in addresses if address.startswith("/static/")]
    assert len(static) == 4
    assert all(finders.find(name) for name in static)
    script = next(address for address in addresses if "script" in address and not address.startswith("/static/"))
    assert "/api/v1/schema/" in client.get(script).content.decode()
    assert "script-src 'self' 'unsafe-eval'" in page.headers["Content-Security-Policy"]


def test_the_document_is_served_to_members_only() -> None:
    world = build_world()
    response = world.client(Role.COORDINATOR).get(
        API + "schema/", headers={"Accept": "application/vnd.oai.openapi+json"}
    )
    assert response.status_code == 200
    assert json.loads(response.content)["paths"].keys() == document()["paths"].keys()
    assert Client().get(API + "schema/").status_code == 401


def kinds_of_lists() -> list[type[ListingViewSet]]:
    return [kind for _, kind, _ in router.registry if issubclass(kind, ListingViewSet)]


@pytest.mark.parametrize("kind", kinds_of_lists(), ids=lambda kind: str(kind.__name__))
def test_a_row_has_exactly_the_fields_that_its_shape_declares(kind: type[ListingViewSet]) -> None:
    world = build_world()
    site_of_forms = site_of(study_version("SHAPES"))
    participant = participant_in(site_of_forms.activations.get().version, site_of_forms)
    save_items(slot_at(participant, "", "CM"), {"NAME": "Aspirin"}, actor=SYSTEM, expected_version=0)
    caller = member_of_both(world, site_of_forms, Role.DATA_MANAGER)
    name = {"VersionViewSet": "studies/SHAPES/versions", "AuditEventViewSet": "audit-events"}.get(kind.__name__)
    path = name or next(p for p in document()["paths"] if described_by(p, kind)).removeprefix(API).rstrip("/")
    rows = caller.items(f"{path}/")
    assert rows
    shape: Any = kind.serializer_class
    assert all(set(row) == set(shape().get_fields()) for row in rows)


def described_by(path: str, kind: type[ListingViewSet]) -> bool:
    component = f"Paginated{kind.serializer_class.__name__}List"  # type: ignore[union-attr]
    return component in str(document()["paths"][path].get("get", {}).get("responses", {}).get("200"))


def member_of_both(world: World, site: Site, role: Role) -> Caller:
    user = world.user(role)
    MembershipFactory(user=user, study=site.study, site=site, role=role)
    return caller_of(user)


def known_keys(world: World, path: str) -> dict[str, Any]:
    """Return the keys of rows that exist, for the places in an address."""
    noun = {"forms": "record", "queries": "query"}.get(path.split("/")[3]) or path.split("/")[3].rstrip("s")
    row = world.own.rows.get(noun.replace("-", "_"))
    given = {"oid": "SHAPES", "number": 1, "key": "nosuchtoken", "pk": "nosuchevent"}
    places = re.findall(r"{(\w+)}", path)
    return {place: given[place] if place in given else str(row.pk) if row else "x" for place in places}


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Keep the test's connection open over requests through the real WSGI application, as Django's test client does."""
    moments = (request_started, request_finished)
    for moment in moments:
        moment.disconnect(close_old_connections)
    yield
    for moment in moments:
        moment.connect(close_old_connections)


# One role in each run, all of them in the full check.
ASKING = [role if role == Role.DATA_MANAGER else pytest.param(role, marks=pytest.mark.slow) for role in READERS]


@pytest.mark.parametrize("role", ASKING, ids=str)
def test_every_address_keeps_to_the_document_whatever_it_is_asked(role: Role, one_connection: None) -> None:
    world = build_world()
    multiply(world, 3)
    site = site_of(study_version("SHAPES"))
    participant = participant_in(site.activations.get().version, site)
    save_items(slot_at(participant, "", "CM"), {"NAME": "Aspirin"}, actor=SYSTEM, expected_version=0)
    caller = member_of_both(world, site, role)
    schema = schemathesis.openapi.from_dict(document())
    schema.app = application
    answered: set[int] = set()
    for found in schema.get_all_operations():
        answered |= exercise(found.ok(), caller, world)  # type: ignore[union-attr]
    assert {200, 400, 404} <= answered


def exercise(operation: Any, caller: Caller, world: World) -> set[int]:
    """Ask one operation with bounded cases, the same in every run, with known keys and any; return the statuses."""
    answered: set[int] = set()
    checks = HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large

    @settings(
        max_examples=CASES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(checks),
    )  # fmt: skip
    @given(case=operation.as_strategy(path_parameters=known_keys(world, operation.path)))
    def known(case: Any) -> None:
        answered.add(checked(case))

    @settings(
        max_examples=CASES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(checks),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def anything(case: Any) -> None:
        answered.add(checked(case))

    def checked(case: Any) -> int:
        response = case.call(headers=caller.headers)
        case.validate_response(response, checks=CHECKS)
        return int(response.status_code)

    known()
    anything()
    return answered
