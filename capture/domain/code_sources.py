"""Lists of codes that another room owns, such as the CTCAE terms: which entries they hold, and which are near a text.

A form's item names its list (``codes_from``); the owner registers it once, when its app is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeSource:
    """A list of codes: ``spell`` returns an entry as the list spells it or None, ``near`` what may be meant."""

    label: str
    spell: Callable[[str], str | None]
    near: Callable[[str], Sequence[str]]


_sources: dict[str, CodeSource] = {}


def register(name: str, source: CodeSource) -> None:
    """Register the list of a name; a later one takes its place.

    >>> organs = {"heart": "Heart", "liver": "Liver"}
    >>> register("organs", CodeSource("organs", lambda text: organs.get(text.casefold()), lambda text: ("Heart",)))
    >>> source_of("organs").spell("LIVER")
    'Liver'
    """
    _sources[name] = source


def source_of(name: str) -> CodeSource | None:
    """Return the list of a name, None when no room registered it.

    >>> source_of("moods") is None
    True
    """
    return _sources.get(name)
