"""Actors from users, and what the system chain tells of access: log-ins, failures, lockouts, log-outs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from trials.domain.roles import Permission
from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import refuse
from trials.records.services.act import SYSTEM_CHAIN, Act, open_act
from trials.selectors.scope import grants_for
from trials.services.noting import Shown, shown

_SECRET = frozenset({"password", "last_login"})
"""Never in the trail: what a password is, not even its hash; and what the log-in event itself tells."""


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


def record_log_in(user: User, *, address: str = "") -> None:
    """Note that a person logged in."""
    _record("log in", actor_of(user), user.pk, {"address": [address]})


def record_log_out(user: User, *, cause: str = "asked") -> None:
    """Note that a session ended: asked for, idle for too long, or past its absolute lifetime."""
    _record("log out", actor_of(user), user.pk, {"cause": [cause]})


def record_failed_log_in(username: str, *, address: str = "", locked: bool = False) -> None:
    """Note a failed log-in, or that an account is locked for a while.

    A name that is not an account's is not written: it may be a password typed into the wrong field.
    """
    user = User.objects.filter(username__iexact=username).only("pk").first()
    record = str(user.pk) if user else "unknown"
    _record("lock out" if locked else "fail to log in", Actor.system("log-in"), record, {"address": [address]})


def record_failed_code(user: User, *, address: str = "") -> None:
    """Note a wrong or re-used code of the second factor."""
    _record("fail second factor", actor_of(user), user.pk, {"address": [address]})


def _record(action: str, actor: Actor, record_id: object, delta: Mapping[str, list[Any]]) -> None:
    with open_act(action, chain=SYSTEM_CHAIN, actor=actor) as act:
        act.note("User", record_id, action, delta=delta)


def require_administrator(actor: Actor) -> None:
    """Refuse unless the actor administers the whole installation: accounts belong to no single study."""
    everywhere = any(grant.study_id is None for grant in grants_for(actor, Permission.MANAGE_USERS))
    if not (actor.is_system or everywhere):
        raise refuse(
            "forbidden",
            expected="an administrator of the installation",
            found="another role",
            action="Ask an administrator.",
            kind="forbidden",
        )


def facts_of(user: User) -> Shown:
    """Return an account's columns as the trail tells them, without what is secret."""
    return {name: value for name, value in shown(user).items() if name not in _SECRET}


def note_account(act: Act, user: User, before: Shown | None, *, action: str, **more: list[Any]) -> None:
    """Note an account's new or changed columns."""
    after = facts_of(user)
    delta: dict[str, list[Any]] = {
        name: [value] if before is None else [before[name], value]
        for name, value in after.items()
        if (value not in (None, "") if before is None else before[name] != value)
    }
    act.note("User", user.pk, action, delta={**delta, **more})
