"""Stored values: what they are worth to a rule, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from capture.definition.shapes import ItemDefinition
from capture.domain.null_flavours import BLANKS, LABELS
from trials.records.domain.dates import PartialDate
from trials.records.domain.expressions import UNKNOWN, Blank, ExpressionFault, Value

StoredValue = Mapping[str, Any]
Data = dict[str, dict[str, Any]]
"""A record's document: item path to stored value."""


def typed_value(item: ItemDefinition, stored: StoredValue | None) -> Value | Blank:
    """Return what a stored value is worth, in the item's unit; a null flavour is a blank.

    Raises ExpressionFault when the text does not have the type that its item was published with.

    >>> hb = ItemDefinition("HB", "HEM", "", False, "Haemoglobin", "number", unit="g/L", also={"g/dL": Decimal(10)})
    >>> typed_value(hb, {"v": "8.6", "u": "g/dL"}), typed_value(hb, {"n": "ND", "why": ""}), typed_value(hb, None)
    (Decimal('86.0'), <Blank.NOT_DONE: 'not done'>, <Blank.UNKNOWN: 'unknown'>)
    """
    if stored is None:
        return UNKNOWN
    if "n" in stored:
        return BLANKS.get(stored["n"], UNKNOWN)
    text = stored["v"]
    try:
        return _worth(item, text, stored.get("u", item.unit))
    except (ValueError, InvalidOperation, KeyError, TypeError) as fault:
        raise ExpressionFault(f'{item.form}.{item.name} holds "{text}", which is no {item.type}') from fault


def _worth(item: ItemDefinition, text: str, unit: str) -> Value:
    kind = item.type
    if kind in {"number", "integer"}:
        number = Decimal(text)
        return number if unit == item.unit else number * item.also[unit]
    if kind == "choice":
        return Decimal(text) if item.numeric_codes else text
    if kind == "yesno":
        return {"Y": True, "N": False}[text]
    worth: Value = _PLAIN[kind](text)
    return worth


_PLAIN: Mapping[str, Any] = {
    "text": str,
    "note": str,
    "file": str,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "partialdate": PartialDate.parse,
    "choices": lambda text: frozenset(text.split("|")) if text else frozenset(),
}

MOST_PLACES = Decimal("0.0000000001")


def stored_result(item: ItemDefinition, value: Value) -> dict[str, Any]:
    """Return the result of a formula as it is stored: exact text, at most 10 decimals, marked as derived (``d``).

    >>> bmi = ItemDefinition("BMI", "VS", "", False, "BMI", "number", unit="kg/m2")
    >>> stored_result(bmi, Decimal("22.50")), stored_result(bmi, Decimal(1) / 3)
    ({'v': '22.5', 'u': 'kg/m2', 'd': 1}, {'v': '0.3333333333', 'u': 'kg/m2', 'd': 1})
    """
    if isinstance(value, bool):
        return {"v": "Y" if value else "N", "d": 1}
    if isinstance(value, Decimal):
        text = _plain_number(value)
        return {"v": text, "u": item.unit, "d": 1} if item.unit else {"v": text, "d": 1}
    if isinstance(value, datetime):
        return {"v": value.isoformat(timespec="minutes"), "d": 1}
    if isinstance(value, time):
        return {"v": value.isoformat(timespec="minutes"), "d": 1}
    if isinstance(value, frozenset):
        return {"v": "|".join(code.code for code in item.codes if code.code in value), "d": 1}
    return {"v": str(value), "d": 1}


def _plain_number(value: Decimal) -> str:
    if not value.is_finite():
        raise ExpressionFault("the result is not a finite number")
    places = value.as_tuple().exponent
    rounded = value.quantize(MOST_PLACES) if isinstance(places, int) and places < -10 else value
    text = f"{rounded:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def display(item: ItemDefinition, stored: StoredValue | None, *, unit: bool = True) -> str:
    """Return the canonical text of a value: label of a code, number with its unit, reason of a blank; empty for none.

    >>> hb = ItemDefinition("HB", "HEM", "", False, "Haemoglobin", "number", unit="g/L", unit_shown="g/L")
    >>> display(hb, {"v": "92", "u": "g/L"}), display(hb, {"n": "NA", "why": "no sample"})
    ('92 g/L', 'Not applicable: no sample')
    """
    if stored is None:
        return ""
    if "n" in stored:
        why = stored.get("why", "")
        label = LABELS.get(stored["n"], str(stored["n"]))
        return f"{label}: {why}" if why else label
    text = str(stored["v"])
    if item.type == "yesno":
        return {"Y": "Yes", "N": "No"}.get(text, text)
    if item.type == "choice":
        return item.code_label(text)
    if item.type == "choices":
        return ", ".join(item.code_label(code) for code in text.split("|")) if text else ""
    if item.type == "datetime":
        return text.replace("T", " ")
    if stored.get("d") and item.decimals is not None and item.type == "number":
        text = f"{Decimal(text):.{item.decimals}f}"
    shown = stored.get("u", "")
    shown = item.unit_shown or shown if shown == item.unit else shown
    return f"{text} {shown}" if unit and shown else text


def packed(stored: StoredValue | None) -> Any:
    """Return a value as it stands in an audit delta: the bare text where that says everything.

    >>> packed({"v": "38.6"}), packed({"v": "92", "u": "g/L"}), packed(None)
    ('38.6', {'v': '92', 'u': 'g/L'}, None)
    """
    if stored is None:
        return None
    return stored["v"] if len(stored) == 1 and "v" in stored else dict(stored)


def unpacked(delta_value: Any) -> dict[str, Any] | None:
    """Return the stored value again from an audit delta.

    >>> unpacked("38.6"), unpacked({"n": "ND", "why": ""}), unpacked(None)
    ({'v': '38.6'}, {'n': 'ND', 'why': ''}, None)
    """
    if delta_value is None:
        return None
    return {"v": delta_value} if isinstance(delta_value, str) else dict(delta_value)
