"""From text to a compiled expression."""

from __future__ import annotations

from trials.records.domain.expressions.compiled import Compiled
from trials.records.domain.expressions.scope import Scope


def compile_expression(
    text: str, scope: Scope, *, expects: str | None = "boolean", unit: str | None = None
) -> Compiled:
    """Read, type and compile one expression.

    ``expects`` is a kind of Type ("boolean", "number", "date" — which a date and time also fulfils —, "code", …), None
    for any. ``unit`` is the unit of the item that a formula fills: a result of another unit is converted or refused,
    one of a product or quotient of several units is taken as it is. Raises ExpressionError, the first mistake found.
    """
    raise NotImplementedError
