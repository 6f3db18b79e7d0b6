"""One's own tokens, oneself, and the kinds of problems."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from knox.models import AuthToken
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request

from trials.api.authentication import READING, BasicLogIn
from trials.api.bodies import SmallJsonParser
from trials.api.problems import PROBLEMS
from trials.api.shapes import MeShape, NewTokenShape, ProblemKindsShape, TokenRequestShape, TokensShape
from trials.api.throttles import LogInThrottle, count
from trials.api.views import JSON_OPTIONS, ApiView, answer
from trials.models import Site, User
from trials.records.domain.errors import Refusal, raise_all, refuse
from trials.records.services import clock
from trials.selectors.scope import memberships_of
from trials.services.access_factors import has_second_factor, verify_code
from trials.services.access_tokens import mint_token, revoke_token

USUAL_DAYS = 30
MOST_DAYS = 100_000
"""Far beyond what a token may live; a number past it is not even computed with."""


class TokensView(ApiView):
    """Your tokens. Each acts with the roles that you hold at the time of the request, never with more."""

    permission_classes = (IsAuthenticated,)
    parser_classes = (SmallJsonParser,)
    http_method_names = ["get", "head", "post"]

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return the ways to sign in: a token makes no other token."""
        making = self.request is not None and self.request.method == "POST"
        return [each() for each in ((BasicLogIn, SessionAuthentication) if making else READING)]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method == "POST":
            count(LogInThrottle(), request, self)
        super().initial(request, *args, **kwargs)

    @extend_schema(operation_id="token_list", responses=TokensShape)
    def get(self, request: Request) -> HttpResponse:
        """List your tokens that have not expired."""
        rows = AuthToken.objects.filter(user=_person(request), expiry__gt=clock.now()).order_by("created", "token_key")
        return answer(request._request, {"items": [_token(row) for row in rows]})

    @extend_schema(operation_id="token_create", request=TokenRequestShape, responses={201: NewTokenShape})
    def post(self, request: Request) -> HttpResponse:
        """Make a token, by name and password or in a session; its text is shown this once."""
        days, code = _asked(request.data)
        user = _person(request)
        if user.must_change_password:
            raise refuse(
                "password_change_owed",
                expected="a password of your own",
                found="one that must be changed",
                action="Sign in to the pages and change it.",
                kind="forbidden",
            )
        token, text = mint_token(user, actor=self.actor, verified=_verified(request, user, code), days=days)
        body = orjson.dumps({"token": text, **_token(token)}, option=JSON_OPTIONS)
        return HttpResponse(body, status=201, content_type="application/json")


class TokenView(ApiView):
    """One of your tokens, named by its key."""

    permission_classes = (IsAuthenticated,)
    http_method_names = ["delete"]
    keys = {"key": str}

    @extend_schema(operation_id="token_revoke", request=None, responses={204: OpenApiResponse(description="Revoked")})
    def delete(self, request: Request, key: str) -> HttpResponse:
        """Revoke one of your tokens; it may be the one that asks."""
        revoke_token(key, user=_person(request), actor=self.actor)
        return HttpResponse(status=204)


class MeView(ApiView):
    """Who you are here, and which roles of yours are in force today."""

    @extend_schema(operation_id="me", responses=MeShape)
    def get(self, request: Request) -> HttpResponse:
        user, grants = _person(request), memberships_of(self.actor)
        here = {grant.site_id for grant in grants if grant.site_id}
        codes: dict[UUID | None, str] = dict(Site.objects.filter(pk__in=here).values_list("pk", "code"))
        roles = [
            {"study": grant.study_oid, "site": codes.get(grant.site_id), "role": grant.role.value} for grant in grants
        ]
        expires = request.auth.expiry if isinstance(request.auth, AuthToken) else None
        body = {
            "username": user.username,
            "printed_name": user.printed_name,
            "roles": sorted(roles, key=lambda role: (role["study"], role["site"] or "", role["role"])),
            "token_expires": expires,
        }
        return answer(request._request, body)


class ProblemsView(ApiView):
    """What the kinds of problems mean; open to everyone, since who is not signed in meets one."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="problem_kinds", auth=[], responses=ProblemKindsShape)
    def get(self, request: Request) -> HttpResponse:
        return answer(request._request, {"items": [asdict(problem) for problem in PROBLEMS]})


def _person(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


def _token(row: AuthToken) -> dict[str, object]:
    return {"key": row.token_key, "created": row.created, "expires": row.expiry}


def _asked(data: Any) -> tuple[Any, Any]:
    """Return lifetime and code from a request's body; an empty body asks for the usual."""
    given = dict(data) if isinstance(data, dict) else {"body": None}
    days, code = given.pop("days", USUAL_DAYS), given.pop("code", "")
    refusals = [
        Refusal("field", "days and code only", "another field", "Leave it out.", where=str(name)[:40]) for name in given
    ]
    if not isinstance(days, int) or isinstance(days, bool) or abs(days) > MOST_DAYS:
        refusals.append(Refusal("field", "a whole number of days", type(days).__name__, "Correct it.", where="days"))
    if not isinstance(code, str) or not code.isascii():
        refusals.append(Refusal("field", "the code as text", "something else", "Correct it.", where="code"))
    raise_all(refusals)
    return days, code


def _verified(request: Request, user: User, code: str) -> bool:
    """Say whether the second factor was shown: by the session, or by a code now."""
    if getattr(request._request.user, "otp_device", None):
        return True
    if code and has_second_factor(user):
        verify_code(user, code=code)
        return True
    return False
