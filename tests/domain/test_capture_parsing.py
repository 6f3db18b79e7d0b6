"""Typed text of every item type: exact stored values, and refusals that say what was expected."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from capture.definition.shapes import Code, ItemDefinition
from capture.domain.null_flavours import NullFlavour
from capture.domain.parsing import parse_null, parse_value
from capture.domain.values import display, packed, stored_result, typed_value, unpacked
from trials.records.domain.dates import PartialDate
from trials.records.domain.errors import Refusal
from trials.records.domain.expressions import NOT_APPLICABLE, NOT_DONE, UNKNOWN, ExpressionFault

TODAY = date(2026, 11, 22)
NEGPOS = (Code("NEG", "Negative"), Code("POS", "Positive"))
SCALE = (Code("0", "None"), Code("1", "Mild"), Code("1.5", "Between"))


def item(kind: Any, **more: Any) -> ItemDefinition:
    return ItemDefinition("X", "F", "", False, "Label", kind, **more)


HB = item("number", unit="g/L", unit_shown="g/L", also={"g/dL": Decimal(10)})
TEMP = item("number", unit="Cel", unit_shown="°C", decimals=1)


@pytest.mark.parametrize(
    ("definition", "typed", "stored"),
    [
        (item("text"), "  a  b ", {"v": "a  b"}),
        (item("note"), "one\r\ntwo", {"v": "one\ntwo"}),
        (item("integer"), "+007", {"v": "7"}),
        (item("integer"), "-0", {"v": "0"}),
        (item("integer"), "-12", {"v": "-12"}),
        (item("number"), "1.50", {"v": "1.50"}),
        (item("number"), ".5", {"v": "0.5"}),
        (item("number"), "-00.50", {"v": "-0.50"}),
        (item("number"), "999999999999999", {"v": "999999999999999"}),
        (TEMP, "38.6", {"v": "38.6", "u": "Cel"}),
        (TEMP, "38.6 °C", {"v": "38.6", "u": "Cel"}),
        (HB, "92 g/L", {"v": "92", "u": "g/L"}),
        (HB, "92g/L", {"v": "92", "u": "g/L"}),
        (HB, "9.2 g/dL", {"v": "9.2", "u": "g/dL"}),
        (item("date"), "23/11", {"v": "2026-11-23"}),
        (item("date"), "23nov", {"v": "2026-11-23"}),
        (item("date"), "23.11.2025", {"v": "2025-11-23"}),
        (item("date"), "t", {"v": "2026-11-22"}),
        (item("date"), "Y", {"v": "2026-11-21"}),
        (item("date"), "-1", {"v": "2026-11-21"}),
        (item("date"), "+10", {"v": "2026-12-02"}),
        (item("date"), "29 feb", {"v": "2028-02-29"}),
        (item("partialdate"), "2026", {"v": "2026"}),
        (item("partialdate"), "nov 2026", {"v": "2026-11"}),
        (item("partialdate"), "2026-11-02", {"v": "2026-11-02"}),
        (item("time"), "942", {"v": "09:42"}),
        (item("time"), "00:00", {"v": "00:00"}),
        (item("datetime"), "y 23:59", {"v": "2026-11-21T23:59"}),
        (item("datetime"), "23/11 0942", {"v": "2026-11-23T09:42"}),
        (item("yesno"), "YES", {"v": "Y"}),
        (item("yesno"), "2", {"v": "N"}),
        (item("choice", codes=NEGPOS), "pos", {"v": "POS"}),
        (item("choice", codes=NEGPOS), "Negative", {"v": "NEG"}),
        (item("choice", codes=NEGPOS), "2", {"v": "POS"}),
        (item("choice", codes=SCALE, numeric_codes=True), "1.50", {"v": "1.5"}),
        (item("choice", codes=SCALE, numeric_codes=True), "1", {"v": "1"}),
        (item("choices", codes=NEGPOS), "POS|NEG|POS", {"v": "NEG|POS"}),
        (item("choices", codes=NEGPOS), "pos, 1", {"v": "NEG|POS"}),
    ],
)
def test_a_text_becomes_exactly_this_value(definition: ItemDefinition, typed: str, stored: dict[str, str]) -> None:
    assert parse_value(definition, typed, today=TODAY) == stored


@pytest.mark.parametrize("kind", ["text", "note", "integer", "number", "date", "time", "yesno", "choice", "choices"])
def test_only_blanks_are_no_value(kind: str) -> None:
    assert parse_value(item(kind, codes=NEGPOS), " \t ".replace("\t", " "), today=TODAY) is None


@pytest.mark.parametrize(
    ("definition", "typed", "code"),
    [
        (item("text"), "a\x00b", "control_character"),
        (item("text"), "a\nb", "control_character"),
        (item("text"), "a\u202eb", "control_character"),
        (item("text"), "x" * 1001, "too_long"),
        (item("integer"), "1.5", "not_whole"),
        (item("integer"), "one", "not_a_number"),
        (item("number"), "1,5", "decimal_comma"),
        (item("number"), "1e3", "unit"),
        (item("number"), "1.", "not_a_number"),
        (item("number"), "1.2.3", "not_a_number"),
        (item("number"), "NaN", "not_a_number"),
        (item("number"), "1000000000000000", "too_many_digits"),
        (item("number"), "٣", "not_a_number"),
        (TEMP, "38.65", "decimals"),
        (HB, "9.2 mg/dL", "unit"),
        (item("number"), "5 kg", "unit"),
        (item("date"), "31/2", "not_a_date"),
        (item("date"), "29/2/2026", "not_a_date"),
        (item("date"), "11/23/2026", "not_a_date"),
        (item("date"), "23/11/26", "not_a_date"),
        (item("date"), "2026-11", "not_a_date"),
        (item("date"), "1/1/1899", "not_a_date"),
        (item("partialdate"), "2026-13", "not_a_date"),
        (item("time"), "24:00", "not_a_time"),
        (item("time"), "9:60", "not_a_time"),
        (item("datetime"), "2026-11-23", "not_a_date"),
        (item("yesno"), "maybe", "not_yes_or_no"),
        (item("choice", codes=NEGPOS), "3", "not_a_code"),
        (item("choice", codes=NEGPOS), "0", "not_a_code"),
        (item("choice", codes=SCALE, numeric_codes=True), "2", "not_a_code"),
        (item("choices", codes=NEGPOS), "POS|XYZ", "not_a_code"),
    ],
)
def test_a_text_that_is_no_value_is_refused_with_what_was_expected(
    definition: ItemDefinition, typed: str, code: str
) -> None:
    refused = parse_value(definition, typed, today=TODAY)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.where) == (code, "X")
    assert refused.expected
    assert refused.action
    assert "\x00" not in refused.found


def test_a_date_that_does_not_exist_is_refused_in_plain_words() -> None:
    expected = "a date of the calendar with the day before the month, such as 23/11/2026"
    for typed in ("31/2/2026", "31/2", "2026-02-30", "11/23/2026"):
        refused = parse_value(item("date"), typed, today=TODAY)
        assert isinstance(refused, Refusal)
        assert (refused.expected, refused.found) == (expected, typed)


@pytest.mark.parametrize("digits", [1000, 1001])
def test_the_longest_text_is_a_thousand_characters(digits: int) -> None:
    assert isinstance(parse_value(item("text"), "x" * digits, today=TODAY), dict) is (digits == 1000)


def test_only_offered_null_flavours_are_taken() -> None:
    offered = item("text", nulls=("ND",))
    assert parse_null(offered, NullFlavour("ND", " broken ")) == {"n": "ND", "why": "broken"}
    refused = parse_null(offered, NullFlavour("NA"))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.expected, refused.found) == ("null_not_offered", "Not done", "Not applicable")


@pytest.mark.parametrize(
    ("definition", "stored", "worth"),
    [
        (HB, {"v": "8.6", "u": "g/dL"}, Decimal("86")),
        (HB, {"v": "86"}, Decimal(86)),
        (item("yesno"), {"v": "N"}, False),
        (item("choice", codes=SCALE, numeric_codes=True), {"v": "1.5"}, Decimal("1.5")),
        (item("choice", codes=NEGPOS), {"v": "POS"}, "POS"),
        (item("choices", codes=NEGPOS), {"v": "NEG|POS"}, frozenset({"NEG", "POS"})),
        (item("date"), {"v": "2026-11-22"}, TODAY),
        (item("partialdate"), {"v": "2026-11"}, PartialDate.parse("2026-11")),
        (item("number"), {"n": "ND", "why": ""}, NOT_DONE),
        (item("number"), {"n": "NA", "why": ""}, NOT_APPLICABLE),
        (item("number"), {"n": "UNK", "why": ""}, UNKNOWN),
        (item("number"), None, UNKNOWN),
    ],
)
def test_a_stored_value_is_worth_exactly_this(definition: ItemDefinition, stored: Any, worth: Any) -> None:
    assert typed_value(definition, stored) == worth


@pytest.mark.parametrize("stored", [{"v": "abc"}, {"v": "1", "u": "mmol/L"}])
def test_a_stored_text_of_another_type_is_a_fault_never_a_blank(stored: dict[str, str]) -> None:
    with pytest.raises(ExpressionFault):
        typed_value(HB, stored)


def test_a_result_is_exact_text_of_at_most_ten_decimals() -> None:
    assert stored_result(item("number"), Decimal("1E+2")) == {"v": "100", "d": 1}
    assert stored_result(item("number"), Decimal("0.50")) == {"v": "0.5", "d": 1}
    assert stored_result(item("number"), Decimal(2) / 3) == {"v": "0.6666666667", "d": 1}
    assert stored_result(item("yesno"), False) == {"v": "N", "d": 1}
    with pytest.raises(ExpressionFault):
        stored_result(item("number"), Decimal("NaN"))


def test_what_is_shown_names_units_labels_and_reasons() -> None:
    assert display(HB, {"v": "9.2", "u": "g/dL"}) == "9.2 g/dL"
    assert display(TEMP, {"v": "38.65", "u": "Cel", "d": 1}) == "38.6 °C"
    assert display(item("choices", codes=NEGPOS), {"v": "NEG|POS"}) == "Negative, Positive"
    assert display(item("datetime"), {"v": "2026-11-22T09:42"}) == "2026-11-22 09:42"
    assert display(item("text"), {"n": "ND", "why": "lost"}) == "Not done: lost"


@pytest.mark.parametrize(
    "stored", [{"v": "1"}, {"v": "1", "u": "kg"}, {"v": "1", "d": 1}, {"n": "ND", "why": ""}, None]
)
def test_a_delta_gives_the_stored_value_back(stored: Any) -> None:
    assert unpacked(packed(stored)) == stored
