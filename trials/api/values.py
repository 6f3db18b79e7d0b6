"""Stored values in the words of the interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def value_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored value in the shape of the interface.

    >>> value_of({"v": "38.6", "u": "Cel"})
    {'value': '38.6', 'unit': 'Cel', 'null_flavour': None, 'reason': '', 'derived': False}
    >>> value_of({"n": "ND", "why": "no sample"})["null_flavour"], value_of({"v": "22.5", "d": 1})["derived"]
    ('ND', True)
    """
    return {
        "value": stored.get("v"),
        "unit": stored.get("u"),
        "null_flavour": stored.get("n"),
        "reason": stored.get("why", ""),
        "derived": "d" in stored,
    }


def told(value: Any) -> Any:
    """Return a value of an audit delta: one with a unit or a null flavour in the shape of a form's values.

    >>> told("38.6"), told({"v": "38.6", "u": "Cel"})["unit"], told(None), told(["a", "b"])
    ('38.6', 'Cel', None, ['a', 'b'])
    """
    return value_of(value) if isinstance(value, Mapping) and ("v" in value or "n" in value) else value
