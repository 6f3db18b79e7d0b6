"""Reads what the form page shows of one slot: values, drafts, messages, queries, the values of the visit before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language

from capture.admin.form_request import Posted, changes_of
from capture.admin.form_rows import FormState
from capture.definition.compiled import FormDefinition, FormSet, form_set
from capture.domain.messages import Message
from capture.domain.null_flavours import NullFlavour
from capture.models import Draft, FormRecord, Query
from capture.projections.registry import PreviewLine
from capture.selectors.seals import Seal, form_seals, held_lines
from capture.services.changes import Change
from capture.services.checking import check_items
from capture.services.drafts import open_draft
from capture.services.slots import Slot
from trials.domain.roles import Permission
from trials.domain.vocabulary import foremost
from trials.models import Visit
from trials.policies import can
from trials.records.domain.actors import Actor
from trials.records.domain.errors import Refusal

BEDSIDE = frozenset({"crs", "icans"})
"""Kinds of forms filled in at the bed, one row after the other."""
LIVE = ("candidate", "open", "answered")
CLOSED = frozenset({"frozen", "locked"})


@dataclass(frozen=True, slots=True)
class FormView:
    """One form ready to be drawn."""

    slot: Slot
    state: FormState
    status: str
    version: int
    previews: tuple[PreviewLine, ...]
    answered: int
    required: int
    draft_stale: bool = False
    has_draft: bool = False
    seal: str = ""
    signatures: Sequence[Mapping[str, str]] = ()

    @property
    def code(self) -> str:
        return self.state.form.code

    @property
    def completed(self) -> bool:
        return self.slot.record is not None and self.slot.record.state == FormRecord.State.COMPLETE


@dataclass(frozen=True, slots=True)
class Surround:
    """What several forms of one page share, read once: live queries by record, earlier values by form."""

    queries: Mapping[Any, Mapping[str, list[Query]]]
    earlier: Mapping[str, Mapping[str, Mapping[str, Any]]]
    drafts: frozenset[str]
    seals: Mapping[Any, Seal] = field(default_factory=dict)
    signatures: Mapping[Any, list[dict[str, str]]] = field(default_factory=dict)


def read_surround(slots: Iterable[Slot], *, actor: Actor, visit: Visit | None) -> Surround:
    """Read queries, drafts, earlier values, seals and signatures for all slots of a page, in six statements."""
    slots = tuple(slots)
    records = [slot.record.pk for slot in slots if slot.record is not None]
    queries: defaultdict[Any, defaultdict[str, list[Query]]] = defaultdict(lambda: defaultdict(list))
    for query in Query.objects.filter(record_id__in=records, state__in=LIVE) if records else ():
        queries[query.record_id][query.path].append(query)
    drafts = frozenset(
        Draft.objects.filter(user_id=actor.user_id, participant=slots[0].participant).values_list("slot", flat=True)
        if slots and actor.user_id
        else ()
    )
    stored = [slot.record for slot in slots if slot.record is not None]
    return Surround(queries, earlier_values(slots, visit), drafts, form_seals(stored), held_lines(stored))


def earlier_values(slots: tuple[Slot, ...], visit: Visit | None) -> dict[str, dict[str, Any]]:
    """Return each form's values at the last visit before this one, or of the log's row before."""
    if not slots:
        return {}
    if visit is None:
        return _row_before(slots[0])
    rows = (
        FormRecord.objects.filter(
            participant=slots[0].participant, form__in=[slot.form for slot in slots], visit__ordinal__lt=visit.ordinal
        )
        .exclude(state__in=[FormRecord.State.REMOVED, FormRecord.State.NOT_DONE])
        .order_by("visit__ordinal", "visit__repeat")
        .values_list("form", "data")
    )
    return dict(rows)


def _row_before(slot: Slot) -> dict[str, dict[str, Any]]:
    """Return the values of the assessment before this one; rows of other logs have nothing to do with each other."""
    form = form_set(slot.definition).forms[slot.form]
    if form.binds not in BEDSIDE:
        return {}
    rows = FormRecord.objects.filter(participant=slot.participant, form=slot.form, visit=None, row__isnull=False)
    if slot.record is not None and slot.record.row is not None:
        rows = rows.filter(row__lt=slot.record.row)
    rows = rows.exclude(state__in=[FormRecord.State.REMOVED, FormRecord.State.NOT_DONE])
    return dict(rows.order_by("-row").values_list("form", "data")[:1])


def read_form(
    slot: Slot, surround: Surround, *, actor: Actor, posted: Posted | None = None, refusals: Iterable[Refusal] = ()
) -> FormView:
    """Return one form as stored, with the actor's draft or what was just posted laid over it."""
    forms = form_set(slot.definition)
    form = forms.forms[slot.form]
    record = slot.record
    data = record.data if record is not None else {}
    may_enter = can(actor, Permission.ENTER_DATA, record or slot.participant)
    changes, base_version = _typed_changes(slot, form, data, surround, actor=actor, posted=posted, may_enter=may_enter)
    preview = check_items(slot, changes, actor=actor)
    messages = _merge(preview.messages, refusals)
    queries = surround.queries.get(record.pk, {}) if record is not None else {}
    seal = surround.seals.get(record.pk, "") if record is not None else ""
    state = FormState(
        form=form,
        data=_shown_data(data, changes, preview.derived, preview.accepted),
        typed=_texts(changes, posted),
        units=posted.units if posted else {},
        messages=messages if may_enter or refusals else {},
        queries=queries,
        shown=preview.shown,
        required=preview.required,
        waits=preview.waits,
        earlier=surround.earlier.get(form.code, {}),
        labels=translated(forms, form),
        explained=posted.explained if posted else {},
        read_only=not may_enter or seal in CLOSED or (record is not None and record.state == FormRecord.State.REMOVED),
        may_answer=can(actor, Permission.ANSWER_QUERY, record or slot.participant),
        history_url=_history_url(record, actor),
    )
    return FormView(
        slot=slot,
        state=state,
        status=foremost({status_key(record, queries), seal}) if seal else status_key(record, queries),
        version=_drawn_version(record, base_version),
        previews=preview.previews,
        answered=sum(path in state.data for path in preview.required),
        required=len(preview.required),
        draft_stale=base_version is not None,
        has_draft=bool(changes) and posted is None,
        seal=seal,
        signatures=surround.signatures.get(record.pk, []) if record is not None else [],
    )


def _history_url(record: FormRecord | None, actor: Actor) -> str:
    """Return where an item's history is read, empty for whoever may not read the audit trail."""
    if record is None or not can(actor, Permission.VIEW_AUDIT, record):
        return ""
    return reverse("admin:item_history", args=[record.pk])


def _typed_changes(
    slot: Slot,
    form: FormDefinition,
    data: Mapping[str, Mapping[str, Any]],
    surround: Surround,
    *,
    actor: Actor,
    posted: Posted | None,
    may_enter: bool,
) -> tuple[dict[str, Change], int | None]:
    """Return what is laid over the stored values, and the version it was typed on where somebody saved since."""
    if posted is not None:
        return changes_of(form, data, posted), None
    if not may_enter or not surround.drafts.intersection(slot.keys):
        return {}, None
    draft = open_draft(slot, actor=actor)
    if draft is None:
        return {}, None
    return dict(draft.changes), draft.base_version if draft.stale else None


def _drawn_version(record: FormRecord | None, base_version: int | None) -> int:
    """Return the version that a save of this page rests on; a stale draft keeps its own, so that saving asks."""
    if base_version is not None:
        return base_version
    return record.version if record is not None else 0


def _texts(changes: Mapping[str, Change], posted: Posted | None) -> dict[str, str]:
    """Return the texts that stand in the controls instead of the stored ones."""
    if posted is not None:
        return {path: posted.texts.get(path, "") for path in changes}
    return {path: change or "" for path, change in changes.items() if not isinstance(change, NullFlavour)}


def _shown_data(
    data: Mapping[str, Mapping[str, Any]], changes: Mapping[str, Change], *layers: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    shown = dict(data)
    for layer in layers:
        for path, value in layer.items():
            if value is None:
                shown.pop(path, None)
            else:
                shown[path] = value
    for path, change in changes.items():
        if isinstance(change, NullFlavour):
            shown[path] = change.stored
    return shown


def _merge(messages: Mapping[str, tuple[Message, ...]], refusals: Iterable[Refusal]) -> dict[str, tuple[Message, ...]]:
    """Add the refusals of a save to the messages, each once and beside its item."""
    merged = dict(messages)
    for refusal in refusals:
        known = merged.get(refusal.where, ())
        if any(message.level in {"hard", "refusal"} for message in known):
            continue
        message = Message(
            refusal.where, "refusal", refusal.code, refusal.found, expected=refusal.expected, action=refusal.action
        )
        merged[refusal.where] = (*known, message)
    return merged


def status_key(record: FormRecord | None, queries: Mapping[str, list[Query]] = {}) -> str:
    """Return the one state of a form that its badge and the tree show."""
    if record is None:
        return "not_started"
    if any(query.state == "open" for rows in queries.values() for query in rows):
        return "queried"
    return str(record.state)


def translated(forms: FormSet, form: FormDefinition) -> dict[str, str]:
    """Return the labels of a form in the page's language, as far as the study translates them."""
    language = get_language() or "en"
    if language.startswith("en"):
        return {}
    found = {name: forms.text(f"{form.code}.{name}", language) for name in form.items}
    return {name: text for name, text in found.items() if text}


def with_rows(view: FormView, rows: Mapping[str, tuple[str, ...]]) -> FormView:
    """Return the form with rows just added to its repeating groups."""
    return replace(view, state=replace(view.state, extra_rows=rows))
