"""One log line a request: its id, method, route (never its path) and answer; the id goes back in a header."""

from __future__ import annotations

import uuid
from typing import cast

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject, empty
from django_structlog.middlewares.request import RequestMiddleware

REQUEST_ID_HEADER = "X-Request-ID"


class RequestLogMiddleware(RequestMiddleware):
    """The library's middleware without what may name a participant: paths, query strings, addresses, browsers."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = str(uuid.uuid4())
        request.META["dayzero.request_id"] = request_id
        response = cast("HttpResponse", super().__call__(request))
        response.headers[REQUEST_ID_HEADER] = request_id
        return response

    def prepare(self, request: HttpRequest) -> None:
        """Bind the request's id, which is never taken from the request: audit events carry it."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.META["dayzero.request_id"])

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return the method and the route's pattern; a path or query string may hold ids or search words."""
        match = request.resolver_match
        return f"{request.method} {match.route if match else '(no route)'}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Bind the account's id if the request looked it up; the log must not cost a statement of its own."""
        user = getattr(request, "user", None)
        if isinstance(user, SimpleLazyObject) and user._wrapped is not empty and user.pk is not None:
            structlog.contextvars.bind_contextvars(user_id=str(user.pk))
