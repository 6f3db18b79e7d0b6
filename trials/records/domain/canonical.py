"""Canonical JSON and the hashes of the audit chain.

Canonical means: keys sorted, no spaces, UTF-8 as given (no normalisation), numbers as text. Integers are allowed where
they count (sequence, epoch); floats never.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson


def canonical(value: Any) -> bytes:
    """Return the canonical bytes of a value made of dicts, lists, text, whole numbers, booleans and None.

    >>> canonical({"b": ["1.50"], "a": None})
    b'{"a":null,"b":["1.50"]}'
    """
    refuse_floats(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def refuse_floats(value: Any) -> None:
    """Raise ``TypeError`` when a binary fraction hides in the value: its text would not be what was entered."""
    if isinstance(value, float):
        message = f"A canonical value holds text, not the binary fraction {value!r}."
        raise TypeError(message)
    if isinstance(value, Mapping):
        for part in value.values():
            refuse_floats(part)
    elif isinstance(value, list | tuple):
        for part in value:
            refuse_floats(part)


def digest(data: bytes) -> str:
    """Return SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def payload_hash(salt: str, payload: str) -> str:
    """Hash of an event's payload, salted so that a redacted value cannot be guessed from it."""
    return digest(f"{salt}{payload}".encode())


def event_hash(header: Mapping[str, Any], previous: str) -> str:
    """Hash of an event's header (which holds the payload's hash), chained to the event before."""
    return digest(canonical(dict(header)) + previous.encode())
