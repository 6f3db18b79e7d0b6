"""The expression language of study files: eligibility, edit checks, derived items, skip logic, DLT and stopping rules.

    compiled = compile_expression("DIABP >= SYSBP", scope)          # typed at publication; ExpressionError
    compiled.evaluate(context)                                      # True, False, UNKNOWN, or NotEvaluable
    compiled.waits_for(context)                                     # the inputs because of which it is unknown

Three-valued (Kleene): a blank is unknown, never false and never 0. Numbers are Decimal. ``MappingScope`` and
``MappingContext`` are ready-made from dictionaries.
"""

from trials.records.domain.expressions.compiled import Combined, Compiled, combine
from trials.records.domain.expressions.compiler import compile_expression
from trials.records.domain.expressions.context import Answer, Context, Row
from trials.records.domain.expressions.errors import ExpressionError, ExpressionFault, NotEvaluable, nearest
from trials.records.domain.expressions.mapping import MappingContext, MappingRow, MappingScope
from trials.records.domain.expressions.scope import (
    DLT_FACTS,
    GRADED_FACTS,
    STANDARD_FACTS,
    STOPPING_FACTS,
    ConstantSymbol,
    FactSymbol,
    GroupSymbol,
    ItemSymbol,
    RowsSymbol,
    Rule,
    RuleSymbol,
    Scope,
    Symbol,
)
from trials.records.domain.expressions.types import Kind, Reference, Type
from trials.records.domain.expressions.units import UnitTable
from trials.records.domain.expressions.values import (
    NOT_APPLICABLE,
    NOT_DONE,
    UNKNOWN,
    Blank,
    Range,
    Value,
    conjoin,
    disjoin,
    negate,
    threshold,
)

__all__ = [
    "DLT_FACTS",
    "GRADED_FACTS",
    "NOT_APPLICABLE",
    "NOT_DONE",
    "STANDARD_FACTS",
    "STOPPING_FACTS",
    "UNKNOWN",
    "Answer",
    "Blank",
    "Combined",
    "Compiled",
    "ConstantSymbol",
    "Context",
    "ExpressionError",
    "ExpressionFault",
    "FactSymbol",
    "GroupSymbol",
    "ItemSymbol",
    "Kind",
    "MappingContext",
    "MappingRow",
    "MappingScope",
    "NotEvaluable",
    "Range",
    "Reference",
    "Row",
    "RowsSymbol",
    "Rule",
    "RuleSymbol",
    "Scope",
    "Symbol",
    "Type",
    "UnitTable",
    "Value",
    "combine",
    "compile_expression",
    "conjoin",
    "disjoin",
    "nearest",
    "negate",
    "threshold",
]
