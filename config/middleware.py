"""Small rules for every answer and every session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase

from trials.records.services import clock

SESSION_BEGAN = "dayzero.began"

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def no_store(get_response: GetResponse) -> GetResponse:
    """Keep pages and data out of every cache; static files are answered before this."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware


def end_old_sessions(get_response: GetResponse) -> GetResponse:
    """Log out a session that is older than its absolute lifetime, however busy it has been.

    The cookie's age alone does not do it: each save of a session gives it the full age anew.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and "_auth_user_id" in request.session:
            began = request.session.get(SESSION_BEGAN)
            if began is None:
                request.session[SESSION_BEGAN] = clock.now().isoformat()
            elif clock.now() - datetime.fromisoformat(began) >= timedelta(seconds=settings.SESSION_COOKIE_AGE):
                logout(request)
        return get_response(request)

    return middleware
