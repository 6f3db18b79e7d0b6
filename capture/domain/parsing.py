"""From typed text to a stored value.

Stored text is what was entered, normalised only so: outer blanks and a leading plus go, ``.5`` becomes ``0.5``,
leading zeros
of a number go, line ends become LF, dates and times become ISO 8601, codes take the spelling of their list, yes and no
become Y and N. Trailing zeros stay (``1.50`` is not ``1.5``), and so does the unit that was typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from capture.definition.shapes import Code, ItemDefinition
from capture.domain.code_sources import source_of
from capture.domain.null_flavours import LABELS, NullFlavour
from capture.domain.typed_dates import read_date, read_datetime, read_partial, read_time
from trials.records.domain.errors import Refusal
from trials.records.domain.expressions import UnitTable

_NUMBER = re.compile(r"([+-]?)(\d*)(?:\.(\d+))?", re.ASCII)
_QUANTITY = re.compile(r"([+-]?[\d.,]+)(?:\s+(\S.*)|([^\d\s.,].*))?", re.ASCII)
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
MOST_DIGITS = 15
LONGEST = {"text": 1000, "note": 10000, "file": 300}
YES = frozenset({"y", "yes", "true", "1"})
NO = frozenset({"n", "no", "false", "0", "2"})


@dataclass(frozen=True, slots=True)
class Rejected(Exception):  # noqa: N818 - a text that is no value, not a fault of the program
    """Why a text is no value of its item."""

    code: str
    expected: str
    action: str = "Correct the value."


Stored = dict[str, Any]


def parse_value(
    item: ItemDefinition, text: str, *, today: date, units: UnitTable | None = None, where: str = ""
) -> Stored | Refusal | None:
    """Return the value to store, None for a blank, or the refusal.

    ``today`` is the site's date, for ``t`` and dates without a year. ``units`` lets the printed form of a unit be
    typed.

    >>> temp = ItemDefinition("TEMP", "VS", "", False, "Temperature", "number", unit="Cel", decimals=1)
    >>> parse_value(temp, "38.60", today=date(2026, 11, 22)).expected
    'at most 1 decimal'
    >>> parse_value(temp, " 38.6 ", today=date(2026, 11, 22))
    {'v': '38.6', 'u': 'Cel'}
    """
    place = where or item.name
    try:
        clean = _clean(text, multiline=item.type == "note")
        return _READERS[item.type](item, clean, today, units) if clean else None
    except Rejected as no:
        return Refusal(no.code, no.expected, _shown(text), no.action, place)


def parse_null(item: ItemDefinition, null: NullFlavour, *, where: str = "") -> Stored | Refusal:
    """Return a null flavour to store; only those that the item offers, with clean words."""
    place = where or item.name
    if null.flavour not in item.nulls:
        offered = ", ".join(LABELS[each] for each in item.nulls) or "a value"
        return Refusal(
            "null_not_offered", offered, LABELS.get(null.flavour, null.flavour), "Choose one of these.", place
        )
    try:
        return {"n": null.flavour, "why": _clean(null.why, multiline=False)}
    except Rejected as no:
        return Refusal(no.code, no.expected, _shown(null.why), no.action, place)


def _shown(text: str) -> str:
    visible = "".join(c if unicodedata.category(c)[0] != "C" else "�" for c in text.strip())
    return visible if len(visible) <= 80 else f"{visible[:79]}…"


def _clean(text: str, *, multiline: bool) -> str:
    if text.isascii() and text.isprintable():
        return text.strip()
    text = text.replace("\r\n", "\n").strip()
    for character in text:
        if character == "\n" and multiline:
            continue
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _BIDI:
            raise Rejected("control_character", "text without control characters", "Type the text again by hand.")
    return text


def _read_text(item: ItemDefinition, text: str, today: date, units: UnitTable | None) -> Stored:
    del today, units
    longest = LONGEST[item.type]
    if len(text) > longest:
        raise Rejected("too_long", f"at most {longest} characters", f"Shorten the text by {len(text) - longest}.")
    return {"v": text}


def _read_number(item: ItemDefinition, text: str, today: date, units: UnitTable | None) -> Stored:
    del today
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise Rejected("not_a_number", f"a number{f' in {item.unit_shown or item.unit}' if item.unit else ''}")
    amount, unit = found[1], (found[2] or found[3] or "").strip()
    taken = _unit(item, unit, units)
    number = _canonical(item, amount, taken)
    return {"v": number, "u": taken} if taken else {"v": number}


def _canonical(item: ItemDefinition, amount: str, unit: str) -> str:
    if "," in amount:
        raise Rejected("decimal_comma", "a decimal point and no thousands separator", "Write 1.5 for one and a half.")
    found = _NUMBER.fullmatch(amount)
    if found is None or not (found[2] or found[3]):
        raise Rejected("not_a_number", "a number such as 36.8")
    whole, rest = (found[2] or "0").lstrip("0") or "0", found[3]
    if len(whole) > MOST_DIGITS or len(rest or "") > MOST_DIGITS:
        raise Rejected("too_many_digits", f"at most {MOST_DIGITS} digits before and after the point")
    if rest is not None and item.type == "integer":
        raise Rejected("not_whole", "a whole number")
    if rest is not None and item.decimals is not None and unit == item.unit and len(rest) > item.decimals:
        raise Rejected("decimals", f"at most {item.decimals} decimal{'s' if item.decimals != 1 else ''}")
    number = whole if rest is None else f"{whole}.{rest}"
    return f"-{number}" if found[1] == "-" and Decimal(number) else number


def _unit(item: ItemDefinition, typed: str, units: UnitTable | None) -> str:
    if not typed:
        return item.unit
    for name in item.units:
        if (
            typed == name
            or (units is not None and typed == units.shows(name))
            or (name == item.unit and typed == item.unit_shown)
        ):
            return name
    expected = " or ".join(item.units) if item.units else "a number without a unit"
    raise Rejected("unit", expected, "Type the number in one of these units." if item.units else "Leave the unit out.")


def _read_dated(read: Callable[[str, date], Any]) -> Callable[..., Stored]:
    def reader(item: ItemDefinition, text: str, today: date, units: UnitTable | None) -> Stored:
        del item, units
        try:
            return {"v": str(read(text, today))}
        except (ValueError, OverflowError) as no:
            raise Rejected("not_a_date", str(no)) from None

    return reader


def _read_time(item: ItemDefinition, text: str, today: date, units: UnitTable | None) -> Stored:
    del item, today, units
    try:
        return {"v": read_time(text)}
    except ValueError as no:
        raise Rejected("not_a_time", str(no)) from None


def _read_yesno(item: ItemDefinition, text: str, today: date, units: UnitTable | None) -> Stored:
    del item, today, units
    folded = text.lower()
    if folded in YES or folded in NO:
        return {"v": "Y" if folded in YES else "N"}
    raise Rejected("not_yes_or_no", "yes (y, 1) or no (n, 0, 2)")


def _read_choice(item: ItemDefinition, text: str, today: date, units: UnitTable | None) -> Stored:
    del today, units
    return {"v": _code(item, text)}


def _read_choices(item: ItemDefinition, text: str, today: date, units: UnitTable | None) -> Stored:
    del today, units
    parts = [part.strip() for part in re.split(r"\|" if "|" in text else r"[,;]", text)]
    chosen = {_code(item, part) for part in parts if part}
    if not item.codes:
        return {"v": "|".join(sorted(chosen))}
    return {"v": "|".join(each.code for each in item.codes if each.code in chosen)}


def _code(item: ItemDefinition, text: str) -> str:
    codes = item.codes
    if not codes and item.codes_from:
        return _entry(item.codes_from, text)
    for each in codes:
        if each.code == text:
            return text
    folded = text.casefold()
    alike = [each.code for each in codes if folded in (each.code.casefold(), each.label.casefold())]
    if len(alike) == 1:
        return alike[0]
    found = _number_code(codes, text) if item.numeric_codes else _position(codes, text)
    if found is None:
        raise Rejected("not_a_code", _listed(codes), "Choose one of the list.")
    return found


def _entry(name: str, text: str) -> str:
    """Return the entry of a list that another room owns; what cannot be looked up is refused, never let through."""
    source = source_of(name)
    if source is None:
        raise Rejected("list_unavailable", f"an entry of the list {name}, which is not there", "Tell the data manager.")
    found = source.spell(text)
    if found is None:
        near = source.near(text)
        meant = f"Did you mean {' or '.join(near)}?" if near else "Choose one of the list."
        raise Rejected("not_a_code", source.label, meant)
    return found


def _number_code(codes: tuple[Code, ...], text: str) -> str | None:
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        return None
    number = Decimal(text)
    return next((each.code for each in codes if Decimal(each.code) == number), None)


def _position(codes: tuple[Code, ...], text: str) -> str | None:
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= len(codes):
        return codes[int(text) - 1].code
    return None


def _listed(codes: tuple[Code, ...]) -> str:
    shown = ", ".join(each.code for each in codes[:12])
    return f"one of {shown}{', …' if len(codes) > 12 else ''}"


_READERS: Mapping[str, Callable[[ItemDefinition, str, date, UnitTable | None], Stored]] = {
    "text": _read_text,
    "note": _read_text,
    "file": _read_text,
    "integer": _read_number,
    "number": _read_number,
    "date": _read_dated(read_date),
    "partialdate": _read_dated(read_partial),
    "datetime": _read_dated(read_datetime),
    "time": _read_time,
    "yesno": _read_yesno,
    "choice": _read_choice,
    "choices": _read_choices,
}
