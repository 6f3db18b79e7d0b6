"""A small study for the tests of the expression language: units, forms, rows, facts, and a context from short names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from trials.records.domain.dates import PartialDate
from trials.records.domain.expressions import (
    DLT_FACTS,
    GRADED_FACTS,
    STANDARD_FACTS,
    STOPPING_FACTS,
    Compiled,
    ConstantSymbol,
    GroupSymbol,
    ItemSymbol,
    MappingContext,
    MappingRow,
    MappingScope,
    RowsSymbol,
    RuleSymbol,
    Symbol,
    Type,
    UnitTable,
    compile_expression,
)

UNITS = UnitTable(
    {
        "kg": {},
        "m": {},
        "cm": {"equals": "0.01 m"},
        "mm[Hg]": {"aka": ["mmHg"]},
        "Cel": {"aka": ["degC"]},
        "10*9/L": {"aka": ["G/L"]},
        "10*3/uL": {"equals": "1 10*9/L"},
        "g/L": {},
        "g/dL": {"equals": "10 g/L"},
        "mg/dL": {"equals": "0.01 g/L"},
        "mmol/L": {},
        "umol/L": {},
        "U/L": {},
        "mL/min": {},
        "cells/uL": {},
        "10*6 cells": {},
        "10*6 cells/kg": {},
        "mo": {},
        "%": {},
    }
)
BOOLEAN, NUMBER, DATE, DATETIME = Type("boolean"), Type("number"), Type("date"), Type("datetime")
TEXT, TIME = Type("text"), Type("time")
NEGPOS = Type("code", codes=("NEG", "POS"))
SCALE = Type("number", codes=("0", "1", "2", "3"))
GRADES = Type("number", codes=("1", "2", "3", "4", "5"))
AGENTS = ("AZA", "MMF", "TAC", "RTX", "BEL")


def unit(name: str) -> Type:
    """A number in a unit."""
    return Type("number", unit=name)


def _items(form: str, kinds: Mapping[str, Type], **more: Any) -> dict[str, Symbol]:
    return {name: ItemSymbol(form, name, kind, **more) for name, kind in kinds.items()}


def _weighted(form: str, points: Mapping[str, int], **more: Any) -> dict[str, Symbol]:
    return {name: ItemSymbol(form, name, BOOLEAN, weight=Decimal(n), **more) for name, n in points.items()}


def _group(form: str, name: str, items: Mapping[str, Symbol]) -> dict[str, Symbol]:
    members = tuple(item for item in items.values() if isinstance(item, ItemSymbol))
    return {name: GroupSymbol(form, name, members), **items}


def _rows(form: str, group: str, kinds: Mapping[str, Type], **more: Any) -> RowsSymbol:
    items = {name: ItemSymbol(form, name, kind) for name, kind in kinds.items()}
    return RowsSymbol(form, group, items, **more)


def _repeated(form: str, group: str, kinds: Mapping[str, Type], **more: Any) -> dict[str, Symbol]:
    return {group: _rows(form, group, kinds, **more), **_items(form, kinds, rows=group)}


INFUSION_ITEMS = {
    "PRODUCT": Type("code", codes=("CAR_A", "CAR_B")),
    "START": DATETIME,
    "END": DATETIME,
    "DOSE": unit("10*6 cells/kg"),
    "IDENTITY": BOOLEAN,
}
FORMS: dict[str, dict[str, Symbol]] = {
    "VS": _items(
        "VS",
        {"SYSBP": unit("mm[Hg]"), "DIABP": unit("mm[Hg]"), "TEMP": unit("Cel"), "WEIGHT": unit("kg")}
        | {"HEIGHT": unit("cm"), "AT": TIME, "NOTE": TEXT},
    ),
    "HEM": _items("HEM", {"HB": unit("g/L"), "HB_DL": unit("g/dL"), "PLT": unit("10*9/L"), "ANC": unit("10*9/L")}),
    "CHEM": _items("CHEM", {"CREAT": unit("umol/L"), "CRCL": unit("mL/min"), "DATE": DATETIME})
    | _items("CHEM", {"ALT": unit("U/L"), "AST": unit("U/L")}, lab=True),
    "URINE": _items("URINE", {"PROTEIN": unit("mg/dL"), "CREAT": unit("mg/dL")}),
    "MG": _items("MG", {"TOTAL": NUMBER, "OCULAR": NUMBER}),
    "SLEDAI": _group("SLEDAI", "EIGHT", _weighted("SLEDAI", {"SEIZURE": 8, "PSYCHOSIS": 8}))
    | _group("SLEDAI", "FOUR", _weighted("SLEDAI", {"ARTHRITIS": 4}))
    | _group("SLEDAI", "TWO", _weighted("SLEDAI", {"COMPLEMENT": 2, "DNA": 2}))
    | _group("SLEDAI", "ONE", _weighted("SLEDAI", {"PLATELETS": 1, "FEVER": 1}))
    | _items("SLEDAI", {"TOTAL": NUMBER}, derived=True),
    "EFF": _items(
        "EFF",
        {"STATUS": Type("code", codes=("CSR", "PR", "MM-0")), "BEFORE": Type("code", codes=("CSR", "PR", "MM-0"))}
        | {"AGENTS": Type("choices", codes=AGENTS), "GLUCOCORTICOID": BOOLEAN},
    ),
    "INF": _repeated("INF", "INFUSIONS", INFUSION_ITEMS),
    "JOINTS": _repeated("JOINTS", "JOINTS", {"TENDER": BOOLEAN, "SWOLLEN": BOOLEAN}, codes=("HIP_R", "KNEE_R")),
    "PREG": _items("PREG", {"DATE": DATETIME, "RESULT": NEGPOS}),
    "DM": _items("DM", {"WOCBP": BOOLEAN}),
    "BCELL": _items("BCELL", {"CD19": unit("cells/uL"), "DEPLETED": BOOLEAN}),
    "INCAT": _items("INCAT", {"ARM": SCALE, "LEG": SCALE}),
    "MGAB": _items("MGAB", {"ACHR": NEGPOS, "MUSK": NEGPOS, "LRP4": NEGPOS}),
    "MH": _items("MH", {"START": DATE, "END": DATE, "ONGOING": BOOLEAN}),
}
COURSE = _rows("AE", "GRADES", {"GRADE": GRADES})
LOGS = {
    "PRIORTX": _rows(
        "PRIORTX",
        "",
        {"AGENT": Type("code", codes=AGENTS), "RESPONSE": Type("code", codes=("NONE", "PART"))}
        | {"ONGOING": BOOLEAN, "MONTHS": unit("mo")},
    ),
    "AE": _rows("AE", "", {"TERM": TEXT}, facts=GRADED_FACTS, groups={"GRADES": COURSE}),
    "CRS": _rows("CRS", "", {"TEMP": unit("Cel")}, facts={"grade": NUMBER}),
    "ICANS": _rows("ICANS", "", {"ICE": NUMBER}, facts={"grade": NUMBER}),
}
VISITS = {code: code for code in ("SCR", "D-1", "D0", "D14", "D28", "M6", "UNS")} | {"M1": "D28"}
FACTS = {**STANDARD_FACTS, **GRADED_FACTS, **DLT_FACTS, **STOPPING_FACTS}
POLICY = ConstantSymbol("organ_umbrella", Type("code", codes=("attested", "off")), "attested")


def scope(form: str) -> MappingScope:
    """The study as seen from a form."""
    bare = MappingScope(form, FORMS, LOGS, FACTS, {}, VISITS, UNITS, dose_unit="10*6 cells/kg")
    childbearing = RuleSymbol("childbearing", compile_expression("DM.WOCBP[SCR]", bare))
    named: dict[str, Symbol] = {"childbearing": childbearing, "organ_umbrella": POLICY}
    return MappingScope(form, FORMS, LOGS, FACTS, named, VISITS, UNITS, dose_unit="10*6 cells/kg")


def compiled(form: str, text: str, expects: str | None = None, unit: str | None = None) -> Compiled:
    """An expression compiled on a form, of any kind unless one is expected."""
    return compile_expression(text, scope(form), expects=expects, unit=unit)


_NAME = re.compile(r"(?:(\w+)\.)?(\w+)(?:\[(.+)\])?")


def _value(given: Any) -> Any:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return Decimal(str(given))
    if isinstance(given, str) and re.fullmatch(r"\d{4}(-\d\d){0,2}", given):
        read = PartialDate.parse(given)
        return read.exact or read
    if isinstance(given, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.+", given):
        return datetime.fromisoformat(given)
    return frozenset(given) if isinstance(given, set) else given


def row(code: str | None = None, **given: Any) -> MappingRow:
    """A row: capital names are items, small ones facts, a list is a group inside it."""
    values = {name: _value(each) for name, each in given.items() if not isinstance(each, list)}
    groups = {name: each for name, each in given.items() if isinstance(each, list)}
    items = {name: value for name, value in values.items() if name.isupper()}
    return MappingRow(items, {name: value for name, value in values.items() if name.islower()}, code, groups)


def context(form: str, given: Mapping[str, Any]) -> MappingContext:
    """A context from short names: ``WEIGHT``, ``VS.WEIGHT[D-1]``, ``sex``, ``uln ALT``, ``series ANC[D0:D28]``, ``rows
    PRIORTX``, ``cohort AE``, ``hours 3``, ``dose CAR_A``."""
    made: dict[str, dict[Any, Any]] = {key: {} for key in ("value", "fact", "rows", "series", "limit", "time", "dose")}
    made["cohort"] = {}
    for written, each in given.items():
        word, _, name = written.rpartition(" ")
        found = _NAME.fullmatch(name)
        assert found is not None, written
        key = (found[1] or form, found[2], found[3] or "")
        if word == "rows":
            made["rows"][(name, "", "") if name in LOGS else key] = each
        elif word == "series":
            made["series"][key] = [_value(one) for one in each]
        elif word in {"uln", "lln"}:
            made["limit"][(key[0], key[1], word)] = _value(each)
        elif word in {"hours", "days"}:
            made["time"][int(name), word] = _value(each)
        elif word in {"cohort", "dose"}:
            made[word][name] = _value(each)
        else:
            made["fact" if name.islower() else "value"][name if name.islower() else key] = _value(each)
    return MappingContext(
        values=made["value"],
        facts=made["fact"],
        row_lists=made["rows"],
        visit_series=made["series"],
        limits=made["limit"],
        times=made["time"],
        cohort=made["cohort"],
        doses=made["dose"],
    )


def answer(form: str, text: str, given: Mapping[str, Any], expects: str | None = None) -> Any:
    """The value of an expression on a form with these inputs."""
    return compiled(form, text, expects).evaluate(context(form, given))


DAY = date.fromisoformat
