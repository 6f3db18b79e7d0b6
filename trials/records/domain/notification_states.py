"""The life of a notification, from the request to the delivery, the giving up or the withdrawal."""

from __future__ import annotations

from trials.records.domain.transitions import Transition, TransitionTable

NOTIFICATION_STATES = TransitionTable(
    "notification",
    "queued",
    (
        Transition("queued", "claim", "sending", guards=("due",)),
        Transition("failed", "claim", "sending", guards=("due",)),
        # A worker that died or hangs: its lease ran out, and the next one sends again under the same Message-ID.
        Transition("sending", "claim", "sending", guards=("lease ran out",)),
        Transition("sending", "deliver", "sent", guards=("own lease",)),
        Transition("sending", "fail", "failed", guards=("own lease",)),
        Transition("sending", "give up", "dead", guards=("own lease",)),
        *(
            Transition(state, "withdraw", "withdrawn", guards=("not acknowledged",), needs_reason=True)
            for state in ("queued", "failed", "sending", "sent", "dead")
        ),
        # What the house was wrong to withdraw, since the date that ended it was a mistake: asked for once more.
        Transition("withdrawn", "ask again", "queued", guards=("its rule holds again",)),
    ),
)
"""Whoever sets a state asks in its statement for those that the event may leave, so that two workers cannot cross."""
