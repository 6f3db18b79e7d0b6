"""A caller of the interface: a client that carries one person's token and no cookie."""

from __future__ import annotations

from typing import Any

from django.test import Client

from seeds.factories.access import MembershipFactory, UserFactory
from tests.admin.world import World
from trials.domain.roles import Permission, Role, allows
from trials.models import Site, User
from trials.services.access import actor_of
from trials.services.access_tokens import mint_token

API = "/api/v1/"
READERS = [role for role in Role if allows(role, Permission.USE_API)]


class Caller:
    """Asks below ``/api/v1/``."""

    def __init__(self, token: str = "") -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Token {token}"} if token else {}

    def get(self, path: str, **headers: str) -> Any:
        response = self.client.get(API + path, headers={**self.headers, **headers})
        assert not response.cookies, "a request of the interface set a cookie"
        return response

    def json(self, path: str) -> Any:
        response = self.get(path)
        assert response.status_code == 200, response.content
        return response.json()

    def items(self, path: str) -> list[Any]:
        return list(self.json(path)["items"])


def token_of(user: User) -> str:
    """Mint a token as the person himself would."""
    return mint_token(user, actor=actor_of(user), verified=True)[1]


def caller_of(user: User) -> Caller:
    return Caller(token_of(user))


def person(
    username: str, site: Site | None = None, role: Role = Role.COORDINATOR, *, whole_study: bool = False
) -> User:
    """Return an account, with a role at a site (or at all sites of its study) when one is given."""
    made: User = UserFactory(username=username)  # type: ignore[no-untyped-call, assignment]
    if site is not None:
        where = {"study": site.study, "site": None if whole_study else site}
        MembershipFactory(user=made, role=role, **where)  # type: ignore[no-untyped-call]
    return made


def caller_at(site: Site, role: Role = Role.COORDINATOR, *, whole_study: bool = False) -> Caller:
    """Return a caller with one role at a site, or at all sites of its study."""
    name = f"{role.value}.{site.study.oid}.{site.code}.{whole_study}".lower()
    return caller_of(person(name, site, role, whole_study=whole_study))


def caller_in(world: World, role: Role) -> Caller:
    """Return the person who holds a role at the first site of a world."""
    return caller_of(world.user(role))
