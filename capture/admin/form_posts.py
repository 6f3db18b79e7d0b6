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
from capture.domain.values import display
from capture.models import FormRecord
from capture.services.changes import Reason
from capture.services.completion import mark_not_done, remove_record
from capture.services.drafts import drop_draft, save_draft
from capture.services.entering import enter_form
from capture.services.slots import Slot
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError, Refusal
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
        result = mark_not_done(slot, reason=posted.reason, actor=actor, expected_version=posted.version)
        return Outcome(result.record, _("Marked as not done."), completed=True)
    if posted.act == "remove" and slot.record is not None:
        remove_record(slot.record, reason=posted.reason, actor=actor, expected_version=posted.version)
        return Outcome(None, _("Removed."), completed=True)
    if posted.act == "discard":
        drop_draft(slot, actor=actor)
        return Outcome(slot.record, _("The draft was dropped."))
    return _save(slot, posted, actor=actor)


def _save(slot: Slot, posted: Posted, *, actor: Actor) -> Outcome:
    form = form_set(slot.definition).forms[slot.form]
    data = slot.record.data if slot.record is not None else {}
    record = enter_form(
        slot,
        changes_of(form, data, posted),
        actor=actor,
        expected_version=posted.version,
        reason=_reason(posted),
        answers={UUID(key): text for key, text in posted.answers.items() if text and _is_id(key)},
        complete=posted.act == "complete",
        explanations={key: text for key, text in posted.explained.items() if text},
    )
    completed = record is not None and record.state == FormRecord.State.COMPLETE
    words = _("Complete.") if completed and posted.act == "complete" else _("Saved.")
    return Outcome(record, words, completed=completed)


def _reason(posted: Posted) -> Reason:
    return {**posted.reasons, "": posted.reason} if posted.reasons else posted.reason


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


def conflicts_of(slot: Slot, posted: Posted) -> tuple[str, ...]:
    """Return the items that both the page and somebody else changed since the page was drawn, to other values."""
    data = slot.record.data if slot.record is not None else {}
    mine = changes_of(form_set(slot.definition).forms[slot.form], data, posted)
    base = posted.base or {}
    return tuple(path for path in mine if data.get(path) != base.get(path))


def unanswered(posted: Posted) -> tuple[str, ...]:
    """Return the items whose two values the page asked about and nobody chose between."""
    return tuple(path for path in posted.listed if posted.chosen.get(path) not in {"mine", "theirs"})


def undecided(paths: tuple[str, ...]) -> DomainError:
    """Return the refusal of a save that leaves a choice between two values open."""
    refusals = tuple(
        Refusal(
            "choose_value",
            _("one of the two values to be chosen"),
            _("no choice"),
            _("Choose which value holds."),
            path,
        )
        for path in paths
    )
    return DomainError(refusals, kind="conflict")


def conflict_rows(view: FormView, posted: Posted) -> list[Mapping[str, Any]]:
    """Return the items in conflict with both values, for the page to ask which one holds."""
    record = view.slot.record
    data = record.data if record is not None else {}
    rows: list[Mapping[str, Any]] = []
    for path in posted.conflicts:
        item = view.state.form.items.get(path.rsplit(".", 1)[-1])
        if item is not None:
            theirs, mine = display(item, data.get(path)), display(item, view.state.data.get(path))
            rows.append(
                {"path": path, "label": item.label, "theirs": theirs, "mine": mine or posted.texts.get(path, "")}
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
