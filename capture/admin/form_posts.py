"""What the buttons of a form do: save, complete, not done, remove; and the answer to a field that was left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.html import escape
from django.utils.translation import gettext as _

from capture.admin.form_controls import html_id
from capture.admin.form_reading import FormView
from capture.admin.form_request import Posted, changes_of
from capture.admin.form_rows import derived_text, flag_of, messages_of, paths_of
from capture.definition.compiled import form_set
from capture.models import FormRecord, Query
from capture.services.changes import Reason
from capture.services.completion import complete_record, mark_not_done, remove_record
from capture.services.data_entry import save_items
from capture.services.drafts import drop_draft, save_draft
from capture.services.queries import answer_query
from capture.services.slots import Slot
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.records.services import clock


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a posted form: the record as it is now and the words for the page."""

    record: FormRecord | None
    words: str
    completed: bool = False


def do_post(slot: Slot, posted: Posted, *, actor: Actor) -> Outcome:
    """Do what the pressed button says; raises DomainError with every refusal, and then nothing was written."""
    if posted.act == "not_done":
        result = mark_not_done(slot, reason=posted.reason, actor=actor)
        return Outcome(result.record, _("Marked as not done."), completed=True)
    if posted.act == "remove" and slot.record is not None:
        remove_record(slot.record, reason=posted.reason, actor=actor)
        return Outcome(None, _("Removed."), completed=True)
    if posted.act == "discard":
        drop_draft(slot, actor=actor)
        return Outcome(slot.record, _("The draft was dropped."))
    return _save(slot, posted, actor=actor)


def _save(slot: Slot, posted: Posted, *, actor: Actor) -> Outcome:
    form = form_set(slot.definition).forms[slot.form]
    data = slot.record.data if slot.record is not None else {}
    changes = changes_of(form, data, posted)
    record, words = slot.record, _("Saved.")
    if changes or record is None:
        result = save_items(slot, changes, actor=actor, reason=_reason(posted), expected_version=posted.version)
        record = result.record
    _answer(record, posted, actor=actor)
    if posted.act == "complete" and record is not None and record.state != FormRecord.State.COMPLETE:
        explained = {key: text for key, text in posted.explained.items() if text}
        record = complete_record(record, actor=actor, expected_version=record.version, explanations=explained).record
        words = _("Complete.")
    return Outcome(record, words, completed=record is not None and record.state == FormRecord.State.COMPLETE)


def _reason(posted: Posted) -> Reason:
    return {**posted.reasons, "": posted.reason} if posted.reasons else posted.reason


def _answer(record: FormRecord | None, posted: Posted, *, actor: Actor) -> None:
    """Answer the queries of this record that were answered on the page."""
    answers = {key: text for key, text in posted.answers.items() if text and _is_id(key)}
    if record is None or not answers:
        return
    for query in Query.objects.filter(record=record, pk__in=list(answers)):
        answer_query(query, text=answers[str(query.pk)], actor=actor)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def check_answer(view: FormView, posted: Posted, *, actor: Actor) -> dict[str, Any]:
    """Return what the page changes after a field was left: per item message, flag, derived value, whether it is shown.

    The draft is kept until the form was completed; from then on changes collect and one save asks for the reason.
    """
    state, form = view.state, view.state.form
    paths = dict.fromkeys((*paths_of(state), *state.messages))
    rows: dict[str, dict[str, Any]] = {}
    for path in paths:
        item = form.items.get(path.rsplit(".", 1)[-1])
        if item is None:
            continue
        row: dict[str, Any] = {
            "flag": flag_of(state.messages.get(path, ()), state.queries.get(path, ())),
            "msg": messages_of(state, path),
            "hidden": not state.shown.get(path, True),
        }
        if item.derived:
            row["derived"] = derived_text(state, item, path)
        rows[html_id(form.code, path)] = row
    return {
        "rows": rows,
        "preview": preview_html(view),
        "answered": f"{view.answered}/{view.required}",
        "state": _keep_draft(view, posted, actor=actor),
        "collects": view.slot.record is not None and view.slot.record.ever_completed,
    }


def _keep_draft(view: FormView, posted: Posted, *, actor: Actor) -> str:
    """Keep what was typed and return the words of the footer."""
    slot = view.slot
    if slot.record is not None and slot.record.ever_completed:
        return _("Not saved yet: a change of a completed form is saved with its reason")
    data = slot.record.data if slot.record is not None else {}
    changes = changes_of(view.state.form, data, posted)
    if changes:
        save_draft(slot, changes, actor=actor, base_version=posted.version)
    else:
        drop_draft(slot, actor=actor)
    return _("Draft saved %s") % clock.now().astimezone(ZoneInfo(slot.participant.site.time_zone)).strftime("%H:%M:%S")


def preview_html(view: FormView) -> str:
    """Return the lines that say what the system understands of a bound form, each with its working."""
    tones = {"note": "neutral", "good": "ok", "warning": "warn", "alert": "danger", "pending": "info"}
    return "".join(
        f'<p class="dz-note dz-{tones[line.level]}"><span><b>{escape(line.text)}</b> {escape(line.because)}</span></p>'
        for line in view.previews
    )


def conflict_rows(view: FormView, error: DomainError) -> list[Mapping[str, Any]]:
    """Return the items of a stale save with both values, for the page to ask which one holds."""
    found = error.detail.get("items", {})
    rows: list[Mapping[str, Any]] = []
    for path, values in found.items() if isinstance(found, dict) else ():
        item = view.state.form.items.get(path.rsplit(".", 1)[-1])
        if item is None or not values.get("changed_by_me"):
            continue
        rows.append(
            {
                "path": path,
                "label": item.label,
                "theirs": values.get("theirs_shown", ""),
                "mine": values.get("mine") or "",
            }
        )
    return rows


def refusal_rows(view: FormView, error: DomainError) -> list[Mapping[str, str]]:
    """Return every refusal with the label of its item and the place on the page that it is about."""
    rows: list[Mapping[str, str]] = []
    for refusal in error.refusals:
        path = refusal.where
        item = view.state.form.items.get(path.rsplit(".", 1)[-1])
        label = "" if item is None else view.state.labels.get(item.name, item.label)
        rows.append(
            {
                "label": label or path,
                "place": html_id(view.code, path) if item is not None else "",
                "expected": refusal.expected,
                "found": refusal.found,
                "action": refusal.action,
            }
        )
    return rows
