"""Template tags of the status vocabulary: the only place that turns a state into glyph, tone and word."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from trials.domain.vocabulary import status_of

register = template.Library()


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
    if value == 5:  # noqa: PLR2004 - the scale's last grade
        return format_html('<span class="dz-gr dz-gr5">{}</span>', _("Grade 5, death"))
    return format_html('<span class="dz-gr dz-gr{}" aria-label="{}">{}</span>', value, _("Grade %s") % value, value)


@register.simple_tag
def assumption(note: str = "") -> SafeString:
    """Return the dashed mark of a setting that its source does not state, with the note as its title."""
    if not note:
        return SafeString("")
    return format_html('<span class="dz-ass" tabindex="0" role="note" title="{}" aria-label="{}">A</span>', note, note)
