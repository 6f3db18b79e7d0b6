"""Every refusal and every fault of the interface as a problem document (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from rest_framework import exceptions
from rest_framework.response import Response

from trials.records.domain.errors import DomainError, Refusal
from trials.selectors.scope import unknown

CONTENT_TYPE = "application/problem+json"
ANCHORS = "/api/v1/problems/#"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem: the end of its ``type``, its status and title, and what it means to a client."""

    slug: str
    status: int
    title: str
    meaning: str


PROBLEMS = (
    Problem("invalid", 400, "Not valid", "Something in the request is wrong; errors name every place."),
    Problem("not-signed-in", 401, "Not signed in", "No token, or one that is unknown, expired or revoked."),
    Problem("forbidden", 403, "Not permitted", "Your roles in force do not permit this."),
    Problem("unknown", 404, "Not found", "It does not exist, or is not yours to see; the two are not told apart."),
    Problem("method", 405, "Method not offered", "The header Allow names the methods of this address."),
    Problem("not-acceptable", 406, "No such form of answer", "Answers are application/json."),
    Problem("conflict", 409, "Changed meanwhile", "The state of things does not permit this now; read again."),
    Problem("media-type", 415, "No such form of request", "Bodies are application/json."),
    Problem("locked", 423, "Locked", "The record is locked."),
    Problem("throttled", 429, "Too many requests", "Wait as many seconds as the header Retry-After says."),
    Problem("failed", 500, "Failed", "A fault of the server; give request_id to whoever runs it."),
    Problem("unavailable", 503, "Not available", "Something that this needs does not answer; try again later."),
)
BY_SLUG: Mapping[str, Problem] = {each.slug: each for each in PROBLEMS}
_BY_STATUS: Mapping[int, Problem] = {each.status: each for each in PROBLEMS}


def handle(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Answer an exception of a view: the exception handler of the whole interface."""
    request: HttpRequest = context["request"]._request
    error = _refused(exc)
    if isinstance(error, DomainError):
        problem = BY_SLUG.get(error.kind, BY_SLUG["invalid"])
        detail = " ".join(str(refusal) for refusal in error)
        return _answer(request, problem, detail, [_entry(refusal) for refusal in error], detail_of=error)
    if isinstance(error, exceptions.APIException):
        problem = _BY_STATUS.get(error.status_code, BY_SLUG["invalid"])
        entries = list(_entries(error.get_full_details())) if isinstance(error, exceptions.ValidationError) else []
        answer = _answer(request, problem, problem.meaning if entries else str(error.detail), entries)
        return _with_headers(answer, error)
    logger.error("The interface failed.", exc_info=exc)
    return _answer(request, BY_SLUG["failed"], BY_SLUG["failed"].meaning, [])


def _refused(exc: Exception) -> Exception:
    """Return foreign, unknown and malformed in one and the same wording."""
    if isinstance(exc, (Http404, exceptions.NotFound)):
        return unknown()
    return exceptions.PermissionDenied() if isinstance(exc, PermissionDenied) else exc


def _answer(
    request: HttpRequest,
    problem: Problem,
    detail: str,
    errors: list[dict[str, str]],
    *,
    detail_of: DomainError | None = None,
) -> Response:
    body: dict[str, Any] = {
        "type": f"{ANCHORS}{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "instance": request.path,
        "errors": errors,
    }
    if detail_of is not None and detail_of.detail:
        body["context"] = detail_of.detail
    if problem.status >= 500:
        body["request_id"] = str(request.META.get("dayzero.request_id", ""))
    return Response(body, status=problem.status, content_type=CONTENT_TYPE)


def _with_headers(answer: Response, error: exceptions.APIException) -> Response:
    challenge, wait = getattr(error, "auth_header", None), getattr(error, "wait", None)
    if challenge:
        answer["WWW-Authenticate"] = challenge
    if wait is not None:
        answer["Retry-After"] = str(max(1, int(wait)))
    return answer


def _entry(refusal: Refusal) -> dict[str, str]:
    return {
        "code": refusal.code,
        "expected": refusal.expected,
        "found": refusal.found,
        "action": refusal.action,
        "where": refusal.where,
    }


def _entries(details: Any, where: str = "") -> Iterator[dict[str, str]]:
    """Flatten the framework's nested messages into entries of ours."""
    if isinstance(details, Mapping) and {"message", "code"} == set(details):
        yield _entry(Refusal(str(details["code"]), str(details["message"]), "", "", where=where))
        return
    parts: Iterable[tuple[str, Any]] = (
        ((f"{where}.{name}" if where else str(name), part) for name, part in details.items())
        if isinstance(details, Mapping)
        else ((where, part) for part in details)
    )
    for place, part in parts:
        yield from _entries(part, place)
