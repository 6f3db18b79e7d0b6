"""What every request passes: who acts, how long a session lives, which gate stands before the rest."""

from __future__ import annotations

from django.http import HttpRequest

from trials.records.domain.actors import Actor
from trials.services.access import actor_of

_ACTOR = "_dayzero_actor"


def actor_of_request(request: HttpRequest) -> Actor:
    """Return the one actor of a request; its memberships are read once."""
    found = getattr(request, _ACTOR, None)
    if not isinstance(found, Actor) or found.user_id != str(request.user.pk):
        found = actor_of(request.user)
        setattr(request, _ACTOR, found)
    return found
