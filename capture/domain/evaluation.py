"""One pass of a form's rules over one record: what is shown, derived and required, and which checks fire.

The order: items shown or derived by a rule (each after those it reads), ranges, what is required, checks. A hidden
item has
no value. Unknown hides an item and leaves a check silent; a rule that breaks hides nothing and gives a ``fault``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from capture.definition.shapes import CheckDefinition, ItemDefinition
from capture.domain.evaluation_context import EvaluationContext, rows_present
from capture.domain.form_plan import FormPlan, form_plan
from capture.domain.item_paths import row_path
from capture.domain.messages import RANGE, RULE, Message
from capture.domain.values import display, stored_result
from trials.records.domain.expressions import UNKNOWN, ExpressionFault, NotEvaluable, Rule, Value

Scope = tuple[str, str]
_PLAIN: tuple[Scope, ...] = (("", ""),)


@dataclass(slots=True)
class Evaluation:
    """What one pass found.

    ``hidden`` and ``shown`` are paths of items under a rule; ``removed`` those that lost a value by being hidden;
    ``derived`` the paths of formulas; ``waits`` what a blank formula waits for; ``required`` paths that must be
    answered;
    ``missing`` those that are not; ``inputs`` the own items each message's check reads.
    """

    messages: list[Message] = field(default_factory=list)
    inputs: dict[str, frozenset[str]] = field(default_factory=dict)
    shown: dict[str, bool] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)
    waits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def say(self, message: Message, inputs: frozenset[str]) -> None:
        """Keep a message and the items whose change concerns it."""
        self.messages.append(message)
        self.inputs[message.key] = inputs


def evaluate(context: EvaluationContext) -> Evaluation:
    """Run the rules of the record; ``context.data`` is brought up to date (derived and hidden items)."""
    plan = form_plan(context.form)
    found = Evaluation()
    scopes = {group: _scopes(context, group) for group in plan.rows}
    for item in plan.steps:
        for scope in _within(item, scopes):
            _settle(context, item, scope, found)
    for item in plan.limited:
        for scope in _within(item, scopes):
            _check_limits(context, item, row_path(*scope, item.name), found)
    context.scope = ("", "")
    _check_required(context, plan, scopes, found)
    for check, inputs in plan.checks:
        _run_check(context, check, inputs, found)
    return found


def _scopes(context: EvaluationContext, group: str) -> tuple[Scope, ...]:
    """Return the rows to look at: the fixed ones, or those added, up to the least number that the form asks for."""
    definition = context.form.groups[group]
    if definition.rows:
        return tuple((group, each.code) for each in definition.rows)
    rows = list(rows_present(context.data, group))
    least = definition.repeat[0] if definition.repeat else 0
    number = 1
    while len(rows) < least:
        if str(number) not in rows:
            rows.append(str(number))
        number += 1
    return tuple((group, row) for row in rows)


def _within(item: ItemDefinition, scopes: dict[str, tuple[Scope, ...]]) -> tuple[Scope, ...]:
    return scopes[item.group] if item.repeats else _PLAIN


def _settle(context: EvaluationContext, item: ItemDefinition, scope: Scope, found: Evaluation) -> None:
    context.scope = scope
    path = row_path(*scope, item.name)
    if item.shown_by:
        shown = all(_holds(context, rule, path, found, fault=True) for rule in item.shown_by)
        found.shown[path] = shown
        if not shown:
            if path in context.data:
                context.put(path, None)
                found.removed.append(path)
            return
    if item.derived:
        found.derived.append(path)
        if item.formula is not None:
            _derive(context, item, item.formula, path, found)


def _holds(context: EvaluationContext, rule: Rule, path: str, found: Evaluation, *, fault: bool) -> bool:
    answer = rule.evaluate(context)
    if isinstance(answer, NotEvaluable):
        _fault(found, path, rule.text, answer.cause)
        return fault
    return answer is True


def _derive(context: EvaluationContext, item: ItemDefinition, formula: Rule, path: str, found: Evaluation) -> None:
    answer = formula.evaluate(context)
    if isinstance(answer, NotEvaluable):
        _fault(found, path, formula.text, answer.cause)
        context.put(path, None)
    elif answer is UNKNOWN:
        found.waits[path] = tuple(str(each) for each in formula.waits_for(context))
        context.put(path, None)
    else:
        _put_result(context, item, path, answer, found)


def _put_result(context: EvaluationContext, item: ItemDefinition, path: str, value: Value, found: Evaluation) -> None:
    try:
        stored = stored_result(item, value)
    except (ExpressionFault, ArithmeticError) as fault:
        _fault(found, path, item.formula.text if item.formula else item.name, str(fault))
        context.put(path, None)
        return
    if context.data.get(path) != stored:
        context.put(path, stored)


def _fault(found: Evaluation, path: str, rule: str, cause: str) -> None:
    found.say(
        Message(
            path,
            "fault",
            "not_evaluable",
            f"The rule {rule} could not be evaluated: {cause}.",
            action="The study's data manager has to correct the rule; nothing is assumed meanwhile.",
            check=f"{RULE}:{rule}"[:80],
        ),
        frozenset(),
    )


def _check_limits(context: EvaluationContext, item: ItemDefinition, path: str, found: Evaluation) -> None:
    if path not in context.data:
        return
    try:
        value = context.typed(item, path)
    except ExpressionFault as fault:
        _fault(found, path, f"range of {item.name}", str(fault))
        return
    if not isinstance(value, Decimal):
        return
    shown = display(item, context.data[path])
    if item.hard is not None and not item.hard.holds(value):
        limits, level, action = item.hard, "hard", "The value is refused: correct it."
    elif item.soft is not None and not item.soft.holds(value):
        limits, level, action = item.soft, "soft", "Correct it, or keep it and explain."
    else:
        return
    expected = f"{limits} {item.unit_shown or item.unit}".strip()
    text = f"{item.label}: {shown} lies outside {expected}."
    level_name = "hard" if level == "hard" else "soft"
    message = Message(path, "hard" if level_name == "hard" else "soft", "range", text, expected, action, RANGE, shown)
    found.say(message, frozenset((item.name,)))


def _check_required(
    context: EvaluationContext, plan: FormPlan, scopes: dict[str, tuple[Scope, ...]], found: Evaluation
) -> None:
    for item in plan.asked:
        for scope in _within(item, scopes):
            path = row_path(*scope, item.name)
            if not found.shown.get(path, True):
                continue
            if not isinstance(item.required, bool):
                context.scope = scope
                if not _holds(context, item.required, path, found, fault=False):
                    continue
            found.required.append(path)
            if path not in context.data:
                found.missing.append(path)
    context.scope = ("", "")


def _run_check(context: EvaluationContext, check: CheckDefinition, inputs: frozenset[str], found: Evaluation) -> None:
    answer = check.when.evaluate(context)
    on = context.form.items.get(check.on)
    path = check.on if on is not None and not on.repeats else ""
    if isinstance(answer, NotEvaluable):
        _fault(found, path, check.when.text, answer.cause)
    elif answer is True:
        action = "The values are refused: correct one of them." if check.level == "hard" else ""
        action = "Correct it, or keep it and explain." if check.level == "soft" else action
        found.say(Message(path, check.level, "check", check.say, "", action, check.name), inputs)
