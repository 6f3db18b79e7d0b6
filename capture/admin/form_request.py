"""What a posted form says: texts by item path, reasons for blanks, explanations, answers, reasons for change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from capture.definition.shapes import FormDefinition
from capture.domain.null_flavours import NullFlavour
from capture.services.changes import Change, find_item


@dataclass(frozen=True, slots=True)
class Posted:
    """A posted form taken apart; nothing is judged here but whether an item exists and was changed.

    ``base`` are the values that the page showed when it was drawn, where somebody saved since (None: the stored ones).
    ``listed`` are the items whose two values the page asked about, ``chosen`` the answers, ``conflicts`` what is to be
    asked.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    nulls: Mapping[str, str] = field(default_factory=dict)
    whys: Mapping[str, str] = field(default_factory=dict)
    explained: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    listed: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    act: str = "save"
    add_row: str = ""
    base: Mapping[str, Mapping[str, Any]] | None = None
    conflicts: tuple[str, ...] = ()


_PREFIXES = {
    "u": "units",
    "n": "nulls",
    "w": "whys",
    "x": "explained",
    "q": "answers",
    "c": "chosen",
    "r": "reasons",
    "l": "listed",
}


def read_post(post: QueryDict) -> Posted:
    """Take a posted form apart by the prefixes of its fields."""
    parts: dict[str, dict[str, str]] = {name: {} for name in (*_PREFIXES.values(), "texts")}
    for key, values in post.lists():
        prefix, colon, path = key.partition(":")
        if not colon:
            continue
        if prefix == "i":
            parts["texts"][path] = "|".join(text for text in map(_typed, values) if text)
        elif prefix in _PREFIXES:
            parts[_PREFIXES[prefix]][path] = _typed(values[-1])
    version = str(post.get("version", "0"))
    return Posted(
        texts=parts["texts"],
        units=parts["units"],
        nulls=parts["nulls"],
        whys=parts["whys"],
        explained=parts["explained"],
        answers=parts["answers"],
        chosen=parts["chosen"],
        reasons=parts["reasons"],
        listed=parts["listed"],
        reason=str(post.get("reason_other", "")).strip() or str(post.get("reason", "")),
        version=int(version) if version.isdigit() else 0,
        act=str(post.get("act", "save")),
        add_row=str(post.get("add-row", "")),
    )


def _typed(value: object) -> str:
    return str(value).strip()


def changes_of(form: FormDefinition, data: Mapping[str, Mapping[str, Any]], posted: Posted) -> dict[str, Change]:
    """Return what was changed on the page: text, a reason for a blank, or None for an emptied item.

    What the page showed and nobody touched is no change of ours, even if somebody else changed it meanwhile; nor is an
    item for which the other's value was chosen.
    """
    base = data if posted.base is None else posted.base
    changes: dict[str, Change] = {}
    for path in dict.fromkeys((*posted.texts, *posted.nulls)):
        item = find_item(form, path)
        if (item is not None and item.derived) or posted.chosen.get(path) == "theirs":
            continue
        unit = item.unit if item else ""
        flavour = posted.nulls.get(path, "")
        if flavour:
            change = NullFlavour(flavour, posted.whys.get(path, ""))  # type: ignore[arg-type]
            if all(dict(seen.get(path) or {}) != change.stored for seen in (base, data)):
                changes[path] = change
            continue
        text = _with_unit(posted, path, unit)
        if all(text != _stored_text(seen.get(path), unit) for seen in (base, data)):
            changes[path] = text or None
    return changes


def _with_unit(posted: Posted, path: str, unit: str) -> str:
    text, typed_unit = posted.texts.get(path, ""), posted.units.get(path, "")
    return f"{text} {typed_unit}" if text and typed_unit and typed_unit != unit else text


def _stored_text(stored: Mapping[str, Any] | None, unit: str) -> str:
    if stored is None or "n" in stored:
        return "" if stored is None else "\0"
    text = str(stored["v"])
    if "T" in text and len(text) == len("2026-11-22T09:00"):
        text = text.replace("T", " ")
    return f"{text} {stored['u']}" if stored.get("u", unit) != unit else text
