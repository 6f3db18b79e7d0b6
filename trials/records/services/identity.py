"""Proof of identity at the moment of signing, and the count of failed attempts.

A session alone never signs, an API token never signs, the system never signs. Wrong attempts are counted on the system
chain; after five within fifteen minutes that person cannot sign for the rest of them, whatever he then types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django_otp import match_token

from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError, refuse
from trials.records.models import AuditEvent
from trials.records.services import clock
from trials.records.services.act import SYSTEM_CHAIN, Act, current_act, open_act

ATTEMPTS = 5
WITHIN = timedelta(minutes=15)
PROOF_LASTS = timedelta(minutes=2)
FAILED, CONFIRMED, BLOCKED = "signing_failed", "identity_confirmed", "signing_blocked"


@dataclass(frozen=True, slots=True)
class Proof:
    """That a user gave his password at an instant; good for one signing act (which may sign many records)."""

    user_id: str
    at: datetime


_alerts: list[Callable[[str, Act], None]] = []


def register_lockout_alert(alert: Callable[[str, Act], None]) -> None:
    """Have ``alert(user_id, act)`` called in the act that blocks somebody's signing, to tell a security contact."""
    if alert not in _alerts:
        _alerts.append(alert)


def confirm_identity(user: AbstractBaseUser, *, password: str, otp: str = "", actor: Actor, from_token: bool) -> Proof:
    """Return the proof that the actor typed his own password (and code) just now; else count the failure and refuse.

    Not to be called within an act: a refusal there would take back the count. The password is checked outside of any
    transaction, and its answer is given only under the lock of the user's row, so that many attempts at once get no
    more than five answers.
    """
    if current_act() is not None:
        message = (
            "Confirm the identity before the act opens; within it a refusal would take back the count of failures."
        )
        raise RuntimeError(message)
    if from_token or actor.is_system or str(user.pk) != actor.user_id:
        raise refuse(
            "signing_not_in_person",
            expected="a person in a session of his own",
            found="an API token" if from_token else actor.name,
            action="Sign on the page of the record.",
            kind="forbidden",
        )
    _refuse_doubtful_time()
    right = user.is_active and user.check_password(password) and _code_is_right(user, otp)
    with open_act("confirm identity", chain=SYSTEM_CHAIN, actor=actor) as act:
        get_user_model().objects.select_for_update().get(pk=user.pk)
        failures = _recent_failures(str(user.pk), act.at)
        refusal = _judge(str(user.pk), act, right=right, failures=failures)
    if refusal is not None:
        raise refusal
    return Proof(str(user.pk), act.at)


def _refuse_doubtful_time() -> None:
    """Refuse to sign while it is not certain what time it is."""
    difference = clock.difference_to_database()
    if difference > clock.TOLERATED_DIFFERENCE:
        raise refuse(
            "clocks_differ",
            expected=f"clocks of the application and the database within {clock.TOLERATED_DIFFERENCE.seconds} s",
            found=f"{difference.total_seconds():.0f} s apart",
            action="Ask an administrator to set the clocks of the servers; nobody can sign until then.",
            kind="unavailable",
        )


def require_proof(proof: Proof, actor: Actor) -> None:
    """Refuse a proof that is another person's or older than two minutes."""
    if proof.user_id != actor.user_id or not proof.user_id or clock.now() - proof.at > PROOF_LASTS:
        raise refuse(
            "signing_not_confirmed",
            expected="a password given within the last two minutes",
            found="another person's or an older one",
            action="Give your password again.",
            kind="forbidden",
        )


def _code_is_right(user: AbstractBaseUser, otp: str) -> bool:
    """A given code is always judged; one must be given when ``SIGNING_REQUIRES_OTP`` is set."""
    if otp:
        return match_token(user, otp) is not None
    return not getattr(settings, "SIGNING_REQUIRES_OTP", False)


def _recent_failures(user_id: str, at: datetime) -> int:
    """Count the failures since the last success within the window; read from the audit trail, which nobody can edit."""
    actions = AuditEvent.objects.filter(
        record_kind="User", record_id=user_id, action__in=[FAILED, CONFIRMED], at__gt=at - WITHIN
    )
    count = 0
    for action in actions.order_by("-seq").values_list("action", flat=True)[:ATTEMPTS]:
        if action == CONFIRMED:
            break
        count += 1
    return count


def _judge(user_id: str, act: Act, *, right: bool, failures: int) -> DomainError | None:
    """Note the outcome on the act and return the refusal, if any."""
    if failures >= ATTEMPTS:
        return _blocked()
    if right:
        act.note("User", user_id, CONFIRMED)
        return None
    act.note("User", user_id, FAILED, delta={"failures": [str(failures + 1)]})
    if failures + 1 < ATTEMPTS:
        return refuse(
            "signing_password",
            expected="your password and, where asked, the code of your device",
            found="something else",
            action="Try again.",
            kind="forbidden",
        )
    act.note("User", user_id, BLOCKED, reason=f"{ATTEMPTS} failed attempts to sign")
    for alert in _alerts:
        alert(user_id, act)
    return _blocked()


def _blocked() -> DomainError:
    return refuse(
        "signing_blocked",
        expected=f"fewer than {ATTEMPTS} failed attempts within {WITHIN.seconds // 60} minutes",
        found=f"{ATTEMPTS}",
        action="Wait for fifteen minutes. A security contact was told.",
        kind="forbidden",
    )
