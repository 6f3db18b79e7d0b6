"""The control of one item: how a value of each type is typed on the form page.

Strings are built once per item and language and filled in by replacement, since a form page of 40 items must cost far
less than a template per field. Whatever is filled in is escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.html import escape
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from capture.admin.markup import fold, icon, option, text_input
from capture.definition.shapes import Code, ItemDefinition
from capture.domain.null_flavours import LABELS

SEGMENTS = 5
"""A choice of at most this many short codes is shown as segments, a longer one as a list."""
SEGMENT_TEXT = 60
"""All labels of a segmented choice together have at most this many characters."""

PLACEHOLDERS = {
    "date": "YYYY-MM-DD",
    "partialdate": "YYYY-MM-DD, YYYY-MM or YYYY",
    "time": "hh:mm",
    "datetime": "YYYY-MM-DD hh:mm",
}
INPUT_MODES = {"integer": "numeric", "number": "decimal", "time": "numeric"}


def html_id(form: str, path: str) -> str:
    """Return the id of an item's control, without dots.

    >>> html_id("INF", "INFUSIONS.1.START")
    'INF-INFUSIONS__1__START'
    """
    return f"{form}-{path.replace('.', '__')}"


def segmented(item: ItemDefinition) -> bool:
    """Say whether a choice is shown as segments that answer to digits."""
    codes = codes_of(item)
    return bool(codes) and len(codes) <= SEGMENTS and sum(len(code.label) for code in codes) <= SEGMENT_TEXT


def codes_of(item: ItemDefinition) -> tuple[Code, ...]:
    if item.type == "yesno":
        return (Code("Y", _("Yes")), Code("N", _("No")))
    return item.codes


def control(item: ItemDefinition, path: str, text: str, *, disabled: bool, invalid: bool) -> str:
    """Return the control of an item that holds ``text`` (codes for choices, joined by ``|`` for several)."""
    identity = html_id(item.form, path)
    state = (
        f'{" disabled" if disabled else ""}{" aria-invalid=true" if invalid else ""} aria-describedby="m-{identity}"'
    )
    name = f'name="i:{escape(path)}"'
    if item.codes_from == "ctcae":
        return _suggested(identity, name, text, state)
    if item.type == "choices":
        return _checks(item, identity, name, text, state)
    if item.type in {"yesno", "choice"}:
        chosen = _segments if segmented(item) else _select
        return chosen(item, identity, name, text, state)
    if item.type == "note":
        return f'<textarea class="dz-in" id="{identity}" {name} rows="2"{state}>{escape(text)}</textarea>'
    hint = PLACEHOLDERS.get(item.type, "")
    mode = INPUT_MODES.get(item.type, "text")
    bad = " dz-bad" if invalid else ""
    return (
        f'<input class="dz-in{bad}" id="{identity}" {name} value="{escape(text)}" autocomplete="off" '
        f'inputmode="{mode}" placeholder="{hint}" data-type="{item.type}"{state}>'
    )


def _suggested(identity: str, name: str, text: str, state: str) -> str:
    return (
        f'<input class="dz-in" id="{identity}" {name} value="{escape(text)}" list="dl-{identity}" autocomplete="off" '
        f'placeholder="{escape(_("Type to search"))}" data-suggest="ctcae"{state}>'
        f'<datalist id="dl-{identity}"></datalist>'
    )


def _checks(item: ItemDefinition, identity: str, name: str, text: str, state: str) -> str:
    chosen = set(text.split("|"))
    boxes = "".join(
        f'<label class="dz-check"><input type="checkbox" {name} value="{escape(code.code)}"'
        f"{' checked' if code.code in chosen else ''}{state}>{escape(code.label)}</label>"
        for code in item.codes
    )
    return f'<fieldset class="dz-checks" id="{identity}"><input type="hidden" {name} value="">{boxes}</fieldset>'


def _segments(item: ItemDefinition, identity: str, name: str, text: str, state: str) -> str:
    options = "".join(
        f'<label><input type="radio" {name} value="{escape(code.code)}"{" checked" if code.code == text else ""}'
        f"{f' id={identity}' if not position else ''}{state}><span>{escape(code.label)}</span></label>"
        for position, code in enumerate(codes_of(item))
    )
    return f'<span class="dz-seg" role="radiogroup" data-segments aria-labelledby="l-{identity}">{options}</span>'


def _select(item: ItemDefinition, identity: str, name: str, text: str, state: str) -> str:
    known = {code.code for code in codes_of(item)}
    extra = option(text, text, chosen=True) if text and text not in known else ""
    options = "".join(option(code.code, code.label, chosen=code.code == text) for code in codes_of(item))
    return f'<select class="dz-in" id="{identity}" {name}{state}><option value=""></option>{extra}{options}</select>'


def unit_control(item: ItemDefinition, path: str, unit: str, *, disabled: bool) -> str:
    """Return the unit: plain when only one may be typed, else a list."""
    if len(item.units) <= 1:
        return escape(item.unit_shown or item.unit)
    shown = {item.unit: item.unit_shown or item.unit}
    options = "".join(option(each, shown.get(each, each), chosen=each == unit) for each in item.units)
    off = " disabled" if disabled else ""
    label = escape(_("Unit"))
    return f'<select class="dz-in dz-unit-in" name="u:{escape(path)}" aria-label="{label}"{off}>{options}</select>'


def null_control(item: ItemDefinition, path: str, stored: Mapping[str, Any] | None, *, disabled: bool) -> str:
    """Return the reason for a blank: folded away while there is none."""
    flavour = str((stored or {}).get("n", ""))
    if not item.nulls or (disabled and not flavour):
        return ""
    why = str((stored or {}).get("why", ""))
    return _null_html(tuple(item.nulls), flavour, why, disabled, get_language() or "").replace(PATH, escape(path))


@lru_cache(maxsize=512)
def _null_html(nulls: tuple[str, ...], flavour: str, words: str, disabled: bool, _language: str) -> str:
    """Return the control with a placeholder for the path: nearly all items of a page share one."""
    off = " disabled" if disabled else ""
    word = LABELS.get(flavour)
    summary = escape(_(word)) if word else icon("nul", label=_("Reason missing"))
    options = "".join(option(each, _(LABELS[each]), chosen=each == flavour) for each in nulls)
    label = escape(_("Reason missing"))
    choice = f'<select class="dz-in" name="n:{PATH}" aria-label="{label}"{off}>{_EMPTY}{options}</select>'
    why = text_input(f"w:{PATH}", words, _("Why"), off=off)
    return fold(
        summary, choice + why, name="null", is_open=bool(flavour), title=_("Reason missing (Alt N)"), by_key=not flavour
    )


_EMPTY = '<option value=""></option>'
PATH = "\x01"
"""Stands for an item's path in markup that many items share; a control character, so that no value can hold it."""
