"""Bases of all addresses of the interface: signing in, throttles, and lists that are made without serializers.

A resource declares a serializer, which is the shape in the OpenAPI document and the plan of the columns that are read;
rows then go from the database to JSON without an object per row. What a column cannot tell is filled in by ``finish``,
a page at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any, ClassVar

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework import exceptions, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from trials.api.authentication import READING
from trials.api.cursors import seal, unseal
from trials.api.filters import Filter
from trials.api.pages import CursorPages, limit_of, undeclared
from trials.api.scoped import MayUseInterface, ScopedViewSet, actor_of_api
from trials.api.throttles import FailureThrottle, PersonThrottle, count
from trials.domain.roles import Permission
from trials.models import Study
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all
from trials.selectors.scope import unknown, visible

JSON_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
READ = ["get", "head"]
Row = dict[str, Any]
Rows = list[Row]
"""Named here, since inside a view set ``list`` is the action."""


def answer(request: HttpRequest, body: object, *, link: str = "") -> HttpResponse:
    """Return a body as JSON with its ETag, or 304 when the client has it already."""
    text = orjson.dumps(body, default=str, option=JSON_OPTIONS)
    response = HttpResponse(text, content_type="application/json")
    etag = f'"{sha256(text).hexdigest()[:32]}"'
    response["ETag"] = etag
    if link:
        response["Link"] = link
    conditional = get_conditional_response(request, etag=etag, response=response)
    assert isinstance(conditional, HttpResponse)
    return conditional


class ThrottledFailures(APIView):
    """Counts requests that did not sign in, by address; too many of them are told to wait."""

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except exceptions.AuthenticationFailed:
            count(FailureThrottle(), request, self)
            raise


class ApiView(ThrottledFailures):
    """Base of what is no list of rows."""

    authentication_classes: Sequence[type[BaseAuthentication]] = READING
    permission_classes: Sequence[type[BasePermission]] = (MayUseInterface,)
    throttle_classes = (PersonThrottle,)
    permission: ClassVar[Permission] = Permission.USE_API
    query: ClassVar[Mapping[str, Filter]] = {}
    metadata_class = None
    http_method_names = READ

    @property
    def actor(self) -> Actor:
        return actor_of_api(self.request)

    def find_study(self, oid: str) -> Study:
        return find_study(self.actor, oid)


def find_study(actor: Actor, oid: str) -> Study:
    """Return a study that the actor may read over the interface; foreign and unknown are the same."""
    rows = visible(actor, Study.objects.all(), Permission.VIEW_STUDY, Permission.USE_API)
    study = rows.filter(oid=oid).first()
    if study is None:
        raise unknown()
    return study


@cache
def plan_of(serializer: type[serializers.Serializer[Any]]) -> tuple[tuple[str, str], ...]:
    """Return names and columns of a shape: a field's ``source``, or its name; ``*`` means that no column tells it."""
    fields = serializer().get_fields()
    sources = ((name, str(field.source or name)) for name, field in fields.items())
    return tuple((name, source.replace(".", "__")) for name, source in sources if source != "*")


class ListingViewSet(ThrottledFailures, ScopedViewSet):
    """Lists and single rows, read as columns.

    ``order`` are columns that never change and together are unique; ``query`` the filters; ``also`` columns that
    ``finish`` needs and removes.
    """

    authentication_classes = READING
    throttle_classes = (PersonThrottle,)
    pagination_class = CursorPages
    metadata_class = None
    http_method_names = READ
    lookup_value_regex = "[0-9a-f-]{36}"
    order: ClassVar[tuple[str, ...]] = ("created_at", "pk")
    query: ClassVar[Mapping[str, Filter]] = {}
    also: ClassVar[tuple[str, ...]] = ()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        del args, kwargs
        limit, conditions = self.asked()
        rows = self.columns(self.after(self.get_queryset().filter(**conditions)), limit + 1)
        places = [tuple(row.pop(f"order {n}") for n in range(len(self.order))) for row in rows[:limit]]
        more = seal(self.purpose, *places[-1]) if len(rows) > limit else None
        items = self.finish(rows[:limit])
        return answer(request._request, {"items": items, "next_cursor": more}, link=_link(request, more))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        del args
        raise_all(undeclared(request, set()))
        try:
            rows = self.columns(self.one(self.get_queryset(), kwargs[self.lookup_field]), 1)
        except (ValidationError, ValueError):
            rows = []
        if not rows:
            raise unknown()
        for n in range(len(self.order)):
            rows[0].pop(f"order {n}")
        return answer(request._request, self.finish(rows)[0])

    @property
    def purpose(self) -> str:
        """What cursors of this list are sealed for."""
        return str(self.basename)

    def columns(self, queryset: QuerySet[Any], size: int) -> Rows:
        """Read one page of rows in one statement."""
        plan = plan_of(self.get_serializer_class())  # type: ignore[arg-type]  # a class is hashable
        keys = [*(name for name, _ in plan), *self.also, *(f"order {n}" for n in range(len(self.order)))]
        paths = [*(path for _, path in plan), *self.also, *self.order]
        rows = queryset.order_by(*self.order).values_list(*paths)[:size]
        return [dict(zip(keys, row, strict=True)) for row in rows]

    def one(self, queryset: QuerySet[Any], key: str) -> QuerySet[Any]:
        """Narrow to the row that the address names."""
        return queryset.filter(**{self.lookup_field: key})

    def finish(self, rows: Rows) -> Rows:
        """Fill in what no column tells; a room's own, with a fixed number of statements."""
        return rows

    def asked(self) -> tuple[int, dict[str, Any]]:
        """Return page size and conditions of a request; what cannot be read is refused, all at once."""
        query = self.request.query_params
        limit = limit_of(self.request)
        found = [self.query[name].condition(name, str(query[name])) for name in query if name in self.query]
        refused = undeclared(self.request, {*self.query, "limit", "cursor"})
        raise_all([*refused, *(each for each in (limit, *found) if isinstance(each, Refusal))])
        conditions = {look_up: value for each in found if isinstance(each, dict) for look_up, value in each.items()}
        return limit if isinstance(limit, int) else 0, conditions

    def after(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Leave out everything up to the cursor's place."""
        cursor = self.request.query_params.get("cursor", "")
        return queryset.filter(beyond(self.order, unseal(self.purpose, cursor))) if cursor else queryset


def beyond(order: Sequence[str], place: Sequence[Any]) -> Q:
    """Return the condition of all rows after a place in an order of several columns."""
    condition = Q()
    same: dict[str, Any] = {}
    for column, value in zip(order, place, strict=True):
        condition |= Q(**same, **{f"{column}__gt": value})
        same[column] = value
    return condition


def _link(request: Request, cursor: str | None) -> str:
    """Return the address of the next page as a header (RFC 8288), empty on the last one."""
    if cursor is None:
        return ""
    query = request.query_params.copy()
    query["cursor"] = cursor
    return f'<{request.path}?{query.urlencode()}>; rel="next"'


class UnknownAddress(APIView):
    """Whatever address is not one of the interface, or names a key of the wrong form."""

    authentication_classes = ()
    permission_classes = ()
    schema = None
    metadata_class = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise unknown()

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        raise unknown()
