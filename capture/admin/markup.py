"""Small pieces of markup that the form page repeats; everything that is filled in is escaped."""

from __future__ import annotations

from functools import lru_cache

from django.utils.html import escape
from django.utils.translation import gettext as _

from trials.domain.vocabulary import status_of


@lru_cache(maxsize=512)
def icon(name: str, tone: str = "", label: str = "", *, small: bool = True) -> str:
    """Return a glyph of the sprite; with a label it speaks for itself, without it a word stands beside it."""
    classes = f"dz-g{' dz-s' if small else ''}{f' dz-{tone}' if tone else ''}"
    spoken = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return f'<svg class="{classes}" {spoken}><use href="#g-{name}"/></svg>'


def state_mark(kind: str, key: str) -> str:
    """Return glyph and word of a state."""
    found = status_of(kind, key)
    return f'<span class="dz-st dz-{found.tone}">{icon(found.glyph)}{escape(_(found.word))}</span>'


def note(kind: str, key: str, body: str, *, tone: str = "", role: str = "status", identity: str = "") -> str:
    """Return a message box of a state around a body that is escaped already."""
    found = status_of(kind, key)
    named = f' id="{escape(identity)}"' if identity else ""
    return (
        f'<div class="dz-note dz-{tone or found.tone}" role="{role}"{named}>{icon(found.glyph, found.tone)}'
        f'<div class="dz-grow">{body}</div></div>'
    )


def text_input(name: str, value: str, label: str, *, placeholder: str = "", off: str = "") -> str:
    """Return a line of text to be typed."""
    return (
        f'<input class="dz-in" name="{escape(name)}" value="{escape(value)}" aria-label="{escape(label)}" '
        f'placeholder="{escape(placeholder or label)}"{off}>'
    )


def fold(summary: str, body: str, *, name: str, is_open: bool, title: str = "", by_key: bool = False) -> str:
    """Return something folded away behind its summary; opens without script.

    ``by_key``: a key of the page opens it, so that Tab passes from field to field.
    """
    skip = ' tabindex="-1"' if by_key else ""
    shown = " open" if is_open else ""
    hint = f' title="{escape(title)}"' if title else ""
    return f'<details class="dz-{name}"{shown}><summary{hint}{skip}>{summary}</summary>{body}</details>'


def option(value: str, label: str, *, chosen: bool) -> str:
    """Return one entry of a list."""
    return f'<option value="{escape(value)}"{" selected" if chosen else ""}>{escape(label)}</option>'
