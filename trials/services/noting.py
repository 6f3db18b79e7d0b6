"""What an act wrote, as the audit trail tells it: full field sets at creation, old and new of each field at a change.

Every value is text, as Django's own ``to_python`` of the field reads it back, so a replay from empty rebuilds the rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db.models import JSONField, Model

from trials.models import Participant, Site, Visit
from trials.records.services.act import Act

Shown = dict[str, str | None]
NEVER_SHOWN = frozenset({("StudyVersion", "document")})
"""A published document is named by its hashes; its text stays in the version's row."""


def shown(row: Model) -> Shown:
    """Return every column of a row as text (None stays None)."""
    return {
        field.attname: _text(getattr(row, field.attname), is_json=isinstance(field, JSONField))
        for field in row._meta.concrete_fields
        if (type(row).__name__, field.attname) not in NEVER_SHOWN
    }


def _text(value: Any, *, is_json: bool) -> str | None:
    if value is None:
        return None
    if is_json:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str | bool | int | Decimal | uuid.UUID):
        return str(value)
    raise TypeError(f"expected text, a whole number, a decimal, a date or an id, found {type(value).__name__}")


def note_created(act: Act, row: Model, *, action: str = "create", reason: str = "") -> None:
    """Note a new row with all its fields."""
    site, participant = _place(row)
    delta = {name: [value] for name, value in shown(row).items() if value not in (None, "")}
    act.note(type(row).__name__, row.pk, action, delta=delta, site=site, participant=participant, reason=reason)


def note_changed(
    act: Act, row: Model, before: Shown, *, action: str = "change", reason: str = "", only: Collection[str] = ()
) -> list[str]:
    """Note what differs from ``before`` and return the changed columns; note nothing when nothing does."""
    after = shown(row)
    changed = [name for name in after if after[name] != before.get(name) and (not only or name in only)]
    if changed:
        site, participant = _place(row)
        delta = {name: [before.get(name), after[name]] for name in changed}
        act.note(type(row).__name__, row.pk, action, delta=delta, site=site, participant=participant, reason=reason)
    return changed


def note_removed(act: Act, row: Model, *, reason: str = "") -> None:
    """Note that a row was removed, with what stood in it."""
    site, participant = _place(row)
    delta = {name: [value, None] for name, value in shown(row).items() if value not in (None, "")}
    act.note(type(row).__name__, row.pk, "remove", delta=delta, site=site, participant=participant, reason=reason)


def save_changes(act: Act, row: Model, before: Shown, *, action: str = "change", reason: str = "") -> bool:
    """Write and note the columns of a row that differ from ``before``; say whether any did."""
    changed = note_changed(act, row, before, action=action, reason=reason)
    if changed:
        row.save(update_fields=changed)
    return bool(changed)


def _place(row: Model) -> tuple[str, str]:
    if isinstance(row, Participant):
        return str(row.site_id), str(row.pk)
    if isinstance(row, Visit):
        return str(row.site_id), str(row.participant_id)
    if isinstance(row, Site):
        return str(row.pk), ""
    participant = getattr(row, "participant", None)
    if isinstance(participant, Participant):
        return str(participant.site_id), str(participant.pk)
    return str(getattr(row, "site_id", "") or ""), ""
