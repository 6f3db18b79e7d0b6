"""Judging events by a study's DLT rules. A rule finds candidates; a person decides.

A rule's answer is true (candidate), false (no) or unknown (pending, with what it waits for). Unknown stays unknown: a
missing causality, an ongoing duration, a partial date or a grade that is not evaluable never says "no".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from safety.domain.facts import GradedEvent, Known
from safety.domain.windows import DltWindow, WindowState
from trials.records.domain.expressions import UNKNOWN, Answer, Context, NotEvaluable, Rule

TIME_AT_GRADE: Final = "the end of the grade, or the limit of the rule"
"""What a rule waits for whose only open question is how long a grade lasts."""

WORDS: Final[Mapping[str, str]] = {
    "grade": "the grade",
    "started": "the start of the event",
    "ended": "the end of the event",
    "serious": "seriousness",
    "related": "causality to the CAR-T cells",
    "haematological": "the CTCAE term",
    "term": "the CTCAE term",
    "due_to_lymphodepletion": "causality to lymphodepletion",
    "due_to_disease": "causality to the disease",
    "hours_at_grade": TIME_AT_GRADE,
    "days_at_grade": TIME_AT_GRADE,
}
"""What a fact is called where a rule waits for it."""


class Verdict(StrEnum):
    """What a rule says of an event. ``FAULT``: the rule itself failed; a system query, never a silent pass."""

    CANDIDATE = "candidate"
    NO = "no"
    PENDING = "pending"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class DltRule:
    """One rule of a study: its name, the kind of event, its expression, and CTCAE terms that it leaves out."""

    name: str
    of: str
    rule: Rule
    exceptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one rule says of one event, and why. ``grade``: the highest certain grade in the window."""

    rule: str
    event: str
    verdict: Verdict
    grade: int
    working: str
    waits_for: tuple[str, ...] = ()

    @property
    def pair(self) -> str:
        """The event and rule as one key."""
        return f"{self.event}:{self.rule}"


def judge(
    rule: DltRule, event: GradedEvent, window: DltWindow, participant: Mapping[str, Known] | None = None
) -> Judgement:
    """Judge one event by one rule, as far as the event begins or worsens inside the window.

    ``participant``: facts of the participant that the expression may read.
    """
    if event.kind != rule.of:
        return Judgement(rule.name, event.id, Verdict.NO, 0, f"the rule is about {rule.of}")
    bounds = event.grades(window)
    if bounds is None:
        return Judgement(rule.name, event.id, Verdict.NO, 0, "does not begin or worsen in the window")
    term = event.facts.get("term", UNKNOWN)
    if isinstance(term, str) and term in rule.exceptions:
        return Judgement(rule.name, event.id, Verdict.NO, bounds[0], f"{term} is left out by the rule")
    worlds = event.worlds(window, participant)
    answers = [rule.rule.evaluate(world) for world in worlds]
    fault = next((answer for answer in answers if isinstance(answer, NotEvaluable)), None)
    if fault is not None:
        return Judgement(rule.name, event.id, Verdict.FAULT, bounds[0], str(fault))
    return _combine(rule, event, bounds, worlds, answers)


def _combine(
    rule: DltRule,
    event: GradedEvent,
    bounds: tuple[int, int],
    worlds: Sequence[Context],
    answers: Sequence[Answer],
) -> Judgement:
    grade = f"grade {bounds[0]}" if bounds[0] == bounds[1] else f"grade {bounds[0]} to {bounds[1]}"
    shown = f"{grade}; rule {rule.name}: {rule.rule.text}"
    term_open = bool(rule.exceptions) and event.facts.get("term", UNKNOWN) is UNKNOWN
    if all(answer is False for answer in answers):
        return Judgement(rule.name, event.id, Verdict.NO, bounds[0], f"{shown}: not met")
    if all(answer is True for answer in answers) and not term_open:
        return Judgement(rule.name, event.id, Verdict.CANDIDATE, bounds[0], f"{shown}: met, for adjudication")
    waits = _waits(rule, bounds, worlds, answers, term_open)
    return Judgement(rule.name, event.id, Verdict.PENDING, bounds[0], f"{shown}: pending", waits)


def _waits(
    rule: DltRule, bounds: tuple[int, int], worlds: Sequence[Context], answers: Sequence[Answer], term_open: bool
) -> tuple[str, ...]:
    waits: list[str] = []
    if bounds[0] != bounds[1] and len({str(answer) for answer in answers}) > 1:
        waits.append(WORDS["started"] if bounds[0] == 0 else WORDS["grade"])
    for world, answer in zip(worlds, answers, strict=True):
        if answer is UNKNOWN:
            waits.extend(WORDS.get(reference.item, str(reference)) for reference in rule.rule.waits_for(world))
    if term_open:
        waits.append(WORDS["term"])
    return tuple(dict.fromkeys(waits))


def judge_all(
    rules: Sequence[DltRule],
    events: Sequence[GradedEvent],
    window: DltWindow,
    participant: Mapping[str, Known] | None = None,
) -> tuple[Judgement, ...]:
    """Judge every event by every rule that is about its kind, in the order of the events."""
    return tuple(judge(rule, event, window, participant) for event in events for rule in rules if rule.of == event.kind)


class Evaluability(StrEnum):
    """Whether a participant counts for the dose decision. ``AT_RISK``: still open, but it will probably not."""

    EVALUABLE = "evaluable"
    NOT_EVALUABLE = "not_evaluable"
    PENDING = "pending"
    AT_RISK = "at_risk"


def whole_dose(
    given: Mapping[str, Decimal | None], planned: Mapping[str, Decimal], *, least_share: Decimal = Decimal(1)
) -> bool | None:
    """Whether every product was given with at least a share of its planned amount (same unit).

    The share is a setting of the study (0.8 to 1 are in use). None while an amount is not known.

    >>> whole_dose({"A": Decimal("0.9")}, {"A": Decimal(1)}), whole_dose({"A": None}, {"A": Decimal(1)})
    (False, None)
    """
    shares = [given.get(product, Decimal(0)) for product in planned]
    if any(
        amount is not None and amount < planned[product] * least_share
        for product, amount in zip(planned, shares, strict=True)
    ):
        return False
    return None if None in shares else True


def evaluability_facts(
    window: DltWindow, *, today: date, had_dlt: bool, dose: bool | None, followed_until: date | None = None
) -> Mapping[str, Known]:
    """The facts ``had_dlt``, ``whole_dose`` and ``study_day`` for the study's expression.

    ``study_day`` is the last day on which the participant was followed: today, or the day of leaving the study.
    """
    last = min(today, followed_until) if followed_until else today
    day: Known = UNKNOWN if window.first_on is None else Decimal((last - window.first_on).days)
    return {"had_dlt": had_dlt, "whole_dose": UNKNOWN if dose is None else dose, "study_day": day}


def evaluability(
    answer: Answer,
    state: WindowState,
    *,
    had_dlt: bool,
    left: bool = False,
    dose: bool | None = None,
    undecided: bool = False,
) -> Evaluability:
    """Whether a participant counts, from the answer of the study's expression.

    A DLT always counts. Otherwise nobody counts before the window is closed, whatever the expression says already;
    ``left``: the participant left the study, so that no further day will be observed. ``undecided``: a candidate or a
    pending rule stands, which may still become a DLT: nobody is "not evaluable" before it is decided.
    """
    if had_dlt:
        return Evaluability.EVALUABLE
    if state is not WindowState.CLOSED and not left:
        return Evaluability.AT_RISK if dose is False else Evaluability.PENDING
    if answer is True:
        return Evaluability.EVALUABLE
    return Evaluability.NOT_EVALUABLE if answer is False and not undecided else Evaluability.PENDING
