"""What publication refuses, and with which words; what breaks while a rule runs; what may never run at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.domain.expression_study import answer, compiled, context, row
from trials.records.domain.expressions import UNKNOWN, ExpressionError, NotEvaluable, UnitTable


def refused(form: str, text: str, expects: str | None = "boolean", unit: str | None = None) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        compiled(form, text, expects, unit)
    return caught.value


@pytest.mark.parametrize(
    ("form", "text", "message", "expected", "near"),
    [
        ("VS", "DIABP >= SISBP", 'nothing is called "SISBP" here', "", "SYSBP"),
        ("PREG", 'RESULT = "POS"', '"RESULT = "POS"" is not an expression', '"==" instead of "="', ""),
        ("PREG", 'RESULT == "POSITIVE"', '"POSITIVE" is not a code of RESULT', "one of NEG, POS", ""),
        (
            "SLEDAI",
            "PLATELETS != (HEM.PLT < 100)",
            '"HEM.PLT" is in 10*9/L; the number 100 has no unit',
            '"100 10*9/L" in quotes',
            "",
        ),
        (
            "MG",
            'HEM.HB >= "60 mmol/L"',
            '"60 mmol/L" cannot be compared with a value in g/L',
            "a unit that converts to g/L",
            "",
        ),
        ("VS", 'TEMP > "38 degC"', 'unknown unit "degC"', "", "Cel"),
        ("MG", 'HEM.HBB >= "60 g/L"', 'nothing is called "HEM.HBB" here', "", "HEM.HB"),
        ("MG", 'HEN.HB >= "60 g/L"', 'nothing is called "HEN.HB" here', "", "HEM"),
        ("MG", "TOTAL[D29] > 1", '"D29" is not a visit', "a visit, baseline, previous or latest", "D28"),
        (
            "MG",
            "TOTAL[base_line] > 1",
            '"base_line" is not a visit',
            "a visit, baseline, previous or latest",
            "baseline",
        ),
        ("MG", "TOTAL[D0:D28] > 1", 'the range in "TOTAL[D0:D28]" stands alone', None, ""),
        ("MG", "TOTAL", '"TOTAL" gives a number', "a yes/no value", ""),
        ("MG", "TOTAL > 5 and OCULAR", '"OCULAR" is a number', "a yes/no value or a comparison", ""),
        ("MG", "counts(PRIORTX, ONGOING) > 1", 'no function is called "counts"', "", "count"),
        ("MG", "count(PRIORTX, ONGOIN) > 1", 'nothing is called "ONGOIN" here', "", "ONGOING"),
        ("MG", "PRIORTX > 1", '"PRIORTX" has rows, not one value', None, ""),
        ("MG", "count(TOTAL, true) > 1", '"TOTAL" has no rows', None, ""),
        ("INF", "END <= START", '"END" stands in the rows of INFUSIONS', None, ""),
        ("MG", "age(TOTAL) > 18", '"TOTAL" is a number', "a date", ""),
        ("MG", "age() > 18", '"age()" has 0 values', "age(date)", ""),
        ("CHEM", "CREAT > uln(CREAT)", '"CREAT" has no normal range', "an item with lab: true", ""),
        ("EFF", 'STATUS < "CSR"', 'Codes have no order: "STATUS" < ...', None, ""),
        ("EFF", 'AGENTS == "MMF"', '"MMF" cannot be compared with a several codes', '"MMF" in AGENTS', ""),
        ("EFF", '"MMX" in AGENTS', '"MMX" is not a code of AGENTS', "one of AZA, MMF, TAC, RTX, BEL", "MMF"),
        ("EFF", 'STATUS in ["CSR", "PX"]', '"PX" is not a code of STATUS', "one of CSR, PR, MM-0", ""),
        ("EFF", 'has_any(AGENTS, ["RTY"])', '"RTY" is not a code of AGENTS', None, "RTX"),
        ("INCAT", "ARM == 7", '"7" is not a code of ARM', "one of 0, 1, 2, 3", ""),
        ("INCAT", 'ARM == "2"', '"2" cannot be compared with a plain number', None, ""),
        ("MG", "sex == 1", '"sex" is a code, "1" a number', "values of one kind", ""),
        ("HEM", "HB + PLT > HB", '"HB" is in g/L, "PLT" in 10*9/L', "equal units", ""),
        ("HEM", 'HB + 5 > "60 g/L"', '"HB" is in g/L; the number 5 has no unit', '"5 g/L" in quotes', ""),
        ("HEM", "HB < PLT", '"PLT" cannot be compared with a value in g/L', "a unit that converts to g/L", ""),
        ("MG", 'TOTAL < "5 g/L"', '"5 g/L" cannot be compared with a plain number', None, ""),
        ("VS", "WEIGHT / HEIGHT > 2", '"2" cannot be compared with a value in (cm)^-1.kg', None, ""),
        ("HEM", 'HB < "60"', '"HB" is in g/L; the number 60 has no unit', '"60 g/L"', ""),
        ("CHEM", "CREAT is not_don", '"is not_don" is not a state', "known, not_done or not_applicable", "not_done"),
        ("CHEM", "CREAT is None", '"is None" is not a state', "known, not_done or not_applicable", None),
        ("MG", "enrolled_on + 5 > infused_on", '"enrolled_on" is a date', None, ""),
        (
            "MG",
            "hours_between(enrolled_on, infused_at) > 5",
            '"enrolled_on" is a date without a time',
            "a date and time",
            "",
        ),
        ("MG", 'organ_umbrella == "atested"', '"atested" is not a code of organ_umbrella', None, "attested"),
        ("MG", "at_least(3, had_dlt, whole_dose)", '"3" cannot stand here', None, ""),
        ("MG", "hours_at_grade(6) > 1", '"6" cannot stand here', "a grade from 1 to 5", ""),
        ("MG", 'sex[baseline] == "F"', '"sex" has no value at another time', "a captured item", ""),
        ("MG", "min(TOTAL[D0:D28], 3) > 1", '"min(TOTAL[D0:D28], 3)" mixes a range with other values', None, ""),
        ("MG", "MGAB.ACHR.x", '"MGAB.ACHR.x" is not a name', "FORM.ITEM with one dot", ""),
        ("MG", "TOTAL AND OCULAR", '"TOTAL AND OCULAR" is not an expression', None, ""),
        ("MG", "had_dlt && whole_dose", '"had_dlt && whole_dose" is not an expression', '"and" instead of "&"', ""),
        ("MG", "count(PRIORTX, ONGOING = true) > 1", None, '"==" instead of "="', ""),
        ("MG", "True", '"True" is not part of the language', "", "true"),
        ("MG", "", '"" is not an expression', "", ""),
    ],
)
def test_a_mistake_is_refused_with_what_was_found_and_what_would_do(
    form: str, text: str, message: str | None, expected: str | None, near: str | None
) -> None:
    found = refused(form, text)
    assert message is None or found.message == message
    assert found.expected if expected is None else found.expected == expected
    assert near is None or found.near == near


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "9**9**9 > 1",
        "TOTAL ** TOTAL > 1",
        "'a' * 10**9",
        "'a' * 10**9 == 'a'",
        "TOTAL.__class__",
        "TOTAL.__class__.__mro__",
        "().__class__",
        '"".join(["a"])',
        '__import__("os")',
        '__import__("os").system("true")',
        "eval('1')",
        "open('x')",
        "getattr(TOTAL, 'real')",
        "lambda: 1",
        "(lambda x: x)(1)",
        "[x for x in AGENTS]",
        "{x for x in AGENTS}",
        "{1: 2}",
        "any(x for x in AGENTS)",
        "(TOTAL := 3) > 2",
        'f"{TOTAL}" == "x"',
        "TOTAL if True else 2",
        "TOTAL[0]",
        "TOTAL['x']",
        "TOTAL[::2]",
        "min(*TOTAL)",
        "min(**TOTAL)",
        "round(TOTAL, n=1) > 1",
        "TOTAL // 2 > 1",
        "TOTAL % 2 == 0",
        "TOTAL @ 2",
        "TOTAL << 2 > 1",
        "~TOTAL > 1",
        "TOTAL is None",
        "await TOTAL",
        "yield TOTAL",
        "TOTAL; OCULAR",
        "import os",
        "b'x' == 'x'",
        "1j > 0",
        "0x10 > TOTAL",
        "1_000 > TOTAL",
        "1e999999 > TOTAL",
        "... == TOTAL",
        "'x' 'y'",
        "u'x'",
        "'''x'''",
        "'\\x41' == sex",
        "(TOTAL, OCULAR) == 1",
        "[TOTAL] == 1",
        "\x00",
        "TOTAL > 1\x00",
    ],
)
def test_nothing_outside_the_language_is_compiled(text: str) -> None:
    refused("MG", text, expects=None)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "TOTAL" + ")" * 500,
        "-" * 1_900 + "1",
        "not " * 400 + "had_dlt",
        "abs(" * 90 + "TOTAL" + ")" * 90,
        "TOTAL" + " + TOTAL" * 200,
        "1" * 1_900,
        "[" * 900,
    ],
)
def test_a_huge_or_deep_expression_is_refused_and_breaks_nothing(text: str) -> None:
    assert len(refused("MG", text, expects=None).message) < 300


def test_the_caps_are_200_parts_20_levels_and_2000_characters() -> None:
    assert compiled("MG", "not " * 18 + "(TOTAL > 1)").evaluate(context("MG", {"TOTAL": 2})) is True
    assert refused("MG", "not " * 19 + "(TOTAL > 1)").message == "the expression is nested more than 20 levels deep"
    flat = "max(" + ", ".join(["1"] * 196) + ") > 0"
    assert compiled("MG", flat).evaluate(context("MG", {})) is True
    assert refused("MG", flat.replace("max(", "max(1, ")).message == "the expression has more than 200 parts"
    assert compiled("MG", "TOTAL > 1".ljust(2_000)).text == "TOTAL > 1"
    assert refused("MG", "had_dlt" + " " * 1_994 + "or true").message == "the expression has 2008 characters"


@pytest.mark.parametrize(
    ("text", "given", "part"),
    [
        ("TOTAL > 5", {"TOTAL": "many"}, "TOTAL holds 'many', which is not a number"),
        ("TOTAL > 5", {"TOTAL": True}, "TOTAL holds True, which is not a number"),
        ("had_dlt", {"had_dlt": 1}, "which is not a boolean"),
        ("min(TOTAL[D0:D28]) > 5", {}, "no series MG.TOTAL[D0:D28] was given"),
        ("participants(CRS, grade >= 4) > 1", {}, "no participants were given for CRS"),
        ("months_after(infused_on, TOTAL) > infused_on", {"TOTAL": 1.5, "infused_on": "2026-11-22"}, "whole number"),
        ("days_after(infused_on, TOTAL) > infused_on", {"TOTAL": 1e9, "infused_on": "2026-11-22"}, "whole number"),
        ("any(PRIORTX, ONGOING)", {"rows PRIORTX": [row(ONGOING="Y")]}, "ONGOING holds 'Y'"),
    ],
)
def test_a_rule_that_breaks_is_not_evaluable_and_says_why(text: str, given: dict[str, Any], part: str) -> None:
    found = answer("MG", text, given)
    assert isinstance(found, NotEvaluable)
    assert part in found.cause
    assert found.text == text
    with pytest.raises(TypeError):
        bool(found)


def test_a_fault_does_not_hide_behind_a_blank_nor_stand_in_the_way_of_a_settled_answer() -> None:
    assert isinstance(answer("MG", "OCULAR > 1 and TOTAL > 1", {"TOTAL": "many"}), NotEvaluable)
    assert answer("MG", "OCULAR > 1 and TOTAL > 1", {"TOTAL": "many", "OCULAR": 1}) is False


@pytest.mark.parametrize(
    "text",
    ["1 / TOTAL > 1", "ln(TOTAL) > 1", "log2(TOTAL) > 1", "TOTAL ** -1 > 1", "TOTAL ** 0 == 1", "sqrt(TOTAL - 1) > 0"],
)
def test_an_undefined_calculation_is_unknown_and_no_fault(text: str) -> None:
    assert answer("MG", text, {"TOTAL": 0}) is UNKNOWN


def test_an_answer_of_unknown_is_never_taken_for_false() -> None:
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(answer("MG", "TOTAL > 1", {}))


def test_a_formula_is_converted_into_the_unit_of_its_item_or_refused() -> None:
    given = context("HEM", {"HB": 80})
    assert compiled("HEM", "HB", "number", "g/dL").evaluate(given) == Decimal(8)
    assert compiled("HEM", "HB / 10", "number", "g/L").evaluate(given) == Decimal(8)
    assert refused("HEM", "HB", "number", "kg").message == '"HB" gives a value in g/L'
    assert compiled("VS", "WEIGHT / HEIGHT ** 2", "number", "kg").type.shown == "(cm)^-2.kg"


def test_a_unit_table_with_a_circle_or_an_unknown_unit_is_refused() -> None:
    for units in ({"a": {"equals": "1 b"}, "b": {"equals": "1 a"}}, {"a": {"equals": "1 c"}}, {"a": {"equals": "b"}}):
        with pytest.raises(ExpressionError, match="is no conversion"):
            UnitTable(units)
