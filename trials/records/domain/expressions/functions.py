"""The functions of the language: one table of names, signatures and builders."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trials.records.domain.expressions import aggregates, clinical, functions_numbers, functions_time
from trials.records.domain.expressions.compiled import Node
from trials.records.domain.expressions.errors import ExpressionError, nearest

if TYPE_CHECKING:
    from trials.records.domain.expressions.builder import Builder

Build = Callable[["Builder", ast.Call], Node]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how it is written, and how many values it takes (``most`` None: any number)."""

    signature: str
    least: int
    most: int | None
    build: Build


FUNCTIONS: dict[str, Function] = {
    "age": Function("age(date)", 1, 1, functions_time.age),
    "days_between": Function("days_between(a, b)", 2, 2, functions_time.days_between),
    "hours_between": Function("hours_between(a, b)", 2, 2, functions_time.hours_between),
    "months_between": Function("months_between(a, b)", 2, 2, functions_time.months_between_dates),
    "months_after": Function("months_after(date, n)", 2, 2, functions_time.months_after_date),
    "days_after": Function("days_after(date, n)", 2, 2, functions_time.days_after_date),
    "abs": Function("abs(x)", 1, 1, functions_numbers.absolute),
    "round": Function("round(x, n)", 1, 2, functions_numbers.rounded),
    "min": Function("min(x[D0:D28]) or min(x, y, ...)", 1, None, functions_numbers.least),
    "max": Function("max(x[D0:D28]) or max(x, y, ...)", 1, None, functions_numbers.greatest),
    "mean": Function("mean(x[D0:D28]) or mean(x, y, ...)", 1, None, functions_numbers.mean),
    "sum": Function("sum(x[D0:D28]) or sum(x, y, ...)", 1, None, functions_numbers.total),
    "sqrt": Function("sqrt(x)", 1, 1, functions_numbers.square_root),
    "ln": Function("ln(x)", 1, 1, functions_numbers.natural_logarithm),
    "log2": Function("log2(x)", 1, 1, functions_numbers.binary_logarithm),
    "change": Function("change(ITEM)", 1, 1, clinical.change),
    "percent_change": Function("percent_change(new, old)", 2, 2, clinical.percent_change),
    "uln": Function("uln(ITEM)", 1, 1, clinical.upper_limit),
    "lln": Function("lln(ITEM)", 1, 1, clinical.lower_limit),
    "score": Function("score(GROUP or ITEM)", 1, 1, clinical.score),
    "planned_dose": Function("planned_dose(product)", 1, 1, clinical.planned_dose),
    "hours_at_grade": Function("hours_at_grade(g)", 1, 1, clinical.hours_at_grade),
    "days_at_grade": Function("days_at_grade(g)", 1, 1, clinical.days_at_grade),
    "count": Function("count(rows, rule)", 1, 2, aggregates.count),
    "any": Function("any(rows, rule)", 1, 2, aggregates.any_of),
    "every": Function("every(rows, rule)", 2, 2, aggregates.every),
    "distinct": Function("distinct(rows, item, rule)", 2, 3, aggregates.distinct),
    "total": Function("total(rows, item)", 2, 2, aggregates.total),
    "first": Function("first(rows, item, rule)", 2, 3, aggregates.first),
    "last": Function("last(rows, item, rule)", 2, 3, aggregates.last),
    "participants": Function("participants(FORM, rule)", 2, 2, aggregates.participants),
    "at_least": Function("at_least(n, rule, rule, ...)", 2, None, clinical.at_least),
    "has_any": Function('has_any(CHOICES, ["A", "B"])', 2, 2, clinical.has_any),
}


def call(builder: Builder, node: ast.Call) -> Node:
    """Return the node of a function, or raise ExpressionError for an unknown name or a wrong number of values."""
    name = node.func.id if isinstance(node.func, ast.Name) else builder.shown(node.func)
    function = FUNCTIONS.get(name)
    if function is None:
        raise ExpressionError(f'no function is called "{name}"', near=nearest(name, FUNCTIONS))
    given = len(node.args)
    if given < function.least or (function.most is not None and given > function.most):
        raise ExpressionError(f'"{builder.shown(node)}" has {given} values', function.signature)
    return function.build(builder, node)
