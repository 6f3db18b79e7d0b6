"""Drafts: what one user typed and has not saved, kept on the server for him alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from capture.definition.compiled import form_set
from capture.domain.null_flavours import NullFlavour
from capture.models import Draft, FormRecord
from capture.policies import require_entry
from capture.services.changes import Changes, find_item
from capture.services.opening import as_slot
from capture.services.slots import Slot
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal, raise_all, refuse
from trials.records.services import clock

KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class OpenDraft:
    """A draft beside what is saved: ``stale`` when somebody saved since; then ``saved`` stands beside each typed
    text."""

    changes: dict[str, str | NullFlavour | None]
    base_version: int
    saved_version: int
    saved: dict[str, Any]

    @property
    def stale(self) -> bool:
        """Whether the record was saved after the draft was begun."""
        return self.base_version != self.saved_version


def save_draft(target: FormRecord | Slot, changes: Changes, *, actor: Actor, base_version: int) -> Draft:
    """Keep typed texts, valid or not, in place of those kept before; nothing clinical is written or audited."""
    slot = as_slot(target)
    if not actor.user_id:
        raise refuse("draft_of_person", expected="a person", found=actor.name, action="Save the items instead.")
    require_entry(actor, slot.record if slot.record is not None else slot.participant)
    form = form_set(slot.definition).forms.get(slot.form)
    known = form is not None
    raise_all(
        Refusal("unknown_item", f"an item of {slot.form}", path, "Reload the page.", path)
        for path in changes
        if not known or form is None or find_item(form, path) is None
    )
    draft, _ = Draft.objects.get_or_create(
        user_id=actor.user_id,
        slot=slot.key,
        defaults={
            "participant": slot.participant,
            "visit": slot.visit,
            "base_version": base_version,
            "changed_at": clock.now(),
        },
    )
    draft.changes = {path: _kept(change) for path, change in changes.items()}
    draft.base_version, draft.changed_at = base_version, clock.now()
    draft.save(update_fields=["changes", "base_version", "changed_at"])
    return draft


def open_draft(target: FormRecord | Slot, *, actor: Actor) -> OpenDraft | None:
    """Return the actor's own draft of a form with what is saved beside it, None when there is none or his access
    ended."""
    slot = as_slot(target)
    if not actor.user_id:
        return None
    require_entry(actor, slot.record if slot.record is not None else slot.participant)
    oldest = clock.now() - KEPT_FOR
    draft = Draft.objects.filter(user_id=actor.user_id, slot__in=slot.keys, changed_at__gte=oldest).first()
    if draft is None:
        return None
    record = slot.record
    data = record.data if record is not None else {}
    return OpenDraft(
        changes={path: _read(kept) for path, kept in draft.changes.items()},
        base_version=draft.base_version,
        saved_version=record.version if record is not None else 0,
        saved={path: data.get(path) for path in draft.changes},
    )


def drop_draft(target: FormRecord | Slot, *, actor: Actor) -> bool:
    """Drop the actor's own draft; say whether there was one."""
    slot = as_slot(target)
    if not actor.user_id:
        return False
    return bool(Draft.objects.filter(user_id=actor.user_id, slot__in=slot.keys).delete()[0])


def drop_old_drafts() -> int:
    """Drop drafts that nobody touched for 30 days; return how many. A draft is nobody's record: nothing is audited."""
    return Draft.objects.filter(changed_at__lt=clock.now() - KEPT_FOR).delete()[0]


def _kept(change: str | NullFlavour | None) -> Any:
    return change if change is None or isinstance(change, str) else change.stored


def _read(kept: Any) -> str | NullFlavour | None:
    if isinstance(kept, dict):
        return NullFlavour(kept["n"], kept.get("why", ""))
    return None if kept is None else str(kept)
