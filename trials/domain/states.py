"""The states of a participant, and what moves one to another.

``screening`` to ``screen_failed`` or ``enrolled``, to ``treated``, to ``completed``, ``withdrawn`` or ``died``.
``taken_back`` is only for a record that should never have been: its number is never given again. Acts of people are
refused where the table has no row; facts (an infusion, a death, a disposition) are always taken, by ``state_of``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from trials.records.domain.transitions import Transition, TransitionTable


class ParticipantState(StrEnum):
    """Values of ``Participant.state``."""

    SCREENING = "screening"
    SCREEN_FAILED = "screen_failed"
    ENROLLED = "enrolled"
    TREATED = "treated"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    DIED = "died"
    TAKEN_BACK = "taken_back"


class ParticipantAction(StrEnum):
    """What people do with a participant's record; ``record …`` are facts, which the others are not."""

    ENROL = "enrol"
    FAIL_SCREENING = "fail screening"
    REASSIGN = "reassign dose level"
    WITHDRAW = "withdraw"
    COMPLETE = "complete"
    TAKE_BACK = "take back"
    RECORD_INFUSION = "record infusion"
    RECORD_DEATH = "record death"


_S, _A = ParticipantState, ParticipantAction
_DEATH_FROM = (_S.SCREENING, _S.SCREEN_FAILED, _S.ENROLLED, _S.TREATED, _S.COMPLETED, _S.WITHDRAWN)


def _act(state: ParticipantState, action: ParticipantAction, to: ParticipantState, *, why: bool = False) -> Transition:
    return Transition(state.value, action.value, to.value, needs_reason=why)


PARTICIPANT_STATES = TransitionTable(
    "participant",
    _S.SCREENING.value,
    (
        _act(_S.SCREENING, _A.ENROL, _S.ENROLLED),
        _act(_S.SCREENING, _A.FAIL_SCREENING, _S.SCREEN_FAILED, why=True),
        _act(_S.SCREENING, _A.TAKE_BACK, _S.TAKEN_BACK, why=True),
        _act(_S.SCREENING, _A.RECORD_INFUSION, _S.TREATED),
        _act(_S.SCREEN_FAILED, _A.TAKE_BACK, _S.TAKEN_BACK, why=True),
        _act(_S.SCREEN_FAILED, _A.RECORD_INFUSION, _S.TREATED),
        _act(_S.ENROLLED, _A.REASSIGN, _S.ENROLLED, why=True),
        _act(_S.ENROLLED, _A.WITHDRAW, _S.WITHDRAWN, why=True),
        _act(_S.ENROLLED, _A.TAKE_BACK, _S.TAKEN_BACK, why=True),
        _act(_S.ENROLLED, _A.RECORD_INFUSION, _S.TREATED),
        _act(_S.TREATED, _A.WITHDRAW, _S.WITHDRAWN, why=True),
        _act(_S.TREATED, _A.COMPLETE, _S.COMPLETED),
        *(_act(state, _A.RECORD_DEATH, _S.DIED) for state in _DEATH_FROM),
    ),
)

ENDED = frozenset({_S.SCREEN_FAILED, _S.COMPLETED, _S.WITHDRAWN, _S.DIED, _S.TAKEN_BACK})
"""States after which no further visit is awaited."""


def next_state(state: ParticipantState, action: ParticipantAction) -> ParticipantState | None:
    """Return the state that an act leads to; None when the act is not open in this state.

    >>> next_state(ParticipantState.SCREENING, ParticipantAction.ENROL)
    <ParticipantState.ENROLLED: 'enrolled'>
    >>> next_state(ParticipantState.TREATED, ParticipantAction.TAKE_BACK) is None
    True
    """
    found = PARTICIPANT_STATES.find(state.value, action.value)
    return ParticipantState(found.to) if found is not None else None


def sources_of(action: ParticipantAction) -> tuple[ParticipantState, ...]:
    """Return the states in which an act is open, in the order of the table.

    >>> sources_of(ParticipantAction.COMPLETE)
    (<ParticipantState.TREATED: 'treated'>,)
    """
    rows = PARTICIPANT_STATES.transitions
    return tuple(ParticipantState(row.state) for row in rows if row.event == action.value)


@dataclass(frozen=True, slots=True)
class LifeFacts:
    """What the records say of a participant; ``end_reason`` is empty for who completed as planned."""

    enrolled_on: date | None = None
    infused_on: date | None = None
    ended_on: date | None = None
    end_reason: str = ""
    died_on: date | None = None
    taken_back: bool = False


def state_of(facts: LifeFacts) -> ParticipantState:
    """Return the state that the facts make; a fact that should not have happened counts like any other.

    Whoever ended before being enrolled or infused failed screening; whoever ended with a reason withdrew; who was
    infused after the end is treated all the same.

    >>> state_of(LifeFacts(infused_on=date(2026, 2, 1)))
    <ParticipantState.TREATED: 'treated'>
    >>> state_of(LifeFacts(ended_on=date(2026, 2, 1), end_reason="Haemoglobin too low"))
    <ParticipantState.SCREEN_FAILED: 'screen_failed'>
    """
    if facts.taken_back:
        return _S.TAKEN_BACK
    if facts.died_on is not None:
        return _S.DIED
    if facts.ended_on is not None:
        return _end_state(facts)
    if facts.infused_on is not None:
        return _S.TREATED
    return _S.ENROLLED if facts.enrolled_on is not None else _S.SCREENING


def _end_state(facts: LifeFacts) -> ParticipantState:
    if facts.infused_on is not None and _infused_after_end(facts.infused_on, facts):
        return _S.TREATED
    if facts.infused_on is None and facts.enrolled_on is None:
        return _S.SCREEN_FAILED
    return _S.WITHDRAWN if facts.end_reason else _S.COMPLETED


def _infused_after_end(infused_on: date, facts: LifeFacts) -> bool:
    """On one and the same day the end came after the infusion, unless nobody had enrolled the participant."""
    if facts.ended_on is None:
        return True
    return infused_on > facts.ended_on or (facts.enrolled_on is None and infused_on == facts.ended_on)
