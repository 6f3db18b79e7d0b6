"""The lists of codes that the safety room owns and forms name: the terms of CTCAE."""

from __future__ import annotations

from capture.domain.code_sources import CodeSource, register
from safety.terms.ctcae import VERSION, find_term, suggest_terms


def spell_term(text: str) -> str | None:
    """Return a CTCAE term as the catalogue spells it, None when there is none of this name.

    >>> spell_term("NAUSEA"), spell_term("feeling sick")
    ('Nausea', None)
    """
    term = find_term(text)
    return term.name if term is not None else None


def register_safety_lists() -> None:
    """Register the lists of this room; called once when the app is ready."""
    register("ctcae", CodeSource(f"a term of {VERSION}", spell_term, suggest_terms))
