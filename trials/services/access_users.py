"""Accounts: personal, never re-used, deactivated and never deleted."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all
from trials.records.services.act import SYSTEM_CHAIN, open_act
from trials.services.access import facts_of, note_account, require_administrator
from trials.services.access_passwords import password_refusals
from trials.services.access_tokens import revoke_all_tokens

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,149}")


def create_user(
    *,
    username: str,
    printed_name: str,
    actor: Actor,
    password: str | None = None,
    email: str = "",
    time_zone: str = "UTC",
    is_administrator: bool = False,
    must_change_password: bool = True,
) -> User:
    """Open an account. Without a password nobody can log in to it until an administrator gives it one."""
    require_administrator(actor)
    user = User(
        username=username.strip(),
        printed_name=printed_name.strip(),
        email=email.strip(),
        time_zone=time_zone,
        is_administrator=is_administrator,
        must_change_password=must_change_password,
    )
    raise_all([*_account_refusals(user), *(password_refusals(password, user) if password is not None else [])])
    with open_act("create user", chain=SYSTEM_CHAIN, actor=actor) as act:
        user.created_at = act.at
        user.set_password(password)
        user.password_changed_at = act.at if password is not None else None
        user.save(force_insert=True)
        note_account(act, user, None, action="create")
        return user


def create_administrator(
    *,
    username: str,
    printed_name: str,
    password: str,
    actor: Actor,
    email: str = "",
    time_zone: str = "UTC",
    must_change_password: bool = True,
) -> User:
    """Open the account of an administrator of the installation.

    The system does so for the first one alone: once there is one, only an administrator makes another.
    """
    with open_act("create administrator", chain=SYSTEM_CHAIN, actor=actor):
        if actor.is_system:
            raise_all(_present_administrators())
        return create_user(
            username=username,
            printed_name=printed_name,
            password=password,
            email=email,
            time_zone=time_zone,
            is_administrator=True,
            must_change_password=must_change_password,
            actor=actor,
        )


def _present_administrators() -> list[Refusal]:
    names = list(User.objects.filter(is_administrator=True, is_active=True).values_list("username", flat=True)[:5])
    action = "Name the one of them who opens the new account (--as)."
    expected = "an installation without an administrator, or the name of one"
    return [Refusal("administrator_exists", expected, ", ".join(names), action)] if names else []


def change_account(
    user: User, *, actor: Actor, email: str, time_zone: str, printed_name: str | None = None, reason: str = ""
) -> User:
    """Correct how a person is reached and called.

    Everybody changes his own address and time zone. The name, which stands on signatures, is corrected by an
    administrator, with a reason.
    """
    own = actor.user_id == str(user.pk)
    if not own:
        require_administrator(actor)
    with open_act("change account", chain=SYSTEM_CHAIN, actor=actor, reason=reason) as act:
        locked = User.objects.select_for_update().get(pk=user.pk)
        before, name = facts_of(locked), locked.printed_name
        locked.email, locked.time_zone = email.strip(), time_zone.strip()
        locked.printed_name = name if printed_name is None else printed_name.strip()
        refusals = _detail_refusals(locked)
        if own and locked.printed_name != name:
            refusals.append(
                Refusal(
                    "own_name",
                    expected="the name that stands on your signatures",
                    found=repr(locked.printed_name),
                    action="Ask an administrator to correct it.",
                    where="printed_name",
                )
            )
        if not own and not reason.strip():
            refusals.append(Refusal("reason_missing", "a reason", "none", "Say why.", where="reason"))
        raise_all(refusals)
        if facts_of(locked) == before:
            return locked
        locked.save(update_fields=["email", "time_zone", "printed_name"])
        note_account(act, locked, before, action="change")
        return locked


def _account_refusals(user: User) -> list[Refusal]:
    found = []
    if not _USERNAME.fullmatch(user.username):
        found.append(
            Refusal(
                "username",
                expected="2 to 150 letters, digits, dots, dashes, underscores or @, beginning with a letter or digit",
                found=repr(user.username),
                action="Change it.",
                where="username",
            )
        )
    elif User.objects.filter(username__iexact=user.username).exists():
        found.append(
            Refusal("username_taken", "a name never used before", user.username, "Choose another.", where="username")
        )
    return [*found, *_detail_refusals(user)]


def _detail_refusals(user: User) -> list[Refusal]:
    found = []
    if not user.printed_name:
        found.append(Refusal("printed_name", "the name as it is printed", "none", "Enter it.", where="printed_name"))
    if user.time_zone not in available_timezones():
        found.append(
            Refusal("time_zone", "a zone such as Europe/Berlin", repr(user.time_zone), "Choose one.", where="time_zone")
        )
    try:
        if user.email:
            validate_email(user.email)
    except ValidationError:
        found.append(Refusal("email", "an e-mail address", repr(user.email), "Correct it.", where="email"))
    return found


def deactivate_user(user: User, *, actor: Actor, reason: str) -> User:
    """Close an account: sessions and tokens end at once, what the person did stays his."""
    return _switch(user, active=False, actor=actor, reason=reason)


def reactivate_user(user: User, *, actor: Actor, reason: str) -> User:
    """Open a closed account again, for the same person."""
    return _switch(user, active=True, actor=actor, reason=reason)


def _switch(user: User, *, active: bool, actor: Actor, reason: str) -> User:
    require_administrator(actor)
    refusals = []
    if actor.user_id == str(user.pk):
        refusals.append(Refusal("own_account", "another person's account", "one's own", "Ask another administrator."))
    if not reason.strip():
        refusals.append(Refusal("reason_missing", "a reason", "none", "Say why.", where="reason"))
    raise_all(refusals)
    verb = "reactivate" if active else "deactivate"
    with open_act(f"{verb} user", chain=SYSTEM_CHAIN, actor=actor, reason=reason) as act:
        locked = User.objects.select_for_update().get(pk=user.pk)
        before = facts_of(locked)
        locked.is_active = active
        locked.save(update_fields=["is_active"])
        note_account(act, locked, before, action=verb)
        if not active:
            revoke_all_tokens(locked, act=act)
        user.is_active = active
        return locked
