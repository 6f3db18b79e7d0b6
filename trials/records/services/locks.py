"""Locks and freezes, with a reason: on a record or on everything below a visit, participant, site or study."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError, raise_all, refuse
from trials.records.domain.transitions import is_reason, reason_needed
from trials.records.models import Lock
from trials.records.services.act import Act, open_act

Scope = tuple[str, str]
"""Kind and id of what a lock may cover; kinds are FormRecord, Visit, Participant, Site and Study."""

STRENGTH = {Lock.Level.FROZEN.value: 1, Lock.Level.LOCKED.value: 2}


def place_lock(
    scope_kind: str, scope_id: object, *, level: str, chain: str, actor: Actor, reason: str, site: object = ""
) -> Lock:
    """Place a freeze or a lock; a lock replaces a freeze. Refused without a reason or when one is in force."""
    if level not in STRENGTH:
        raise refuse("lock_level", expected="frozen or locked", found=level, action="Choose one of the two.")
    raise_all([] if is_reason(reason) else [reason_needed(reason)])
    scope = (scope_kind, str(scope_id))
    with open_act("place lock", chain=chain, actor=actor, reason=reason) as act:
        held = _in_force([scope]).select_for_update().first()
        if held is not None and STRENGTH[held.level] >= STRENGTH[level]:
            raise _already(held)
        if held is not None:
            _lift(held, act=act, because=reason)
        lock = Lock(
            chain=chain,
            site=str(site or ""),
            scope_kind=scope_kind,
            scope_id=scope[1],
            level=level,
            reason=reason,
            placed_by=actor.name,
            placed_at=act.at,
        )
        lock.save(force_insert=True)
        fields = ("chain", "site", "scope_kind", "scope_id", "level", "reason", "placed_by")
        delta = {name: [str(getattr(lock, name))] for name in fields}
        delta["placed_at"] = [lock.placed_at.isoformat()]
        act.note("Lock", lock.pk, "place", delta=delta, site=lock.site, reason=reason)
    return lock


def lift_lock(lock: Lock, *, actor: Actor, reason: str) -> Lock:
    """Lift a lock that is in force, with a reason."""
    raise_all([] if is_reason(reason) else [reason_needed(reason)])
    with open_act("lift lock", chain=lock.chain, actor=actor, reason=reason) as act:
        held = Lock.objects.select_for_update().get(pk=lock.pk)
        if held.lifted_at is not None:
            raise refuse(
                "lock_not_in_force",
                expected="a lock that is in force",
                found=f"one that {held.lifted_by} lifted already",
                action="Reload the page.",
                kind="conflict",
            )
        _lift(held, act=act, because=reason)
    return held


def lock_over(scopes: Iterable[Scope]) -> Lock | None:
    """Return the strongest lock in force over any of the scopes, None when all are open; one statement."""
    held = list(_in_force(scopes))
    return max(held, key=lambda lock: STRENGTH[lock.level], default=None)


def locks_over(scopes: Iterable[Scope]) -> dict[Scope, Lock]:
    """Return the locks in force by scope, for lists and sheets; one statement."""
    return {(lock.scope_kind, lock.scope_id): lock for lock in _in_force(scopes)}


def require_unlocked(scopes: Iterable[Scope], *, act: Act | None = None) -> None:
    """Raise a refusal of kind ``locked`` when anything covers the scopes.

    Give the act that is about to write: the look is then repeated when the act closes, under the lock of its chain.
    Without that second look a lock placed between the check and the commit would let one more write through.
    """
    asked = list(scopes)
    _refuse_locked(asked)
    if act is not None:
        act.closing.append(lambda: _refuse_locked(asked))


def _refuse_locked(scopes: list[Scope]) -> None:
    held = lock_over(scopes)
    if held is not None:
        raise refuse(
            "locked",
            expected=f"an open {held.scope_kind}",
            found=f"{held.get_level_display().lower()} by {held.placed_by} ({held.reason})",
            action="Ask a data manager to lift the lock.",
            kind="locked",
        )


def _in_force(scopes: Iterable[Scope]) -> QuerySet[Lock]:
    by_kind: dict[str, list[str]] = {}
    for kind, identity in scopes:
        by_kind.setdefault(kind, []).append(str(identity))
    covered = Q(pk__in=[])
    for kind, ids in by_kind.items():
        covered |= Q(scope_kind=kind, scope_id__in=ids)
    return Lock.objects.filter(covered, lifted_at=None)


def _lift(lock: Lock, *, act: Act, because: str) -> None:
    lock.lifted_by, lock.lifted_at, lock.lifted_because = act.actor.name, act.at, because
    lock.save(update_fields=["lifted_by", "lifted_at", "lifted_because"])
    delta = {name: ["", str(getattr(lock, name))] for name in ("lifted_by", "lifted_because")}
    delta["lifted_at"] = ["", act.at.isoformat()]
    act.note("Lock", lock.pk, "lift", delta=delta, site=lock.site, reason=because)


def _already(held: Lock) -> DomainError:
    return refuse(
        "already_locked",
        expected=f"no lock on this {held.scope_kind}",
        found=f"{held.get_level_display().lower()} by {held.placed_by}",
        action="Lift that one first.",
        kind="conflict",
    )
