"""Actors from users, and the events of access (log-in, log-out, lockout) on the system chain."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import refuse


def actor_of(user: AbstractBaseUser | AnonymousUser, *, request_id: str = "") -> Actor:
    """Return the actor of an authenticated, active person; nobody acts anonymously."""
    if not isinstance(user, User) or not user.is_active:
        raise refuse(
            "not_signed_in",
            expected="an active user who is signed in",
            found="nobody",
            action="Sign in and try again.",
            kind="forbidden",
        )
    actor = Actor(name=user.username, printed_name=user.printed_name, user_id=str(user.pk))
    if request_id:
        actor.cache["request_id"] = request_id
    return actor
