"""What seals a record: signatures in force, freezes and locks, and the hash that a signature is bound to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal
from uuid import UUID

from capture.models import FormRecord
from trials.records.domain.signing import content_hash
from trials.records.models import Signature
from trials.records.services.locks import STRENGTH, Scope, locks_over
from trials.records.services.signatures import manifest, signatures_of, valid_signatures

Seal = Literal["signed", "frozen", "locked"]
KIND = "FormRecord"
BY_STRENGTH: Mapping[int, Seal] = {1: "frozen", 2: "locked"}


def lock_scopes(record: FormRecord) -> list[Scope]:
    """Return everything whose lock covers a record."""
    scopes = [
        (KIND, str(record.pk)),
        ("Participant", str(record.participant_id)),
        ("Site", str(record.site_id)),
        ("Study", str(record.study_id)),
    ]
    return [*scopes, ("Visit", str(record.visit_id))] if record.visit_id else scopes


def form_seals(records: Iterable[FormRecord]) -> dict[UUID, Seal]:
    """Return the foremost seal of each sealed record by its id: locked before frozen before signed.

    For a whole page, participant or casebook at once: one statement for locks and one for signatures.
    """
    rows = list(records)
    if not rows:
        return {}
    held = locks_over(dict.fromkeys(scope for row in rows for scope in lock_scopes(row)))
    signed = set(
        Signature.objects.filter(record_kind=KIND, record_id__in=[str(row.pk) for row in rows], invalidated_at=None)
        .order_by()
        .values_list("record_id", flat=True)
    )
    found: dict[UUID, Seal] = {}
    for row in rows:
        strength = max((STRENGTH[held[scope].level] for scope in lock_scopes(row) if scope in held), default=0)
        if strength:
            found[row.pk] = BY_STRENGTH[strength]
        elif str(row.pk) in signed:
            found[row.pk] = "signed"
    return found


def locked_ids(records: Collection[FormRecord]) -> frozenset[UUID]:
    """Return the records that a lock covers (a freeze does not count); one statement."""
    held = locks_over(dict.fromkeys(scope for row in records for scope in lock_scopes(row)))
    locks = {scope for scope, lock in held.items() if lock.level == "locked"}
    return frozenset(row.pk for row in records if locks.intersection(lock_scopes(row)))


def record_hash(record: FormRecord, *, version: int | None = None) -> str:
    """Return the hash a signature of this record is bound to; ``version`` is the signature's when one is checked.

    It covers the values, the state and the shape of the form's definition. A publication that only changes texts keeps
    the shape, so it breaks no signature; nor do windows and study days, which are never stored in a record.
    """
    content = {
        "form": record.form,
        "definition": str(record.definition_id),
        "shape": record.definition.shape_hash,
        "state": record.state,
        "data": record.data,
    }
    return content_hash(KIND, str(record.pk), record.version if version is None else version, content)


def signature_lines(record: FormRecord) -> list[dict[str, str]]:
    """Return all signatures a record ever had, oldest first: printed name, time with zone, meaning, why no longer."""
    return [
        {**manifest(row), "invalidated_because": row.invalidated_because, "holds": "" if row.invalidated_at else "1"}
        for row in signatures_of(KIND, record.pk)
    ]


def held_lines(records: Iterable[FormRecord]) -> dict[UUID, list[dict[str, str]]]:
    """Return the three parts of every signature in force by record, for a page that shows the forms; one statement."""
    rows = {str(row.pk): row.pk for row in records}
    held = valid_signatures(KIND, rows) if rows else {}
    return {rows[key]: [manifest(each) for each in signatures] for key, signatures in held.items()}
