"""Who asks: by token, by session, or, to get a token, by name and password."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.request import Request

from trials.api.scoped import AccessTokenAuthentication
from trials.middleware import address_of
from trials.models import User
from trials.records.services import clock
from trials.services.access import record_failed_log_in

TOKEN_LENGTH = 64


class ApiToken(AccessTokenAuthentication):
    """Header ``Authorization: Token <text>``; unknown, short, expired and revoked are one and the same 401."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, Any]:
        if len(token) != TOKEN_LENGTH or not token.isalnum():
            raise exceptions.AuthenticationFailed(_("Invalid token."))
        found: tuple[User, Any] = TokenAuthentication.authenticate_credentials(self, token)
        return found

    def _cleanup_token(self, auth_token: Any) -> bool:
        """Only look: reading deletes nothing, and tokens end in acts that are audited."""
        expiry: datetime | None = auth_token.expiry
        return expiry is not None and expiry < clock.now()


class BasicLogIn(BaseAuthentication):
    """Header ``Authorization: Basic …``, where a token is asked for; counted and locked like the log-in page."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != b"basic":
            return None
        name, password = _read(header[1] if len(header) == 2 else b"")
        http = request._request
        user = authenticate(http, username=name.strip().lower()[:150], password=password[:1000])
        locked = bool(getattr(http, "axes_locked_out", False))
        http.axes_locked_out = False  # type: ignore[attr-defined]  # else axes answers with the log-in page
        if not isinstance(user, User):
            record_failed_log_in(name.strip().lower()[:150], address=address_of(http), locked=locked)
            if locked:
                raise exceptions.Throttled(wait=settings.AXES_COOLOFF_TIME.total_seconds())
            raise exceptions.AuthenticationFailed(_("Name and password do not fit each other."))
        return user, None

    def authenticate_header(self, request: Request) -> str:
        del request
        return 'Basic realm="Day Zero", charset="UTF-8"'


def _read(coded: bytes) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError) as fault:
        raise exceptions.AuthenticationFailed(_("The header Authorization cannot be read.")) from fault
    if not colon or "\0" in name + password:
        raise exceptions.AuthenticationFailed(_("The header Authorization cannot be read."))
    return name, password


READING = (ApiToken, SessionAuthentication)
"""Ways to sign in for everything but getting a token."""
