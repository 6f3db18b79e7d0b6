"""Refusals that several services of this room share; each returns its refusals so that an act can list them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from trials.domain.states import ParticipantAction, ParticipantState, next_state, sources_of
from trials.models import Participant, Visit
from trials.records.domain.errors import Refusal, raise_all
from trials.records.domain.transitions import is_reason, reason_needed
from trials.records.services import locks
from trials.records.services.act import Act

LOCKED = "locked"


def reason_refusals(reason: str) -> Iterator[Refusal]:
    """Ask for a reason where good clinical practice needs one."""
    if not is_reason(reason):
        yield reason_needed(reason)


def state_refusals(participant: Participant, action: ParticipantAction) -> Iterator[Refusal]:
    """Refuse an act that the participant's state does not open."""
    state = ParticipantState(participant.state)
    if next_state(state, action) is None:
        allowed = ", ".join(each.value.replace("_", " ") for each in sources_of(action))
        yield Refusal(
            "participant_state",
            expected=f"a participant in {allowed} to {action.value}",
            found=f"{participant.number} in {state.value.replace('_', ' ')}",
            action="Check the participant's state; correct what led to it if it is wrong.",
            where="state",
        )


def lock_scopes(participant: Participant, visit: Visit | None = None) -> list[locks.Scope]:
    """Return everything whose lock covers the participant, or one of his visits."""
    scopes = [
        ("Study", str(participant.study_id)),
        ("Site", str(participant.site_id)),
        ("Participant", str(participant.pk)),
    ]
    return scopes if visit is None else [*scopes, ("Visit", str(visit.pk))]


def lock_refusals(participant: Participant, visit: Visit | None = None) -> Iterator[Refusal]:
    """Refuse to change what stands under a lock or freeze of the visit, the participant, the site or the study."""
    for (kind, _), lock in sorted(locks.locks_over(lock_scopes(participant, visit)).items()):
        yield Refusal(
            LOCKED,
            expected=f"an open {kind}",
            found=f"{lock.get_level_display().lower()} by {lock.placed_by} ({lock.reason})",
            action="Ask a data manager to lift the lock.",
        )


def watch_locks(act: Act, participant: Participant, visit: Visit | None = None) -> None:
    """Look for locks once more when the act closes: one placed since the first look must not let this write through."""
    locks.require_unlocked(lock_scopes(participant, visit), act=act)


def raise_refusals(refusals: Iterable[Refusal]) -> None:
    """Raise all refusals at once; a lock among them makes the whole a matter of locks (423)."""
    found = list(refusals)
    raise_all(found, kind=LOCKED if any(refusal.code == LOCKED for refusal in found) else "invalid")


def date_refusals(on: date, participant: Participant, *, today: date) -> Iterator[Refusal]:
    """Refuse a visit's date that cannot be: in the future of the study, before consent or after death."""
    if on > today:
        yield Refusal("date_in_future", f"a date up to {today}", f"{on}", "Enter the day it took place.", where="date")
    if participant.consented_on is not None and on < participant.consented_on:
        yield Refusal(
            "date_before_consent",
            expected=f"a date from {participant.consented_on}, the day of consent",
            found=f"{on}",
            action="Correct this date, or the consent's if that is wrong.",
            where="date",
        )
    if participant.died_on is not None and on > participant.died_on:
        yield Refusal(
            "date_after_death",
            expected=f"a date up to {participant.died_on}, the day of death",
            found=f"{on}",
            action="Correct this date, or the day of death if that is wrong.",
            where="date",
        )
