"""States of a query.

A system query opens and closes by itself in the save; a person's is closed by whoever may close.
"""

from __future__ import annotations

from trials.records.domain.transitions import Transition, TransitionTable

QUERY_STATES = TransitionTable(
    "query",
    "candidate",
    (
        Transition("candidate", "open", "open"),
        Transition("candidate", "answer", "answered"),
        Transition("candidate", "resolve", "cancelled"),
        Transition("open", "answer", "answered"),
        Transition("open", "resolve", "closed"),
        Transition("open", "close", "closed", needs_reason=True),
        Transition("open", "cancel", "cancelled", needs_reason=True),
        Transition("answered", "answer", "answered"),
        Transition("answered", "reopen", "open"),
        Transition("answered", "doubt", "candidate"),
        Transition("answered", "resolve", "closed"),
        Transition("answered", "close", "closed"),
        Transition("closed", "reopen", "open", needs_reason=True),
    ),
)
"""``resolve`` is the system's: the check no longer fires. A candidate is a failed check of a form not completed yet.
``doubt``: what an answer explained was changed before completion, and the check still fires."""

LIVE = frozenset({"candidate", "open", "answered"})
"""States in which a query still asks or shows something."""
