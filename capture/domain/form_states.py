"""States of a form record."""

from __future__ import annotations

from trials.records.domain.transitions import Transition, TransitionTable

FORM_STATES = TransitionTable(
    "form record",
    "in_progress",
    (
        Transition("in_progress", "save", "in_progress"),
        Transition("in_progress", "complete", "complete", guards=("complete", "checks")),
        Transition("in_progress", "mark_not_done", "not_done", needs_reason=True),
        Transition("in_progress", "remove", "removed", needs_reason=True),
        Transition("complete", "save", "complete"),
        Transition("complete", "complete", "complete", guards=("complete", "checks")),
        Transition("complete", "mark_not_done", "not_done", needs_reason=True),
        Transition("complete", "remove", "removed", needs_reason=True),
        Transition("not_done", "save", "in_progress"),
        Transition("not_done", "remove", "removed", needs_reason=True),
    ),
)
"""``complete`` the guard: nothing required is missing; ``checks``: no hard check fires. A removed record stays so."""
