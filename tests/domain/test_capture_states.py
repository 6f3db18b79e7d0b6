"""States of records and queries, over every state and event."""

from __future__ import annotations

from capture.domain.form_states import FORM_STATES
from capture.domain.query_states import LIVE, QUERY_STATES


def test_every_pair_of_record_state_and_event_is_decided() -> None:
    allowed = {(state, event): row.to for state, event, row in FORM_STATES.product() if row is not None}
    assert allowed == {
        ("in_progress", "save"): "in_progress",
        ("in_progress", "complete"): "complete",
        ("in_progress", "mark_not_done"): "not_done",
        ("in_progress", "remove"): "removed",
        ("complete", "save"): "complete",
        ("complete", "complete"): "complete",
        ("complete", "mark_not_done"): "not_done",
        ("complete", "remove"): "removed",
        ("not_done", "save"): "in_progress",
        ("not_done", "remove"): "removed",
    }
    assert FORM_STATES.final == {"removed"}


def test_every_pair_of_query_state_and_event_is_decided() -> None:
    allowed = {(state, event): row.to for state, event, row in QUERY_STATES.product() if row is not None}
    assert allowed == {
        ("candidate", "open"): "open",
        ("candidate", "answer"): "answered",
        ("candidate", "resolve"): "cancelled",
        ("open", "answer"): "answered",
        ("open", "resolve"): "closed",
        ("open", "close"): "closed",
        ("open", "cancel"): "cancelled",
        ("answered", "answer"): "answered",
        ("answered", "reopen"): "open",
        ("answered", "doubt"): "candidate",
        ("answered", "resolve"): "closed",
        ("answered", "close"): "closed",
        ("closed", "reopen"): "open",
    }
    assert {row.to for row in QUERY_STATES.transitions} - LIVE == {"closed", "cancelled"}
