"""Three-valued logic, states, comparisons with units, dates that are partly known, rows, and what a rule waits for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from tests.domain.expression_study import answer, compiled, context, row
from trials.records.domain.dates import PartialDate
from trials.records.domain.expressions import (
    NOT_APPLICABLE,
    NOT_DONE,
    UNKNOWN,
    NotEvaluable,
    Reference,
    combine,
    conjoin,
    disjoin,
    negate,
    threshold,
)

D = Decimal
T, F, U = True, False, UNKNOWN
AND = {(T, T): T, (T, F): F, (T, U): U, (F, T): F, (F, F): F, (F, U): F, (U, T): U, (U, F): F, (U, U): U}
OR = {(T, T): T, (T, F): T, (T, U): T, (F, T): T, (F, F): F, (F, U): U, (U, T): T, (U, F): U, (U, U): U}


def ask(text: str, one: Any, other: Any) -> Any:
    return answer("MG", text, {"had_dlt": one, "whole_dose": other})


@pytest.mark.parametrize(("one", "other"), list(AND))
def test_and_or_not_follow_kleenes_tables(one: Any, other: Any) -> None:
    assert ask("had_dlt and whole_dose", one, other) is conjoin(one, other) is AND[one, other]
    assert ask("had_dlt or whole_dose", one, other) is disjoin(one, other) is OR[one, other]
    assert ask("not had_dlt", one, other) is negate(one) is {T: F, F: T, U: U}[one]


@pytest.mark.parametrize("values", list(product((T, F, U), repeat=3)))
def test_several_operands_follow_from_two(values: tuple[Any, Any, Any]) -> None:
    given = dict(zip(("had_dlt", "whole_dose", "serious"), values, strict=True))
    assert answer("MG", "had_dlt and whole_dose and serious", given) is AND[AND[values[:2]], values[2]]
    assert answer("MG", "had_dlt or whole_dose or serious", given) is OR[OR[values[:2]], values[2]]


@pytest.mark.parametrize("values", list(product((T, F, U), repeat=3)))
def test_at_least_is_unknown_only_while_the_answer_can_change(values: tuple[Any, Any, Any]) -> None:
    given = dict(zip(("had_dlt", "whole_dose", "serious"), values, strict=True))
    possible = {
        sum(T if value is U else value for value in values) >= 2,
        sum(F if value is U else value for value in values) >= 2,
    }
    expected = possible.pop() if len(possible) == 1 else U
    assert answer("MG", "at_least(2, had_dlt, whole_dose, serious)", given) is expected
    assert threshold(2, *values) is expected


@pytest.mark.parametrize(("one", "other"), list(AND))
def test_yes_no_values_compare_and_choose_only_when_known(one: Any, other: Any) -> None:
    unknown = U in (one, other)
    assert ask("had_dlt == whole_dose", one, other) is (U if unknown else one is other)
    assert ask("had_dlt != whole_dose", one, other) is (U if unknown else one is not other)
    assert ask("whole_dose if had_dlt else false", one, other) is (U if one is U else other if one else F)


@pytest.mark.parametrize(
    ("value", "known", "not_done", "not_applicable"),
    [(U, F, F, F), (NOT_DONE, F, T, F), (NOT_APPLICABLE, F, F, T), (80, T, F, F)],
)
def test_the_states_of_an_input_are_never_unknown(
    value: Any, known: bool, not_done: bool, not_applicable: bool
) -> None:
    given = {"CREAT": value}
    assert answer("CHEM", "CREAT is known", given) is known
    assert answer("CHEM", "CREAT is not known", given) is not known
    assert answer("CHEM", "CREAT is not_done", given) is not_done
    assert answer("CHEM", "CREAT is not not_done", given) is not not_done
    assert answer("CHEM", "CREAT is not_applicable", given) is not_applicable
    assert answer("CHEM", 'CREAT > "50 umol/L"', given) is (T if known else U)


@pytest.mark.parametrize(
    ("form", "text", "given", "expected"),
    [
        ("HEM", 'HB == "8 g/dL"', {"HB": 80}, T),
        ("HEM", '"8 g/dL" > HB', {"HB": 79}, T),
        ("HEM", "HB == HB_DL", {"HB": 80, "HB_DL": 8}, T),
        ("HEM", "HB < HB_DL", {"HB": 79, "HB_DL": 8}, T),
        ("HEM", 'HB in ["8 g/dL", "90 g/L"]', {"HB": 80}, T),
        ("HEM", 'HB - "10 g/L" >= "70 g/L"', {"HB": 80}, T),
        ("HEM", 'PLT < "100 10*3/uL"', {"PLT": 99}, T),
        ("HEM", "HB / HB_DL > HB / HB_DL", {"HB": 80, "HB_DL": 8}, F),
        ("VS", "SYSBP * 1.05 > DIABP", {"SYSBP": 100, "DIABP": 105}, F),
        ("VS", 'NOTE == "none"', {"NOTE": "none"}, T),
        ("EFF", "STATUS != BEFORE", {"STATUS": "PR", "BEFORE": "CSR"}, T),
        ("EFF", 'STATUS not in ["PR"]', {"STATUS": "CSR"}, T),
        ("EFF", '"MMF" not in AGENTS', {"AGENTS": {"AZA"}}, T),
        ("EFF", 'not "MMF" in AGENTS', {"AGENTS": {"AZA"}}, T),
        ("INCAT", "ARM in [1, 2]", {"ARM": 2}, T),
        ("INCAT", "ARM >= 2", {"ARM": 1}, F),
        ("MG", "0.1 + 0.2 == 0.3", {}, T),
        ("MG", "round(TOTAL, 1) == 2.5", {"TOTAL": D("2.45")}, T),
        ("MG", "round(TOTAL) == -3", {"TOTAL": D("-2.5")}, T),
        ("MG", "sqrt(TOTAL) == 3 and log2(TOTAL - 1) == 3", {"TOTAL": 9}, T),
        ("MG", "2 ** 3 == 8 and TOTAL ** 2 == 81", {"TOTAL": 9}, T),
        ("MG", "min(TOTAL, OCULAR) == 2 and max(TOTAL, OCULAR) == 9", {"TOTAL": 9, "OCULAR": 2}, T),
        ("MG", "sum(TOTAL, OCULAR, 1) == 12 and mean(TOTAL, OCULAR) == 5.5", {"TOTAL": 9, "OCULAR": 2}, T),
        ("MG", "min(TOTAL, OCULAR) < 5", {"TOTAL": 1}, U),
        ("MG", "-TOTAL < +OCULAR", {"TOTAL": 1, "OCULAR": 0}, T),
        ("MG", "mean(TOTAL[D0:D28]) == 2", {"series TOTAL[D0:D28]": [1, 3]}, T),
        ("MG", "mean(TOTAL[D0:D28]) == 2", {"series TOTAL[D0:D28]": [1, 3, U]}, U),
        ("MG", "sum(TOTAL[D0:M1]) == 0", {"series TOTAL[D0:D28]": []}, T),
        ("MG", "max(TOTAL[D0:D28]) > 2", {"series TOTAL[D0:D28]": [U, 3]}, T),
        ("MG", "max(TOTAL[D0:D28]) > 4", {"series TOTAL[D0:D28]": [U, 3]}, U),
        ("MG", "min(TOTAL[D0:D28]) > 2", {"series TOTAL[D0:D28]": []}, U),
        ("BCELL", "count(DEPLETED[D0:D28]) >= 2", {"series DEPLETED[D0:D28]": [T, U, T]}, T),
        ("VS", 'VS.WEIGHT[D-1] > "50 kg"', {"WEIGHT[D-1]": 60}, T),
        ("VS", 'WEIGHT[ D - 1 ] > "50 kg"', {"WEIGHT[D-1]": 60}, T),
        ("MG", "TOTAL[M1] > 5", {"TOTAL[D28]": 6}, T),
        ("MG", 'organ_umbrella == "attested" and TOTAL > 5', {"TOTAL": 6}, T),
        ("MG", 'organ_umbrella == "off" and TOTAL > 5', {}, F),
        ("MG", "not childbearing", {"DM.WOCBP[SCR]": F}, T),
        ("MG", "not childbearing", {}, U),
    ],
)
def test_a_comparison_respects_units_codes_scales_and_times(
    form: str, text: str, given: dict[str, Any], expected: Any
) -> None:
    assert answer(form, text, given, expects="boolean") is expected


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("END < START", "2026-11", "2026-10", T),
        ("END < START", "2026-11", "2026-11-05", U),
        ("END < START", "2026-11", "2026-12-01", F),
        ("END < START", "2026-11-05", "2026-11-05", F),
        ("END <= START", "2026-11", "2026-11-01", T),
        ("END <= START", "2026-11", "2026-11-02", U),
        ("END == START", "2026-11", "2026-11", U),
        ("END == START", "2026-11-05", "2026-11-05", T),
        ("END != START", "2025", "2026-11", T),
        ("days_between(START, END) >= 1", "2026-10", "2026-11-01", T),
        ("days_between(START, END) >= 2", "2026-10", "2026-11-01", U),
        ("months_between(START, END) > 6", "2026-01-15", "2026-07-15", F),
        ("months_between(START, END) > 6", "2026-01-15", "2026-07-16", T),
        ("months_between(START, END) > 6", "2026-01", "2026-08-01", T),
        ("months_between(END, START) < 0", "2026-01-15", "2026-07-15", T),
        ("END > days_after(START, 30)", "2026-01-01", "2026-01-31", F),
        ("END > months_after(START, 1)", "2026-01-31", "2026-03-01", T),
        ("END > months_after(START, 1)", "2026-01", "2026-02-28", U),
    ],
)
def test_a_partial_date_is_an_interval_that_only_certain_comparisons_settle(
    text: str, start: str, end: str, expected: Any
) -> None:
    assert answer("MH", text, {"START": start, "END": end}) is expected


def test_an_open_end_falls_back_on_a_known_date() -> None:
    text = "months_between(START, END if END is known else consented_on)"
    given = {"START": "2026-01-01", "consented_on": "2026-03-01"}
    assert answer("MH", text, given) == 2
    assert answer("MH", text, given | {"END": "2026-02-01"}) == 1


def test_a_partial_date_moved_stays_a_partial_date() -> None:
    moved = answer("MH", "months_after(START, 1)", {"START": "2026-01"})
    assert moved == PartialDate(date(2026, 2, 1), date(2026, 2, 28))


def test_hours_between_two_times_are_counted_by_the_clock() -> None:
    given = {"rows INFUSIONS": [row(START="2026-11-21T23:30", END="2026-11-22T01:00")]}
    assert answer("INF", "first(INFUSIONS, hours_between(START, END))", given) == D("1.5")


AGENTS = [row(AGENT="AZA", RESPONSE="PART", MONTHS=3), row(AGENT="MMF", MONTHS=4), row(AGENT="MMF", RESPONSE="NONE")]


@pytest.mark.parametrize(
    ("text", "rows", "expected"),
    [
        ("count(PRIORTX) == 3", AGENTS, T),
        ('first(PRIORTX, AGENT, RESPONSE == "PART") == "AZA"', AGENTS, T),
        ('first(PRIORTX, AGENT, RESPONSE == "NONE") == "MMF"', AGENTS, U),
        ('last(PRIORTX, AGENT, RESPONSE == "NONE") == "MMF"', AGENTS, T),
        ('last(PRIORTX, AGENT) == "MMF"', AGENTS, T),
        ('first(PRIORTX, AGENT, AGENT == "TAC") == "TAC"', AGENTS, U),
        ('total(PRIORTX, MONTHS) == "7 mo"', AGENTS[:2], T),
        ('total(PRIORTX, MONTHS) == "7 mo"', AGENTS, U),
        ('total(PRIORTX, MONTHS) == "0 mo"', [], T),
        ("distinct(PRIORTX, AGENT) == 2", AGENTS, T),
        ("distinct(PRIORTX, AGENT) >= 2", [row(AGENT="AZA"), row()], U),
        ("distinct(PRIORTX, AGENT) >= 1", [row()], T),
        ("distinct(PRIORTX, AGENT) <= 2", [row(AGENT="AZA"), row()], T),
        ("every(PRIORTX, ONGOING)", [], T),
        ("every(PRIORTX, ONGOING)", [row(ONGOING=T), row()], U),
        ("every(PRIORTX, ONGOING)", [row(ONGOING=F), row()], F),
        ("any(PRIORTX, ONGOING)", [], F),
        ("any(PRIORTX, ONGOING)", None, U),
        ("every(PRIORTX, ONGOING)", None, U),
        ('total(PRIORTX, MONTHS) >= "0 mo"', None, U),
        ("count(PRIORTX) >= 0", None, T),
        ("count(PRIORTX) >= 1", None, U),
        ("10 - count(PRIORTX, ONGOING) > 8", [row(), row(ONGOING=F)], T),
        ("10 - count(PRIORTX, ONGOING) > 9", [row(), row(ONGOING=F)], U),
        ("2 * count(PRIORTX, ONGOING) / 4 <= 0.5", [row(), row(ONGOING=F)], T),
        ("6 / (count(PRIORTX, ONGOING) - 1) < 7", [row(), row()], U),
        ("6 / (count(PRIORTX, ONGOING) + 1) < 7", [row(), row()], T),
        ("percent_change(count(PRIORTX, ONGOING), count(PRIORTX)) <= 0", [row(), row(ONGOING=T)], T),
        ("percent_change(count(PRIORTX, ONGOING), count(PRIORTX)) < 0", [row(), row(ONGOING=T)], U),
        ("-count(PRIORTX, ONGOING) <= 0", [row(), row()], T),
        ("round(count(PRIORTX, ONGOING) / 4, 0) <= 1", [row(), row()], T),
        ("max(count(PRIORTX, ONGOING), 3) == 3", [row(), row()], T),
        ("sqrt(count(PRIORTX, ONGOING)) >= 0", [row()], U),
        ("count(PRIORTX, ONGOING) ** 2 >= 0", [row()], U),
        ("count(PRIORTX, any(AE, related)) >= 0", [row()], T),
        ("abs(count(PRIORTX, ONGOING) - 3) >= 2", [row(), row(ONGOING=F)], T),
        ("any(PRIORTX, ONGOING and TOTAL > 5)", [row(ONGOING=T)], T),
        ('any(PRIORTX, ONGOING and sex == "F")', [row(ONGOING=T)], T),
        ("any(PRIORTX, ONGOING and age(consented_on) > 30)", [row(ONGOING=T)], T),
    ],
)
def test_rows_give_the_least_and_the_most_that_blanks_allow(text: str, rows: Any, expected: Any) -> None:
    given = {"TOTAL": 6, "sex": "F", "birth_date": "1990-01-01", "consented_on": "2026-01-01"}
    assert answer("MG", text, given if rows is None else given | {"rows PRIORTX": rows}) is expected


def test_a_count_that_is_only_a_range_is_unknown_as_a_result() -> None:
    assert answer("MG", "count(PRIORTX, ONGOING)", {"rows PRIORTX": [row(), row(ONGOING=T)]}) is UNKNOWN
    assert answer("MG", "count(PRIORTX, ONGOING) is known", {"rows PRIORTX": [row()]}) is False


def test_fixed_rows_know_their_code_and_rows_inside_rows_their_own_items() -> None:
    text = 'any(JOINTS, SWOLLEN and row in ["HIP_R"])'
    assert answer("JOINTS", text, {"rows JOINTS": [row("KNEE_R", SWOLLEN=T), row("HIP_R", SWOLLEN=F)]}) is False
    assert answer("JOINTS", text, {"rows JOINTS": [row("HIP_R", SWOLLEN=T)]}) is True
    nested = 'count(AE, related and any(GRADES, GRADE == 5 and serious and sex == "F")) == 1'
    event = row(related=T, serious=T, GRADES=[row(GRADE=3), row(GRADE=5)])
    assert answer("MG", nested, {"sex": "F", "rows AE": [event, row(related=F)]}) is True


def test_a_rule_names_the_inputs_it_waits_for_and_only_those() -> None:
    rule = compiled("DM", 'sex == "F" and (WOCBP or HEM.HB < "60 g/L") and childbearing')
    assert [str(each) for each in rule.waits_for(context("DM", {"WOCBP": True}))] == ["sex", "DM.WOCBP[SCR]"]
    assert rule.waits_for(context("DM", {"sex": "M"})) == ()
    assert rule.references == {Reference("DM", "WOCBP"), Reference("HEM", "HB"), Reference("DM", "WOCBP", "SCR")}
    assert rule.facts == {"sex"}


def test_rows_name_the_unopened_log_or_the_blanks_inside() -> None:
    rule = compiled("MG", "count(PRIORTX, ONGOING) == 0")
    assert [str(each) for each in rule.waits_for(context("MG", {}))] == ["PRIORTX"]
    waiting = rule.waits_for(context("MG", {"rows PRIORTX": [row(ONGOING=F), row()]}))
    assert waiting == (Reference("PRIORTX", "ONGOING", rows="PRIORTX"),)
    assert rule.references == {Reference("PRIORTX", "", rows="PRIORTX"), *waiting}


def test_the_references_carry_their_time() -> None:
    rule = compiled("BCELL", 'CD19 >= "20 cells/uL" and any(DEPLETED[D0:previous]) and MG.TOTAL[M1] > 1')
    assert sorted(map(str, rule.references)) == ["BCELL.CD19", "BCELL.DEPLETED[D0:previous]", "MG.TOTAL[D28]"]


def test_rules_combine_into_one_that_waits_only_while_it_is_unknown() -> None:
    rules = [compiled("MG", "TOTAL > 5"), compiled("MG", "OCULAR > 1"), compiled("MG", "had_dlt")]
    given = context("MG", {"TOTAL": 6, "OCULAR": 1})
    assert combine("all", rules).evaluate(given) is False
    assert combine("any", rules).evaluate(given) is True
    two = combine("at least", rules, least=2)
    assert two.evaluate(given) is UNKNOWN
    assert [str(each) for each in two.waits_for(given)] == ["had_dlt"]
    assert combine("any", rules).waits_for(given) == ()
    assert two.facts == {"had_dlt"}
    assert len(two.references) == 2
    with pytest.raises(ValueError, match=r"at least 1\.\.3"):
        combine("at least", rules, least=4)


def test_a_fault_in_a_combined_rule_is_kept_while_it_matters() -> None:
    rules = [compiled("MG", "TOTAL > 5"), compiled("MG", "OCULAR > 1")]
    broken = context("MG", {"TOTAL": "many", "OCULAR": 1})
    assert combine("all", rules).evaluate(broken) is False
    assert isinstance(combine("any", rules).evaluate(broken), NotEvaluable)
