"""A compiled expression, and rules combined of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from trials.records.domain.expressions.context import Answer, Context
from trials.records.domain.expressions.errors import ExpressionFault, NotEvaluable
from trials.records.domain.expressions.scope import Rule
from trials.records.domain.expressions.types import BOOLEAN, Reference, Type
from trials.records.domain.expressions.values import UNKNOWN, Range, conjoin, disjoin, threshold

Run = Callable[[Any], Any]
FAULTS = (ExpressionFault, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of an expression: its type, the closure that runs it, and what it is made of.

    ``raw`` gives an input with its null flavour; ``constant`` parts need no context; ``ranged`` ones may give a Range.
    """

    type: Type
    run: Run
    parts: tuple[Node, ...] = ()
    reference: Reference | None = None
    waits: Callable[[Any], tuple[Reference, ...]] | None = None
    raw: Run | None = None
    constant: bool = False
    ranged: bool = False

    def missing(self, context: Any) -> tuple[Reference, ...]:
        """Return the inputs because of which this part is unknown; nothing when it is known."""
        value = self.run(context)
        if value is not UNKNOWN and value.__class__ is not Range:
            return ()
        if self.waits is not None:
            return self.waits(context)
        own = () if self.reference is None else (self.reference,)
        return own + tuple(each for part in self.parts for each in part.missing(context))


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """An expression, typed and compiled.

    ``references`` and ``facts`` are all inputs it can read, whichever way it turns.
    """

    text: str
    type: Type
    references: frozenset[Reference]
    facts: frozenset[str]
    node: Node = field(repr=False)

    def evaluate(self, context: Context) -> Answer:
        """Return the value, UNKNOWN, or NotEvaluable with the cause. Never raises for a fault inside the rule."""
        try:
            value = self.node.run(context)
        except FAULTS as fault:
            return NotEvaluable(self.text, f"{type(fault).__name__}: {fault}")
        return UNKNOWN if value.__class__ is Range else value

    def waits_for(self, context: Context) -> tuple[Reference, ...]:
        """Return the missing inputs that keep the answer unknown, each once, in the order of the text.

        Empty when the answer is known, or not evaluable. A part that is known already asks for nothing.
        """
        try:
            return tuple(dict.fromkeys(self.node.missing(context)))
        except FAULTS:
            return ()


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """A rule made of rules: all, any, or at least ``least`` of them (see ``combine``)."""

    text: str
    rules: tuple[Rule, ...]
    least: int | None
    references: frozenset[Reference]
    facts: frozenset[str]
    type: Type = BOOLEAN

    def evaluate(self, context: Context) -> Answer:
        """Return true, false, UNKNOWN, or the first fault when the others do not settle the answer."""
        answers = [rule.evaluate(context) for rule in self.rules]
        fault = next((each for each in answers if isinstance(each, NotEvaluable)), None)
        known = [UNKNOWN if isinstance(each, NotEvaluable) else each for each in answers]
        if self.least is None:
            answer = conjoin(*known)
        else:
            answer = threshold(self.least, *known) if self.least > 1 else disjoin(*known)
        return fault if answer is UNKNOWN and fault is not None else answer  # type: ignore[return-value]

    def waits_for(self, context: Context) -> tuple[Reference, ...]:
        """Return the missing inputs of the rules that are still unknown; empty when the whole is known."""
        if self.evaluate(context) is not UNKNOWN:
            return ()
        return tuple(dict.fromkeys(each for rule in self.rules for each in rule.waits_for(context)))


def combine(how: str, rules: Sequence[Rule], *, least: int = 1) -> Combined:
    """Return one rule of several: ``all``, ``any`` or ``at least`` (with ``least``), as in ``all: [..]`` of a file.

    Kleene's logic; a fault in one rule does not hide behind unknown, and does not stand in the way of a settled answer.
    Raises ValueError for another word, for no rules, or when ``least`` is outside 1 and the number of rules.
    """
    if how not in {"all", "any", "at least"} or not rules or not 1 <= least <= len(rules):
        raise ValueError(f'expected all, any or at least 1..{len(rules)} of some rules, found "{how}" {least}')
    wanted = {"all": None, "any": 1, "at least": least}[how]
    title = f"at least {least}" if how == "at least" else how
    return Combined(
        text=f"{title}: [{', '.join(rule.text for rule in rules)}]",
        rules=tuple(rules),
        least=wanted,
        references=frozenset().union(*(rule.references for rule in rules)),
        facts=frozenset().union(*(rule.facts for rule in rules)),
    )
