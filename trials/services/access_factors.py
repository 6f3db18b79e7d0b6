"""The second factor: a time-based code (RFC 6238), recovery codes, and who must have one.

Recovery codes are kept as keyed digests, so that the table does not tell them; each works once.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from trials.domain.roles import Role
from trials.models import User
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all, refuse
from trials.records.services.act import SYSTEM_CHAIN, open_act
from trials.selectors.scope import memberships_of
from trials.services.access import actor_of, require_administrator

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def second_factor_required(user: User, *, actor: Actor | None = None) -> bool:
    """Say whether this person may work only with a second factor: his role asks for it, or he has set one up."""
    return has_second_factor(user) or role_requires(user, actor=actor)


def role_requires(user: User, *, actor: Actor | None = None) -> bool:
    """Say whether one of the person's roles in force is among those that the settings name."""
    named = {Role(name) for name in settings.SECOND_FACTOR_ROLES}
    return bool(named) and any(grant.role in named for grant in memberships_of(actor or actor_of(user)))


def has_second_factor(user: User) -> bool:
    """Say whether the person has a confirmed device."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def begin_enrolment(user: User) -> TOTPDevice:
    """Return the person's device that waits for its first code, made at need; it proves nothing before that."""
    device = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    return device or TOTPDevice.objects.create(user=user, name="authenticator", confirmed=False)


def confirm_enrolment(user: User, *, code: str, actor: Actor) -> tuple[TOTPDevice, list[str]]:
    """Take the device into use by its first code and return it with new recovery codes, which are shown once."""
    if actor.user_id != str(user.pk):
        raise refuse("not_own_device", expected="one's own account", found="another's", action="Set up your own.")
    device = begin_enrolment(user)
    if verify_token(user, device.persistent_id, _plain(code)) is None:
        raise _wrong_code()
    with open_act("set up second factor", chain=SYSTEM_CHAIN, actor=actor) as act:
        _remove_devices(user, but=device.pk)
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        device.refresh_from_db()
        codes = _new_recovery_codes(user)
        act.note("User", user.pk, "set up second factor", delta={"recovery_codes": [str(len(codes))]})
        return device, codes


def verify_code(user: User, *, code: str) -> Device:
    """Return the device that accepts a code, or refuse; a code that was used is wrong, as is one sent too fast."""
    text = _plain(code)
    for device in TOTPDevice.objects.filter(user=user, confirmed=True):
        if text.isdigit() and verify_token(user, device.persistent_id, text) is not None:
            return device
    for static in StaticDevice.objects.filter(user=user, confirmed=True):
        if not text.isdigit() and verify_token(user, static.persistent_id, _digest(user, text)) is not None:
            return static
    raise _wrong_code()


def remove_second_factor(user: User, *, actor: Actor, reason: str) -> None:
    """Remove a lost device, by an administrator and never one's own; the role's requirement stays."""
    require_administrator(actor)
    refusals = []
    if actor.user_id == str(user.pk):
        refusals.append(Refusal("own_device", "another person's account", "one's own", "Ask another administrator."))
    if not reason.strip():
        refusals.append(Refusal("reason_missing", "a reason", "none", "Say why.", where="reason"))
    raise_all(refusals)
    with open_act("remove second factor", chain=SYSTEM_CHAIN, actor=actor, reason=reason) as act:
        _remove_devices(user)
        act.note("User", user.pk, "remove second factor")


def replace_recovery_codes(user: User, *, actor: Actor) -> list[str]:
    """Give new recovery codes; the old ones end."""
    with open_act("replace recovery codes", chain=SYSTEM_CHAIN, actor=actor) as act:
        codes = _new_recovery_codes(user)
        act.note("User", user.pk, "replace recovery codes", delta={"recovery_codes": [str(len(codes))]})
        return codes


def _remove_devices(user: User, *, but: object = None) -> None:
    TOTPDevice.objects.filter(user=user).exclude(pk=but).delete()
    StaticDevice.objects.filter(user=user).delete()


def _new_recovery_codes(user: User) -> list[str]:
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery codes", confirmed=True)
        codes = ["x" + "".join(secrets.choice(_ALPHABET) for _ in range(11)) for _ in range(settings.RECOVERY_CODES)]
        StaticToken.objects.bulk_create(StaticToken(device=device, token=_digest(user, code)) for code in codes)
    return codes


def _digest(user: User, code: str) -> str:
    return salted_hmac("dayzero.recovery", f"{user.pk}:{code}", algorithm="sha256").hexdigest()[:16]


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()[:32]


def _wrong_code() -> Exception:
    return refuse(
        "wrong_code",
        expected="the code that the device shows now, not used before",
        found="another",
        action="Wait for the next code and type that one.",
        where="code",
        kind="forbidden",
    )


__all__ = [
    "begin_enrolment",
    "confirm_enrolment",
    "has_second_factor",
    "remove_second_factor",
    "replace_recovery_codes",
    "role_requires",
    "second_factor_required",
    "verify_code",
]
