"""Saves of the slow arms: competent, one transaction, one statement after the other through the ORM."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction

from tests.benchmarks.eav.models import EavAudit, EavChain, EavForm, EavItem, EavQuery, EavValue
from trials.domain.roles import Role
from trials.models import Membership
from trials.records.services import clock

ENTRY_ROLES = (Role.COORDINATOR.value, Role.INVESTIGATOR.value)


def save_bare(site: UUID, participant: UUID, visit: UUID, code: str, values: Mapping[str, str]) -> EavForm:
    """Read the form, its items and its values once; write a row for every value that is new or another."""
    with transaction.atomic():
        form, _ = EavForm.objects.get_or_create(visit=visit, code=code, defaults=_place(site, participant))
        items = {item.name: item for item in EavItem.objects.filter(form_code=code)}
        current = {value.item_id: value for value in EavValue.objects.filter(form=form)}
        for name, text in values.items():
            _write(form, items[name], text, current)
        form.changed_at = clock.now()
        form.save(update_fields=["changed_at"])
    return form


def save_audited(
    site: UUID,
    participant: UUID,
    visit: UUID,
    code: str,
    values: Mapping[str, str],
    *,
    chain: str,
    user: UUID,
    checks: Mapping[str, tuple[str, str, Decimal]],
) -> EavForm:
    """The same with a permission, an audit row for every item in a hash chain, range checks and cross checks.

    ``checks``: name to (item, other item, how much the first may exceed the other).
    """
    with transaction.atomic():
        _require_entry(user, site)
        form, _ = EavForm.objects.get_or_create(visit=visit, code=code, defaults=_place(site, participant))
        form = EavForm.objects.select_for_update().get(pk=form.pk)
        items = {item.name: item for item in EavItem.objects.filter(form_code=code)}
        current = {value.item_id: value for value in EavValue.objects.filter(form=form)}
        head, _ = EavChain.objects.get_or_create(key=chain)
        head = EavChain.objects.select_for_update().get(pk=chain)
        for name, text in values.items():
            old, new = _write(form, items[name], text, current)
            if old != new:
                _audit(head, form, items[name], old, new, str(user))
        _check(form, items, values, checks)
        form.changed_at = clock.now()
        form.save(update_fields=["changed_at"])
        head.save()
    return form


def _place(site: UUID, participant: UUID) -> dict[str, UUID]:
    return {"site": site, "participant": participant}


def _require_entry(user: UUID, site: UUID) -> None:
    allowed = Membership.objects.filter(user_id=user, site_id=site, role__in=ENTRY_ROLES, user__is_active=True)
    if not allowed.exists():
        raise PermissionDenied


def _write(form: EavForm, item: EavItem, text: str, current: Mapping[int, EavValue]) -> tuple[str | None, str]:
    new = str(Decimal(text))
    row = current.get(item.pk)
    if row is None:
        EavValue.objects.create(form=form, item=item, value=new)
        return None, new
    old = row.value
    if old != new:
        row.value = new
        row.save(update_fields=["value"])
    return old, new


def _audit(head: EavChain, form: EavForm, item: EavItem, old: str | None, new: str, actor: str) -> None:
    at = clock.now()
    head.seq += 1
    header = f"{head.hash}|{head.seq}|{form.pk}|{item.pk}|{old}|{new}|{actor}|{at.isoformat()}"
    previous, head.hash = head.hash, sha256(header.encode()).hexdigest()
    EavAudit.objects.create(
        chain=head,
        seq=head.seq,
        form=form,
        item=item,
        old=old,
        new=new,
        actor=actor,
        at=at,
        previous_hash=previous,
        hash=head.hash,
    )


def _check(
    form: EavForm,
    items: Mapping[str, EavItem],
    values: Mapping[str, str],
    checks: Mapping[str, tuple[str, str, Decimal]],
) -> None:
    open_queries = {query.check_key: query for query in EavQuery.objects.filter(form=form, is_open=True)}
    fired = {}
    for name, item in items.items():
        if name in values and not item.low <= Decimal(values[name]) <= item.high:
            fired[f"range {name}"] = f"{name} is out of range."
    for name, (first, other, more) in checks.items():
        if first in values and other in values and Decimal(values[first]) > Decimal(values[other]) + more:
            fired[name] = "Too far apart."
    for name, text in fired.items():
        if name not in open_queries:
            EavQuery.objects.create(form=form, check_key=name, text=text)
    for name, query in open_queries.items():
        if name not in fired:
            query.is_open = False
            query.save(update_fields=["is_open"])
