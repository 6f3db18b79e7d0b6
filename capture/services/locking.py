"""A data manager freezes, locks and unlocks: a record, or everything of a visit, participant, site or study.

A freeze keeps values still while questions about them go on and while the investigator signs. A lock ends everything:
under it nothing is written, no query moves and nothing is signed; so it is refused while a query waits or a form is
still being filled in. Both are lifted with a reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, QuerySet

from capture.models import FormRecord, Query
from capture.selectors.seals import KIND
from trials.domain.roles import Permission
from trials.models import Participant, Site, Study, Visit
from trials.policies import require
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all, refuse
from trials.records.domain.transitions import is_reason, reason_needed
from trials.records.models import Lock
from trials.records.services import clock
from trials.records.services.act import Act, open_act
from trials.records.services.locks import Scope, lift_lock, lock_over, place_lock, require_unlocked

Target = FormRecord | Visit | Participant | Site | Study
WAITING = (Query.State.OPEN, Query.State.ANSWERED)


def scope_of(target: Target) -> Scope:
    """Return the scope that a lock on this covers."""
    return type(target).__name__, str(target.pk)


def freeze_records(target: Target, *, reason: str, actor: Actor) -> Lock:
    """Keep the values of a record, or of everything below a visit or participant, as they are."""
    return _place(target, Lock.Level.FROZEN, reason=reason, actor=actor)


def lock_records(target: Target, *, reason: str, actor: Actor) -> Lock:
    """Lock; refused, with all reasons at once, while a query waits for its answer or closing or a form is unfinished.

    A lock takes the place of a freeze on the same thing.
    """
    return _place(target, Lock.Level.LOCKED, reason=reason, actor=actor)


def unlock_records(target: Target, *, reason: str, actor: Actor) -> Lock:
    """Lift the freeze or lock that stands on this very thing; one on what contains it is lifted there."""
    require(actor, Permission.LOCK_RECORD, target)
    study = _study(target)
    with open_act("lift lock", chain=study.chain_key, actor=actor, study_time=clock.study_now(study), reason=reason):
        held = lock_over([scope_of(target)])
        if held is None:
            raise refuse(
                "lock_not_in_force",
                expected="a freeze or lock on this",
                found="none",
                action="Nothing needs to be done; a lock on the whole visit, participant or study is lifted there.",
                kind="conflict",
            )
        return lift_lock(held, actor=actor, reason=reason)


def lock_blockers(target: Target) -> tuple[Refusal, ...]:
    """Return everything that stands against locking: queries that wait and forms that are not finished; two statements.

    A query that was answered waits as well: under the lock nobody could close it.
    """
    return (*_waiting_queries(target), *_unfinished(target))


def require_not_locked(scopes: list[Scope], *, act: Act) -> None:
    """Refuse under a lock when the act closes, under the lock of its chain; a freeze lets questions go on."""

    def look() -> None:
        held = lock_over(scopes)
        if held is not None and held.level == Lock.Level.LOCKED:
            require_unlocked(scopes)

    act.closing.append(look)


def _place(target: Target, level: Lock.Level, *, reason: str, actor: Actor) -> Lock:
    require(actor, Permission.LOCK_RECORD, target)
    study, (kind, identity) = _study(target), scope_of(target)
    locking = level == Lock.Level.LOCKED
    with open_act(
        "lock" if locking else "freeze",
        chain=study.chain_key,
        actor=actor,
        study_time=clock.study_now(study),
        reason=reason,
    ) as act:
        refusals = [] if is_reason(reason) else [reason_needed(reason)]
        raise_all([*refusals, *(lock_blockers(target) if locking else ())])
        if locking:
            # A save that committed since the look above is seen here, under the lock of the chain; a later one sees us.
            act.closing.append(lambda: raise_all(lock_blockers(target)))
        return place_lock(
            kind,
            identity,
            level=level,
            chain=study.chain_key,
            actor=actor,
            reason=reason.strip(),
            site=getattr(target, "site_id", "") or (target.pk if isinstance(target, Site) else ""),
        )


def _study(target: Target) -> Study:
    return target if isinstance(target, Study) else target.study


def _covered(target: Target) -> QuerySet[FormRecord]:
    """Return the records that a lock on the target covers."""
    field = {KIND: "pk", "Visit": "visit", "Participant": "participant", "Site": "site", "Study": "study"}
    rows = FormRecord.objects.exclude(state=FormRecord.State.REMOVED)
    return rows.filter(**{field[type(target).__name__]: target.pk}).order_by()


def _waiting_queries(target: Target) -> Iterator[Refusal]:
    counts = (
        Query.objects.filter(record__in=_covered(target), state__in=WAITING)
        .order_by()
        .values_list("record__form", "state")
        .annotate(n=Count("pk"))
        .order_by("record__form", "state")
    )
    for form, state, number in counts:
        yield Refusal(
            "open_queries",
            expected="no query that waits",
            found=f"{number} {state}",
            action="Have them answered and close them first.",
            where=form,
        )


def _unfinished(target: Target) -> Iterator[Refusal]:
    counts = (
        _covered(target)
        .filter(state=FormRecord.State.IN_PROGRESS)
        .values_list("form")
        .annotate(n=Count("pk"))
        .order_by("form")
    )
    for form, number in counts:
        yield Refusal(
            "form_in_progress",
            expected="forms that are complete or marked not done",
            found=f"{number} in progress",
            action="Have them completed or marked not done first.",
            where=form,
        )
