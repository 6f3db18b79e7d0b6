"""Template tags of the status vocabulary: the only place that turns a state into glyph, tone and word."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from trials.domain.vocabulary import status_of

register = template.Library()


_POWER = re.compile(r"10\*(\d+)")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@register.filter
def powers(text: object) -> str:
    """Return a text with its UCUM powers of ten as people write them.

    >>> powers("0.5 10*6 cells/kg")
    '0.5 × 10⁶ cells/kg'
    """
    return _POWER.sub(lambda found: f"× 10{found[1].translate(_RAISED)}", str(text))


@register.filter
def plain_number(value: object) -> str:
    """Return a number without the zeros that only its column added.

    >>> plain_number("0.500000"), plain_number(None)
    ('0.5', '')
    """
    try:
        return f"{Decimal(str(value)).normalize():f}"
    except InvalidOperation:
        return ""


@register.filter
def iso_day(text: object) -> str:
    """Return the day of an ISO text as it is shown everywhere.

    >>> iso_day("2026-11-09T10:20"), iso_day("")
    ('9 Nov 2026', '')
    """
    try:
        day = date.fromisoformat(str(text)[:10])
    except ValueError:
        return ""
    return f"{day.day} {day:%b %Y}"


@register.simple_tag
def glyph(name: str, size: str = "") -> SafeString:
    """Return one glyph of the sprite, hidden from assistive technology (a word stands beside it)."""
    return format_html('<svg class="dz-g {}" aria-hidden="true"><use href="#g-{}"/></svg>', size and f"dz-{size}", name)


@register.simple_tag
def status(kind: str, key: str, detail: str = "", *, box: bool = False) -> SafeString:
    """Return glyph and word of a state, with an optional detail after the word."""
    found = status_of(kind, key)
    word = _(found.word)
    words = f"{word}, {detail}" if detail else word
    return format_html(
        '<span class="dz-st {} dz-{}">{}{}</span>', "dz-box" if box else "", found.tone, glyph(found.glyph), words
    )


@register.simple_tag
def status_glyph(kind: str, key: str, detail: str = "") -> SafeString:
    """Return the glyph alone for a dense matrix, with the word as its accessible name."""
    found = status_of(kind, key)
    name = f"{_(found.word)}, {detail}" if detail else _(found.word)
    return format_html(
        '<svg class="dz-g dz-{}" role="img" aria-label="{}"><use href="#g-{}"/></svg>', found.tone, name, found.glyph
    )


@register.simple_tag
def grade(value: int | None) -> SafeString:
    """Return the box of a grade 0 to 5; an unknown grade is a dashed box with the word, never 0."""
    if value is None:
        return format_html('<span class="dz-ass">{}</span>', _("Not assessable"))
    if value == 5:
        return format_html('<span class="dz-gr dz-gr5">{}</span>', _("Grade 5, death"))
    return format_html('<span class="dz-gr dz-gr{}" aria-label="{}">{}</span>', value, _("Grade %s") % value, value)


@register.simple_tag
def assumption(note: str = "") -> SafeString:
    """Return the dashed mark of a setting that its source does not state, with the note as its title."""
    if not note:
        return SafeString("")
    return format_html('<span class="dz-ass" tabindex="0" role="note" title="{}" aria-label="{}">A</span>', note, note)
