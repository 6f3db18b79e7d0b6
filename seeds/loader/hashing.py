"""The canonical document's two hashes, and what changed between two documents.

The content hash covers everything. The shape hash leaves out words: when only words changed, a publication applies in
place; otherwise the version must be higher.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from trials.records.domain.canonical import digest, refuse_floats

WORDS = (
    "format",
    "study.version",
    "study.changes",
    "study.title",
    "study.sponsor",
    "study.location",
    "study.registry",
    "study.source",
    "study.products.*.label",
    "study.arms.*.label",
    "study.conditions.*",
    "schedule.visits.*.label",
    "eligibility.policies.*.options.*",
    "eligibility.policies.*.why",
    "eligibility.criteria.*.quote",
    "eligibility.criteria.*.note",
    "outcomes.*.label",
    "safety.notes",
    "forms.*.label",
    "forms.*.help",
    "forms.*.cites",
    "forms.*.groups.*.label",
    "forms.*.groups.*.help",
    "forms.*.groups.*.rows.*",
    "forms.*.items.*.label",
    "forms.*.items.*.heading",
    "forms.*.items.*.help",
    "forms.*.items.*.codes.*",
    "forms.*.checks.*.say",
    "units.*.shows",
    "units.*.aka",
    "marks",
    "labels",
)
"""Paths of words; ``*`` stands for any name or place. Of ``code: label`` pairs only the label is a word."""

SHOWN = 25


def text_of(document: dict[str, Any]) -> str:
    """Return the canonical text. The order of names is meaning (items, visits), so keys are not sorted."""
    refuse_floats(document)
    return orjson.dumps(document).decode()


def content_hash(text: str) -> str:
    """Return the hash of the canonical text."""
    return digest(text.encode())


def shape_hash(document: dict[str, Any]) -> str:
    """Return the hash of the document without its words.

    >>> one = {"study": {"title": "A", "cap": 12}}
    >>> shape_hash(one) == shape_hash({"study": {"title": "B", "cap": 12}})
    True
    >>> shape_hash(one) == shape_hash({"study": {"title": "A", "cap": 13}})
    False
    """
    patterns = [tuple(pattern.split(".")) for pattern in WORDS]
    return digest(orjson.dumps(_without(document, patterns)))


def _without(value: Any, patterns: list[tuple[str, ...]]) -> Any:
    if isinstance(value, list):
        return [_without(part, _below(patterns, None)) for part in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for key, part in value.items():
        if key == "from" and set(value) == {"expression", "from"} | ({"how"} & set(value)):
            continue
        below = _below(patterns, key)
        kept[key] = None if () in below else _without(part, below)
    return kept


def _below(patterns: list[tuple[str, ...]], key: str | None) -> list[tuple[str, ...]]:
    return [pattern[1:] for pattern in patterns if pattern and (pattern[0] == "*" or pattern[0] == key)]


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Say what changed, one line a setting: ``forms.VS.items.TEMP.hard: 30..45 -> 30..44``.

    >>> list(differences({"a": 1, "b": {"c": "x"}}, {"b": {"c": "y"}, "d": 2}))
    ['a: removed', 'b.c: x -> y', 'd: added']
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            here = f"{path}.{key}" if path else str(key)
            if key not in after:
                yield f"{here}: removed"
            elif key not in before:
                yield f"{here}: added"
            else:
                yield from differences(before[key], after[key], here)
        if [key for key in before if key in after] != [key for key in after if key in before]:
            yield f"{path}: order changed"
    elif before != after and _coded(before) and _coded(after):
        yield from differences({each["code"]: each for each in before}, {each["code"]: each for each in after}, path)
    elif before != after:
        yield f"{path}: {_brief(before)} -> {_brief(after)}"


def _coded(value: Any) -> bool:
    """Whether a list is one of blocks with a code, such as visits and criteria: they are compared by their code."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and "code" in each for each in value)


def report(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the differences in a few lines; marks and origins are left out."""
    lines = [line for line in differences(before, after) if not line.startswith("marks") and ".from:" not in line]
    rest = len(lines) - SHOWN
    return [*lines[:SHOWN], f"and {rest} more"] if rest > 0 else lines


def _brief(value: Any) -> str:
    text = orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
