"""How often a person may ask, and how often one address may try tokens and passwords.

Rates are settings (``DEFAULT_THROTTLE_RATES``). Counters live in Django's cache: one process counts for itself unless
the cache is shared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class _Throttle(SimpleRateThrottle, ABC):
    def get_rate(self) -> str | None:
        """Read the rate when it is needed, so that a changed setting counts at once."""
        rate = api_settings.DEFAULT_THROTTLE_RATES[str(self.scope)]
        return None if rate is None else str(rate)

    @abstractmethod
    def key_of(self, request: Request) -> str: ...

    def get_cache_key(self, request: Request, view: APIView) -> str:
        del view
        return f"throttle:{self.scope}:{self.key_of(request)}"


class PersonThrottle(_Throttle):
    """All requests of one person, over all of his tokens and sessions."""

    scope = "person"

    def key_of(self, request: Request) -> str:
        return str(request.user.pk or _address(request))


class LogInThrottle(_Throttle):
    """Requests for a token from one address, right or wrong; asked before the password is looked at."""

    scope = "log_in"

    def key_of(self, request: Request) -> str:
        return _address(request)


class FailureThrottle(_Throttle):
    """Requests from one address that did not sign in."""

    scope = "failure"

    def key_of(self, request: Request) -> str:
        return _address(request)


def _address(request: Request) -> str:
    """Return the address as the server saw it; a header anyone can send is not believed."""
    return str(request.META.get("REMOTE_ADDR", ""))


def count(throttle: SimpleRateThrottle, request: Request, view: APIView) -> None:
    """Count a request against a throttle, and refuse it when there were too many."""
    if not throttle.allow_request(request, view):
        raise exceptions.Throttled(wait=throttle.wait())
