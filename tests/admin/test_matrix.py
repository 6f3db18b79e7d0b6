"""Every address x method x role x {own, foreign site, foreign study, unknown}: foreign looks exactly like unknown."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.admin.policy import Row, find_all_leaks, missing_rows, read_policy, url_names
from tests.admin.world import World, build_world
from trials.domain.roles import Role
from trials.models import Participant

POLICY = read_policy()
ROLES: list[Role | None] = [None, *Role]


def test_every_address_has_a_policy_row() -> None:
    lines = missing_rows(url_names(), POLICY)
    assert not lines, "Add to tests/admin/url_policy.toml:\n\n" + "\n\n".join(lines)


def test_every_policy_row_has_an_address() -> None:
    stale = sorted(set(POLICY) - set(url_names()))
    assert not stale, f"Remove from tests/admin/url_policy.toml: {', '.join(stale)}"


def test_a_new_address_without_a_row_is_caught_with_the_lines_to_add() -> None:
    (lines,) = missing_rows(iter(["admin:index", "admin:brand_new"]), POLICY)
    assert lines.startswith('["admin:brand_new"]\naccess = ')


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES, ids=str)
def test_no_address_tells_foreign_from_unknown_shows_a_canary_or_writes_a_foreign_row(role: Role | None) -> None:
    found = find_all_leaks(POLICY.values(), build_world(), role)
    assert not found, "\n".join(found)


def unscoped(request: HttpRequest, participant_id: str) -> HttpResponse:
    """The mistake that the checker exists for: a look-up that asks no policy, and a write on top of it."""
    found = Participant.objects.filter(pk=participant_id).first()
    if found is None:
        return HttpResponse("Not found, or not yours to see.", status=404)
    if request.method == "POST":
        Participant.objects.filter(pk=found.pk).update(state_reason="written")
    return HttpResponse(f"{found.number} {found.state_reason}")


urlpatterns = [path("careless/<str:participant_id>/", unscoped, name="careless")]


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_an_unscoped_view_is_caught_in_all_four_ways() -> None:
    world: World = build_world()
    row = Row("careless", "view participants", (("participant_id", "participant"),), ("get", "post"), "")
    found = "\n".join(find_all_leaks([row], world, Role.COORDINATOR))
    nobody = "\n".join(find_all_leaks([row], world, None))
    assert "GET careless as coordinator: foreign_site is told from unknown (200 and 404)" in found
    assert "GET careless as coordinator: foreign_study shows a canary" in found
    assert "POST careless as coordinator: something foreign was written" in found
    assert "GET careless as nobody: not refused (200)" in nobody
