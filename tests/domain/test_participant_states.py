"""The participant's state machine over its full state x action product, and the states that facts make."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from trials.domain.states import (
    ENDED,
    PARTICIPANT_STATES,
    LifeFacts,
    ParticipantAction,
    ParticipantState,
    next_state,
    state_of,
)
from trials.models import Participant

S, A = ParticipantState, ParticipantAction
D1, D2 = date(2026, 3, 1), date(2026, 3, 2)
PERMITTED = {
    (S.SCREENING, A.ENROL): S.ENROLLED,
    (S.SCREENING, A.FAIL_SCREENING): S.SCREEN_FAILED,
    (S.SCREENING, A.TAKE_BACK): S.TAKEN_BACK,
    (S.SCREENING, A.RECORD_INFUSION): S.TREATED,
    (S.SCREENING, A.RECORD_DEATH): S.DIED,
    (S.SCREEN_FAILED, A.TAKE_BACK): S.TAKEN_BACK,
    (S.SCREEN_FAILED, A.RECORD_INFUSION): S.TREATED,
    (S.SCREEN_FAILED, A.RECORD_DEATH): S.DIED,
    (S.ENROLLED, A.REASSIGN): S.ENROLLED,
    (S.ENROLLED, A.WITHDRAW): S.WITHDRAWN,
    (S.ENROLLED, A.TAKE_BACK): S.TAKEN_BACK,
    (S.ENROLLED, A.RECORD_INFUSION): S.TREATED,
    (S.ENROLLED, A.RECORD_DEATH): S.DIED,
    (S.TREATED, A.WITHDRAW): S.WITHDRAWN,
    (S.TREATED, A.COMPLETE): S.COMPLETED,
    (S.TREATED, A.RECORD_DEATH): S.DIED,
    (S.COMPLETED, A.RECORD_DEATH): S.DIED,
    (S.WITHDRAWN, A.RECORD_DEATH): S.DIED,
}


@pytest.mark.parametrize(("state", "action"), list(product(S, A)))
def test_every_state_with_every_action_leads_where_the_protocol_says(
    state: ParticipantState, action: ParticipantAction
) -> None:
    assert next_state(state, action) == PERMITTED.get((state, action))


def test_the_table_names_every_state_and_only_states_of_the_model() -> None:
    assert PARTICIPANT_STATES.states == {state.value for state in S} == set(Participant.State.values)


def test_nothing_leads_out_of_death_or_a_record_taken_back() -> None:
    assert PARTICIPANT_STATES.final == {"died", "taken_back"}
    assert {S.SCREENING, S.ENROLLED, S.TREATED}.isdisjoint(ENDED)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (LifeFacts(), S.SCREENING),
        (LifeFacts(enrolled_on=D1), S.ENROLLED),
        (LifeFacts(infused_on=D1), S.TREATED),
        (LifeFacts(enrolled_on=D1, infused_on=D1), S.TREATED),
        (LifeFacts(ended_on=D1, end_reason="Not eligible"), S.SCREEN_FAILED),
        (LifeFacts(ended_on=D1), S.SCREEN_FAILED),
        (LifeFacts(enrolled_on=D1, ended_on=D2, end_reason="Own wish"), S.WITHDRAWN),
        (LifeFacts(enrolled_on=D1, infused_on=D1, ended_on=D2), S.COMPLETED),
        (LifeFacts(enrolled_on=D1, infused_on=D1, ended_on=D1, end_reason="Own wish"), S.WITHDRAWN),
        (LifeFacts(enrolled_on=D1, infused_on=D2, ended_on=D1, end_reason="Own wish"), S.TREATED),
        (LifeFacts(infused_on=D2, ended_on=D1, end_reason="Not eligible"), S.TREATED),
        (LifeFacts(infused_on=D1, ended_on=D1, end_reason="Not eligible"), S.TREATED),
        (LifeFacts(infused_on=D1, ended_on=D2, end_reason="Not eligible"), S.WITHDRAWN),
        (LifeFacts(enrolled_on=D1, infused_on=D1, ended_on=D2, died_on=D2), S.DIED),
        (LifeFacts(died_on=D1), S.DIED),
        (LifeFacts(enrolled_on=D1, died_on=D1, taken_back=True), S.TAKEN_BACK),
    ],
)
def test_facts_make_the_state(facts: LifeFacts, state: ParticipantState) -> None:
    assert state_of(facts) is state
