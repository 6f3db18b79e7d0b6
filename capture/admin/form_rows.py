"""Rows of the form page: item, value, unit, range, value before, flag; then query and history, always in this order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils.html import escape
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from capture.admin.form_controls import PATH, control, html_id, null_control, unit_control
from capture.admin.markup import fold, icon, note, state_mark, text_input
from capture.definition.shapes import FormDefinition, GroupDefinition, ItemDefinition
from capture.domain.item_paths import row_path
from capture.domain.messages import Message
from capture.domain.values import display
from capture.models import Query

MESSAGE_STATUS = {"refusal": "hard", "hard": "hard", "soft": "soft", "note": "note", "fault": "not_evaluable"}
LIVE = frozenset({"open", "answered"})


@dataclass(frozen=True, slots=True)
class FormState:
    """Everything one form shows: stored values, texts typed and not saved, messages, queries, what is shown and asked.

    ``earlier`` are the values of the visit before, ``labels`` translated labels by item name, ``explained`` the words
    typed for a soft check that is kept, by message key.
    """

    form: FormDefinition
    data: Mapping[str, Mapping[str, Any]]
    typed: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, Sequence[Message]] = field(default_factory=dict)
    queries: Mapping[str, Sequence[Query]] = field(default_factory=dict)
    shown: Mapping[str, bool] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    waits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    earlier: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    explained: Mapping[str, str] = field(default_factory=dict)
    extra_rows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    read_only: bool = False
    may_answer: bool = False
    history_url: str = ""

    def text_of(self, item: ItemDefinition, path: str) -> str:
        """Return the text in the control: what was typed, else what is stored."""
        if path in self.typed:
            return self.typed[path]
        stored = self.data.get(path)
        return (
            ""
            if stored is None or "n" in stored
            else str(stored["v"]).replace("T", " " if item.type == "datetime" else "T")
        )


def rows_of_group(state: FormState, group: GroupDefinition) -> tuple[str, ...]:
    """Return the rows that a group shows: fixed ones, or those with data or just added; at least one."""
    if group.rows:
        return tuple(row.code for row in group.rows)
    prefix = f"{group.name}."
    found = dict.fromkeys(path.split(".")[1] for path in (*state.data, *state.typed) if path.startswith(prefix))
    found.update(dict.fromkeys(state.extra_rows.get(group.name, ())))
    return tuple(sorted(found, key=lambda row: (len(row), row))) or ("1",)


def paths_of(state: FormState) -> list[str]:
    """Return the path of every item that the page shows, in its order."""
    form = state.form
    paths = list(form.plain)
    for group in form.groups.values():
        if group.repeats:
            paths += [row_path(group.name, row, name) for row in rows_of_group(state, group) for name in group.items]
        else:
            paths += group.items
    return paths


def render_form_body(state: FormState) -> str:
    """Return all rows of a form as one string."""
    parts = [_head()]
    parts += [render_item(state, state.form.items[name], name) for name in state.form.plain]
    parts += [_render_group(state, group) for group in state.form.groups.values()]
    return "".join(parts)


def _head() -> str:
    words = (_("Item"), _("Value"), _("Unit"), _("Range"), _("Before"), _("Flag, derived"))
    cells = "".join(f"<span>{escape(word)}</span>" for word in words)
    return f'<div class="dz-fx dz-h" aria-hidden="true">{cells}<span class="dz-r">{escape(_("Log"))}</span></div>'


def _render_group(state: FormState, group: GroupDefinition) -> str:
    head = f'<div class="dz-group"><h3>{escape(state.labels.get(group.name, group.label))}</h3>'
    head += f'<p class="dz-t12 dz-m">{escape(group.help)}</p></div>' if group.help else "</div>"
    if not group.repeats:
        return head + "".join(render_item(state, state.form.items[name], name) for name in group.items)
    rows = rows_of_group(state, group)
    label = state.labels.get(group.name, group.label)
    labels = {row.code: _row_label(row.code, row.label) for row in group.rows}
    body = "".join(render_group_row(state, group, row, labels.get(row, f"{label} {row}")) for row in rows)
    return head + body + _add_row(state, group, rows)


def _row_label(code: str, label: str) -> str:
    """Return the words of a fixed row; a study that gives only a code gets it readable."""
    return label if label != code else code.replace("_", " ").capitalize()


def render_group_row(state: FormState, group: GroupDefinition, row: str, label: str) -> str:
    """Return one row of a repeating group: its items under the row's label."""
    before = label if group.rows else ""
    items = "".join(
        render_item(state, state.form.items[name], row_path(group.name, row, name), before) for name in group.items
    )
    identity = escape(f"g-{state.form.code}-{group.name}-{row}")
    hidden = "dz-visually-hidden" if before else "dz-t12"
    legend = f'<legend class="{hidden}">{escape(label)}</legend>'
    return f'<fieldset class="dz-rowset" id="{identity}">{legend}{items}</fieldset>'


def _add_row(state: FormState, group: GroupDefinition, rows: Sequence[str]) -> str:
    if group.repeat is None or state.read_only or len(rows) >= group.repeat[1]:
        return ""
    button = f'<button class="dz-btn dz-sm" name="add-row" value="{escape(group.name)}" formnovalidate>'
    return f'<div class="dz-addrow">{button}{icon("plus")}{escape(_("Add a row"))}</button></div>'


def render_item(state: FormState, item: ItemDefinition, path: str, row: str = "") -> str:
    """Return the row of one item; a hidden item keeps its place, so that nothing above the caret ever moves."""
    identity = html_id(item.form, path)
    hidden = "" if state.shown.get(path, True) else " hidden"
    off = state.read_only or bool(hidden)
    heading = f'<div class="dz-heading">{escape(item.heading)}</div>' if item.heading else ""
    kind = " dz-derived" if item.derived else ""
    flag = flag_of(state.messages.get(path, ()), state.queries.get(path, ()))
    return (
        f'{heading}<div class="dz-fx{kind}" id="r-{identity}" data-path="{escape(path)}"'
        f"{_before(state, item, path)}{hidden}>"
        f'<div class="dz-lab" id="l-{identity}">{label_of(state, item, path, row)}</div>'
        f'<div class="dz-ctl">{_value(state, item, path, off=off)}</div>'
        f'<div class="dz-unit dz-t13 dz-m dz-nw">{_unit(state, item, path, off=off)}</div>'
        f'<div class="dz-rng dz-t12 dz-m dz-nw">{range_of(item)}</div>'
        f'<div class="dz-prev dz-t13 dz-mono">{escape(short_value(item, state.earlier.get(path)))}</div>'
        f'<div class="dz-flag" id="f-{identity}">{flag}</div><div class="dz-acts">{_acts(state, path)}</div>'
        f'<div class="dz-msg" id="m-{identity}" aria-live="polite">{messages_of(state, path)}</div></div>'
    )


def _before(state: FormState, item: ItemDefinition, path: str) -> str:
    """Return the raw value of the visit or assessment before, which one key copies into the control."""
    stored = state.earlier.get(path)
    if stored is None or "n" in stored or item.derived or item.type in {"date", "datetime", "time"}:
        return ""
    return f' data-before="{escape(str(stored["v"]))}"'


def _value(state: FormState, item: ItemDefinition, path: str, *, off: bool) -> str:
    if item.derived:
        return derived_cell(state, item, path)
    refused = any(message.level in {"refusal", "hard"} for message in state.messages.get(path, ()))
    typed = control(item, path, state.text_of(item, path), disabled=off, invalid=refused)
    return typed + null_control(item, path, state.data.get(path), disabled=off)


def _unit(state: FormState, item: ItemDefinition, path: str, *, off: bool) -> str:
    if item.derived:
        return escape(item.unit_shown or item.unit)
    unit = state.units.get(path) or str((state.data.get(path) or {}).get("u", item.unit))
    return unit_control(item, path, unit, disabled=off)


def label_of(state: FormState, item: ItemDefinition, path: str, row: str = "") -> str:
    """Return the item's words: label (after its fixed row's), star when an answer is asked for, hint."""
    label: str = escape(state.labels.get(item.name, item.label))
    label = f'{escape(row)} <span class="dz-m">{label}</span>' if row else label
    star = f'<span class="dz-danger" title="{escape(_("required"))}"> *</span>' if path in state.required else ""
    hints = [item.help] if item.help else []
    hints += [_("derived")] if item.derived else []
    hint = "".join(f'<span class="dz-t12 dz-m dz-block">{escape(each)}</span>' for each in hints)
    return f'<label for="{html_id(item.form, path)}">{label}</label>{star}{hint}'


def range_of(item: ItemDefinition) -> str:
    """Return the range in force: the soft one, else the hard one."""
    limits = item.soft or item.hard
    if limits is None:
        return ""
    low, high = ("" if end is None else f"{end:f}" for end in (limits.low, limits.high))
    return escape(f"{low} – {high}" if low and high else f"≥ {low}" if low else f"≤ {high}")


def derived_cell(state: FormState, item: ItemDefinition, path: str) -> str:
    """Return the calculated value in its dashed box, or what it waits for; never 0 for a value that is not there."""
    identity = html_id(item.form, path)
    return f'<output class="dz-in dz-ro" id="{identity}">{derived_text(state, item, path)}</output>'


def derived_text(state: FormState, item: ItemDefinition, path: str) -> str:
    """Return what stands in the box of a calculated value."""
    stored = state.data.get(path)
    mark = f'<span class="dz-sp"></span>{icon("fx", "info")}'
    if stored is not None:
        return escape(short_value(item, stored)) + mark
    if item.instrument is not None and not item.instrument.available:
        words = _("Scored in a later version")
    else:
        waits = ", ".join(_name_of(state, each) for each in state.waits.get(path, ()))
        words = _("Waits for %s") % waits if waits else _("No value yet")
    return f'<span class="dz-m dz-t12">{escape(words)}</span>{mark}'


def _name_of(state: FormState, path: str) -> str:
    """Return the words for an item that a value waits for: its label on this form, else its form and name."""
    form, _dot, name = path.partition(".")
    item = state.form.items.get(name) if form == state.form.code else None
    return state.labels.get(name, item.label) if item is not None else path


def short_value(item: ItemDefinition, stored: Mapping[str, Any] | None) -> str:
    """Return a value without its unit; a calculated number is shown to four figures unless the item names decimals."""
    if stored is not None and stored.get("d") and item.decimals is None and item.type == "number":
        return f"{Decimal(str(stored['v'])):.4g}"
    return display(item, stored, unit=False)


def flag_of(messages: Iterable[Message], queries: Iterable[Query]) -> str:
    """Return the foremost state of an item: refused, check, note, then its query."""
    levels = [MESSAGE_STATUS[message.level] for message in messages]
    for name in ("hard", "soft", "not_evaluable", "note"):
        if name in levels:
            return state_mark("item", name)
    for query in queries:
        if query.state in LIVE:
            return state_mark("query", query.state)
    return ""


def _acts(state: FormState, path: str) -> str:
    if not state.history_url:
        return ""
    return _history_link(state.history_url, get_language() or "").replace(PATH, escape(path))


@lru_cache(maxsize=256)
def _history_link(url: str, _language: str) -> str:
    title, glyph = escape(_("History (Alt H)")), icon("hist", label=_("History"), small=False)
    return f'<a class="dz-ib" href="{escape(url)}?path={PATH}" data-popover title="{title}">{glyph}</a>'


def messages_of(state: FormState, path: str) -> str:
    """Return the messages and live queries that stand below an item."""
    live = [query for query in state.queries.get(path, ()) if query.state in LIVE]
    asked = {query.check_key for query in live}
    said = [message for message in state.messages.get(path, ()) if message.level != "soft" or message.key not in asked]
    return "".join(_message(state, message) for message in said) + "".join(_query(state, query) for query in live)


def _message(state: FormState, message: Message) -> str:
    name = MESSAGE_STATUS[message.level]
    expected = f" {escape(_('Expected %s.') % message.expected)}" if message.expected else ""
    keep = _keep(state, message) if message.level == "soft" and not state.read_only else ""
    body = f"<b>{escape(message.text)}</b>{expected} {escape(message.action)}{keep}"
    return note("item", name, body, role="alert" if name == "hard" else "status")


def _keep(state: FormState, message: Message) -> str:
    words = state.explained.get(message.key, "")
    summary = f'<span class="dz-btn dz-sm">{escape(_("Keep and explain"))} <span class="dz-kbd">Alt K</span></span>'
    typed = text_input(f"x:{message.key}", words, _("Why the value is right"))
    return fold(summary, typed, name="keep", is_open=bool(words))


def _query(state: FormState, query: Query) -> str:
    answer = ""
    if query.state == "open" and state.may_answer:
        summary = f'<span class="dz-btn dz-sm">{escape(_("Answer"))}</span>'
        typed = text_input(f"q:{query.pk}", "", _("Answer"), placeholder=_("Your answer is sent when you save"))
        answer = fold(summary, typed, name="keep", is_open=False)
    body = f"<b>{escape(query.get_state_display())}.</b> {escape(query.text)}{answer}"
    return note("query", query.state, body, tone="neutral", identity=f"query-{query.pk}")
