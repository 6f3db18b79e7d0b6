"""Texts that a coordinator would type into each item: plausible, typed, decided by one seeded source of randomness."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random  # noqa: TID251 - seeds is where randomness is made

from capture.definition.compiled import FormDefinition, ItemDefinition
from capture.domain.item_paths import row_path
from seeds.conduct.lives import Life

TYPICAL: dict[str, tuple[float, float, int]] = {
    "TEMP": (36.6, 0.2, 1),
    "SYSBP": (118, 8, 0),
    "DIABP": (74, 5, 0),
    "PULSE": (76, 6, 0),
    "RESP": (16, 1.5, 0),
    "OXYSAT": (97, 0.8, 0),
    "HEIGHT": (168, 5, 0),
    "WBC": (5.4, 0.9, 1),
    "ANC": (2.9, 0.5, 2),
    "ALC": (0.9, 0.2, 2),
    "HB": (121, 8, 0),
    "PLT": (196, 28, 0),
    "ALT": (24, 6, 0),
    "AST": (22, 5, 0),
    "TBIL": (10, 2, 1),
    "CREAT": (69, 8, 0),
    "ALB": (41, 2, 0),
    "LDH": (188, 20, 0),
    "CK": (88, 20, 0),
    "SODIUM": (140, 1.5, 0),
    "POTASSIUM": (4.1, 0.2, 1),
    "FERRITIN": (160, 60, 0),
    "CRP": (4, 2, 1),
    "IGG": (8.5, 1.2, 1),
    "IGA": (1.6, 0.3, 2),
    "IGM": (0.7, 0.2, 2),
    "C3": (0.85, 0.1, 2),
    "C4": (0.16, 0.03, 2),
    "PROTEIN": (14, 4, 0),
    "CD19": (2, 1, 0),
    "COPIES": (12000, 6000, 0),
    "CELLS": (60, 12, 1),
    "VOLUME": (180, 20, 0),
    "PER_DAY": (1, 0, 0),
    "LIMIT": (20, 0, 0),
}
"""Item: mean, spread, decimals, in the item's stored unit. Invented for the simulation; no claim about any patient."""

YES = frozenset(
    {
        "COPY", "IDENTITY", "COMPLETE", "IN_SPEC", "ICE_DONE", "REFRACTORY", "YEAR", "MONTH", "CITY", "HOSPITAL",
        "COMMAND", "SENTENCE", "COUNTS", "OBJECT_1", "OBJECT_2", "OBJECT_3", "ONGOING",
    }
)  # fmt: skip
FIXED = {
    "DOCUMENT": "Version 1.0 of 12 January 2026",
    "LOT": "L-2604",
    "BAG": "BAG-0417",
    "DONOR": "D-11",
    "RESULT": "NEG",
    "FINDING": "NORMAL",
    "DOSE_FLU": "30",
    "METHOD": "QPCR",
    "SAMPLE": "SERUM",
    "MATRIX": "SERUM",
    "STATUS": "",
}


def form_values(form: FormDefinition, life: Life, on: date, source: Random) -> dict[str, str]:
    """Return a text for every item of a form that a person types; which of them are shown is the form's own matter."""
    texts: dict[str, str] = {}
    for name, item in form.items.items():
        if item.derived:
            continue
        for path in _paths(form, item):
            texts[path] = item_text(item, life, on, source)
        if name in texts and not texts[name]:
            del texts[name]
    return {path: text for path, text in texts.items() if text}


def _paths(form: FormDefinition, item: ItemDefinition) -> list[str]:
    if not item.repeats:
        return [item.name]
    group = form.groups[item.group]
    rows = [row.code for row in group.rows] or ["1"]
    return [row_path(item.group, row, item.name) for row in rows]


def item_text(item: ItemDefinition, life: Life, on: date, source: Random) -> str:
    """Return one item's text; empty leaves it blank."""
    own = _of_life(item, life, on)
    if own is not None:
        return own
    if item.type in {"integer", "number"}:
        return _number(item, source)
    if item.type == "yesno":
        return "Y" if item.name in YES or item.form == "ELIG" else "N"
    if item.type == "choice":
        return _choice(item, source)
    if item.type == "choices":
        return ""
    return _when(item, life, on)


def _of_life(item: ItemDefinition, life: Life, on: date) -> str | None:
    facts = {
        "WEIGHT": str(life.weight),
        "SEX": life.sex,
        "BIRTH": life.born.isoformat(),
        "CONDITION": life.condition,
        "WOCBP": "N",
    }
    if item.name == "SIGNED":
        return f"{on.isoformat()} 09:00"
    fixed = FIXED.get(item.name)
    if fixed and (not item.codes or any(code.code == fixed for code in item.codes)):
        return fixed
    return facts.get(item.name) if item.name != "WEIGHT" or item.form == "VS" else None


def _number(item: ItemDefinition, source: Random) -> str:
    limits = item.soft or item.hard
    if item.name in TYPICAL and item.form != "MRI":
        mean, spread, places = TYPICAL[item.name]
        value = source.gauss(mean, spread)
        value = max(value, 0.0)
    else:
        low = float(limits.low) if limits and limits.low is not None else 0.0
        high = float(limits.high) if limits and limits.high is not None else low + 10
        value, places = low + (high - low) * source.uniform(0.1, 0.3), 0 if item.type == "integer" else 1
    if item.hard is not None:
        value = max(value, float(item.hard.low or 0))
        value = min(value, float(item.hard.high)) if item.hard.high is not None else value
    places = 0 if item.type == "integer" else min(places, item.decimals if item.decimals is not None else places)
    return f"{value:.{places}f}"


def _choice(item: ItemDefinition, source: Random) -> str:
    if not item.codes:
        return "Fatigue" if item.codes_from == "ctcae" else ""
    if item.name == "STATUS":
        return item.codes[0].code
    return source.choice(item.codes[: min(2, len(item.codes))]).code


def _when(item: ItemDefinition, life: Life, on: date) -> str:
    day = on - timedelta(days=400) if item.name == "START" and item.form in {"MH", "PRIORTX", "CM"} else on
    return {
        "date": day.isoformat(),
        "partialdate": day.isoformat()[:7] if item.form in {"MH", "PRIORTX"} else day.isoformat(),
        "datetime": f"{day.isoformat()} 08:30",
        "time": "08:30",
        "text": f"Site note {life.number + 1}",
        "note": "As in the source document",
    }.get(item.type, "")
