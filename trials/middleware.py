"""What every request passes: who acts, how long a session lives, which gate stands before the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError, Refusal
from trials.records.services import clock
from trials.selectors.scope import unknown
from trials.services.access import actor_of, record_log_out
from trials.services.access_factors import has_second_factor, role_requires

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_ACTOR = "_dayzero_actor"
BEGAN, SEEN = "access.began", "access.seen"
SEEN_EVERY = timedelta(seconds=10)
"""How old the note of the last request may grow before it is written anew; spares a write per request."""

ALWAYS_OPEN = frozenset({"admin:logout", "admin:login", "admin:jsi18n", "admin:session", "healthz", "readyz"})
STATUS = {"invalid": 400, "forbidden": 403, "unknown": 404, "conflict": 409, "locked": 423, "unavailable": 503}


def actor_of_request(request: HttpRequest) -> Actor:
    """Return the one actor of a request; its memberships are read once."""
    found = getattr(request, _ACTOR, None)
    if not isinstance(found, Actor) or found.user_id != str(request.user.pk):
        found = actor_of(request.user)
        setattr(request, _ACTOR, found)
    return found


def address_of(request: HttpRequest) -> str:
    """Return the address the request came from, as the server saw it; a header anyone can send is not believed."""
    return str(request.META.get("REMOTE_ADDR", ""))


def in_background(request: HttpRequest) -> bool:
    """Say whether a page asked by itself (polling): such a request keeps nobody logged in."""
    return bool(request.headers.get("X-Background"))


def idle_left(request: HttpRequest) -> int:
    """Return how many seconds this session may still stay idle."""
    seen = request.session.get(SEEN)
    gone = clock.now() - datetime.fromisoformat(seen) if seen else timedelta()
    return max(0, settings.SESSION_IDLE_SECONDS - int(gone.total_seconds()))


def begin_session(request: HttpRequest) -> None:
    """Note when a session began and was last used."""
    request.session[BEGAN] = request.session[SEEN] = clock.now().isoformat()


def session_lifetime(get_response: GetResponse) -> GetResponse:
    """End sessions that were idle for too long or have reached their absolute age."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        person = request.user
        if isinstance(person, User) and "_auth_user_id" in request.session:
            cause = _expired(request)
            if cause:
                record_log_out(person, cause=cause)
                logout(request)
                return _to_log_in(request)
        return get_response(request)

    return middleware


def _expired(request: HttpRequest) -> str:
    """Return why a session ends now, or nothing; note its use unless the request came by itself."""
    now = clock.now()
    if BEGAN not in request.session:
        begin_session(request)
    if now - datetime.fromisoformat(request.session[BEGAN]) >= timedelta(seconds=settings.SESSION_COOKIE_AGE):
        return "absolute lifetime"
    idle = now - datetime.fromisoformat(request.session[SEEN])
    if idle >= timedelta(seconds=settings.SESSION_IDLE_SECONDS):
        return "idle"
    if idle >= SEEN_EVERY and not in_background(request):
        request.session[SEEN] = now.isoformat()
    return ""


def _to_log_in(request: HttpRequest) -> HttpResponse:
    """Send a page to the log-in and back, and tell a script by a status it understands."""
    back = request.get_full_path() if request.method == "GET" else request.headers.get("Referer", "")
    target = f"{reverse('admin:login')}?{urlencode({'next': _local(back)})}"
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=401)
        answer.headers["HX-Redirect"] = target
        return answer
    if request.path.startswith("/api/") or in_background(request):
        return _problem(request, "not-signed-in", _("Signed out"), status=401)
    return HttpResponseRedirect(target)


def _problem(request: HttpRequest, slug: str, title: str, *, status: int, **more: str) -> JsonResponse:
    """Tell a script what stands in its way, as the REST interface tells it (RFC 9457)."""
    kind = {"type": f"/api/v1/problems/#{slug}", "title": title, "status": status, "detail": title}
    body = {**kind, "instance": request.path, "errors": [], **more}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def _local(address: str) -> str:
    """Return the path of an address of this house; whatever stands before it is dropped."""
    return "/" + address.split("://", 1)[-1].split("/", 1)[-1] if "://" in address else address


class AccessGate:
    """Lets a signed-in person no further than the page of what is still owed: code, new password, second factor."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        person = request.user
        if not isinstance(person, User):
            return self.get_response(request)
        owed = owed_page(request, person)
        if not owed or _name(request) in ALWAYS_OPEN | {owed}:
            return self.get_response(request)
        if request.path.startswith("/api/") or in_background(request):
            return _problem(request, "forbidden", _("Not fully signed in"), status=403, owed=owed)
        back = request.get_full_path() if request.method == "GET" else ""
        return HttpResponseRedirect(f"{reverse(owed)}?{urlencode({'next': back})}")


def owed_page(request: HttpRequest, person: User) -> str:
    """Return the name of the page that stands before all others, or nothing."""
    verified = bool(getattr(request.user, "otp_device", None))
    if not verified and has_second_factor(person):
        return "admin:second_factor"
    if person.must_change_password:
        return "admin:password_change"
    if not verified and role_requires(person, actor=actor_of_request(request)):
        return "admin:second_factor_setup"
    return ""


def _name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


class RefusalPages:
    """Shows refusals of pages as a page: all reasons at once, and foreign and unknown in the same words."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if request.path.startswith("/api/"):
            return None
        if isinstance(exception, Http404):
            exception = unknown()
        if isinstance(exception, PermissionDenied):
            exception = DomainError((_plain_refusal(exception),), kind="forbidden")
        if not isinstance(exception, DomainError):
            return None
        context = {"refusals": exception.refusals, "kind": exception.kind, "title": _title(exception.kind)}
        return render(request, "trials/access/refused.html", context, status=STATUS.get(exception.kind, 400))


def _plain_refusal(exception: PermissionDenied) -> Refusal:
    return Refusal("forbidden", _("a role with the right to do this"), _("another role"), str(exception))


def _title(kind: str) -> str:
    return {"unknown": _("Not found"), "forbidden": _("Not permitted"), "conflict": _("Changed meanwhile")}.get(
        kind, _("Refused")
    )
