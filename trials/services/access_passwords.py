"""Passwords: rules, change by their owner, replacement by an administrator.

Sessions carry a keyed hash of the password, so a change ends every other session at its next request.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from trials.models import PastPassword, Study, User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all
from trials.records.services.act import SYSTEM_CHAIN, Act, open_act
from trials.services.access import facts_of, note_account, require_administrator
from trials.services.access_tokens import revoke_all_tokens


def change_password(user: User, *, old: str, new: str, actor: Actor) -> User:
    """Change one's own password, proved by the old one; tokens end, and so do all other sessions."""
    refusals = []
    if actor.user_id != str(user.pk):
        refusals.append(Refusal("not_own_password", "one's own account", "another's", "Change your own password."))
    if not user.check_password(old):
        refusals.append(Refusal("old_password", "the present password", "another", "Type it again.", where="old"))
    raise_all([*refusals, *password_refusals(new, user)])
    with open_act("change password", chain=SYSTEM_CHAIN, actor=actor) as act:
        return _set(act, user, new, must_change=False, action="change password")


def replace_password(user: User, *, new: str, actor: Actor, reason: str) -> User:
    """Give a person a new password, to be changed at the next log-in; nobody replaces his own this way."""
    require_administrator(actor)
    refusals = list(password_refusals(new, user))
    if actor.user_id == str(user.pk):
        refusals.append(Refusal("own_password", "another person's account", "one's own", "Use the page for your own."))
    if not reason.strip():
        refusals.append(Refusal("reason_missing", "a reason", "none", "Say why.", where="reason"))
    raise_all(refusals)
    with open_act("replace password", chain=SYSTEM_CHAIN, actor=actor, reason=reason) as act:
        return _set(act, user, new, must_change=True, action="replace password")


def set_demo_password(user: User, *, new: str, actor: Actor) -> User:
    """Give a demo account a password that need not be changed: only the system does so, never where a study is real."""
    refusals = []
    if not actor.is_system:
        action = "Replace the password on the person's page."
        refusals.append(Refusal("not_the_system", "a command of this installation", actor.name, action))
    real = Study.objects.filter(simulated=False).order_by("oid").values_list("oid", flat=True).first()
    if real is not None:
        action = "Replace the password on the person's page."
        refusals.append(Refusal("real_study", "a database with simulated studies only", real, action))
    raise_all([*refusals, *_rule_refusals(new, user)])
    with open_act("set demo password", chain=SYSTEM_CHAIN, actor=actor) as act:
        return _set(act, user, new, must_change=False, action="set demo password")


def _set(act: Act, user: User, new: str, *, must_change: bool, action: str) -> User:
    locked = User.objects.select_for_update().get(pk=user.pk)
    before = facts_of(locked)
    if locked.has_usable_password():
        PastPassword.objects.create(user=locked, password=locked.password, changed_at=act.at)
    locked.set_password(new)
    locked.must_change_password, locked.password_changed_at = must_change, act.at
    locked.save(update_fields=["password", "must_change_password", "password_changed_at"])
    note_account(act, locked, before, action=action)
    revoke_all_tokens(locked, act=act)
    user.password, user.must_change_password = locked.password, must_change
    user.password_changed_at = locked.password_changed_at
    return locked


def password_refusals(new: str, user: User) -> list[Refusal]:
    """Return all reasons why a text may not be this person's next password; the text itself is never repeated."""
    refusals = _rule_refusals(new, user)
    if len(new) <= settings.PASSWORD_MAXIMUM_LENGTH and _used_before(new, user):
        refusals.append(
            Refusal(
                "password_reused",
                expected=f"a password that is none of the last {settings.PASSWORDS_REMEMBERED}",
                found="one of them",
                action="Choose another.",
                where="new",
            )
        )
    return refusals


def _rule_refusals(new: str, user: User) -> list[Refusal]:
    longest = settings.PASSWORD_MAXIMUM_LENGTH
    if len(new) > longest:
        return [_weak(f"at most {longest} characters", f"{len(new)}")]  # hashing a text without bound is work
    try:
        validate_password(new, user)
    except ValidationError as error:
        return [_weak(message, "a password that breaks this rule") for message in error.messages]
    return []


def _weak(expected: str, found: str) -> Refusal:
    return Refusal("password_weak", expected=expected, found=found, action="Choose another.", where="new")


def _used_before(new: str, user: User) -> bool:
    """Compare with the present password and those before it, as many as are remembered in all."""
    if user._state.adding:
        return False
    former = user.past_passwords.order_by("-changed_at", "-pk").values_list("password", flat=True)
    hashes = [user.password, *former[: settings.PASSWORDS_REMEMBERED - 1]]
    return any(check_password(new, each) for each in hashes)
