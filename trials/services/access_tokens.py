"""Tokens of the REST interface: one person's, revocable, never wider than his live grants.

A token carries no rights of its own: each request asks the memberships in force, so it ends where a grant does.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from knox.models import AuthToken

from trials.domain.roles import Permission
from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all
from trials.records.services import clock
from trials.records.services.act import SYSTEM_CHAIN, Act, open_act
from trials.selectors.scope import may_anywhere, unknown
from trials.services.access_factors import second_factor_required

LONGEST = timedelta(days=90)


def mint_token(user: User, *, actor: Actor, verified: bool, days: int = 30) -> tuple[AuthToken, str]:
    """Make a token for oneself and return it with its text, which is shown once and kept nowhere.

    ``verified`` says whether this session passed the second factor; where the person's role requires one, or where he
    has one, a session without it makes no token.
    """
    refusals = []
    if actor.user_id != str(user.pk):
        refusals.append(Refusal("not_own_token", "one's own account", "another's", "Make tokens for yourself only."))
    if not may_anywhere(actor, Permission.USE_API):
        refusals.append(Refusal("no_api_role", "a role that may use the interface", "none", "Ask an administrator."))
    if not verified and second_factor_required(user):
        refusals.append(
            Refusal("second_factor_missing", "a session with second factor", "one without", "Enter the code first.")
        )
    if not timedelta(days=1) <= timedelta(days=days) <= LONGEST:
        refusals.append(Refusal("token_lifetime", f"1 to {LONGEST.days} days", f"{days}", "Shorten it.", where="days"))
    limit = settings.REST_KNOX["TOKEN_LIMIT_PER_USER"]
    held = AuthToken.objects.filter(user=user, expiry__gt=clock.now()).count()
    if held >= limit:
        refusals.append(Refusal("too_many_tokens", f"fewer than {limit} tokens", f"{held}", "Revoke one first."))
    raise_all(refusals, kind="forbidden" if any(each.code != "token_lifetime" for each in refusals) else "invalid")
    with open_act("mint token", chain=SYSTEM_CHAIN, actor=actor) as act:
        token, text = AuthToken.objects.create(user=user, expiry=timedelta(days=days))
        act.note("Token", token.token_key, "mint", delta={"user": [str(user.pk)], "expiry": [token.expiry.isoformat()]})
        return token, text


def revoke_token(token_key: str, *, user: User, actor: Actor, reason: str = "") -> None:
    """End one token of a person; its owner or an administrator may."""
    own = actor.user_id == str(user.pk)
    token = AuthToken.objects.filter(user=user, token_key=token_key).first()
    if token is None or not (own or actor.is_system or may_anywhere(actor, Permission.MANAGE_USERS)):
        raise unknown()
    with open_act("revoke token", chain=SYSTEM_CHAIN, actor=actor, reason=reason) as act:
        _end(act, token)


def revoke_all_tokens(user: User, *, act: Act) -> int:
    """End all tokens of a person within an act of another kind (password change, end of access); return how many."""
    tokens = list(AuthToken.objects.filter(user=user))
    for token in tokens:
        _end(act, token)
    return len(tokens)


def _end(act: Act, token: AuthToken) -> None:
    act.note("Token", token.token_key, "revoke", delta={"user": [str(token.user_id), None]}, chain=SYSTEM_CHAIN)
    token.delete()
