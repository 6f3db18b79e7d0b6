"""The status vocabulary of the pages: one glyph, one tone and one word for every state of every kind of thing.

Source: the project's page design, section 3. Words are fixed; a page may add a detail after the word. Where several
states hold at once, ``PRECEDENCE`` says which one shows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """Glyph (name in the sprite), tone (token) and word of one state."""

    glyph: str
    tone: str
    word: str


def _table(rows: str) -> dict[str, Status]:
    """Read ``key: glyph tone word`` lines."""
    table = {}
    for line in rows.strip().splitlines():
        key, _, rest = line.strip().partition(": ")
        glyph, tone, word = rest.split(" ", 2)
        table[key] = Status(glyph, tone, word)
    return table


VOCABULARY: dict[str, dict[str, Status]] = {
    "visit": _table("""
        not_applicable: na neutral Not applicable
        not_due: future neutral Not due
        planned: empty neutral Planned
        window_open: due info Window open
        in_progress: half info In progress
        closing: hour warn Closing
        complete: done ok Complete
        verified: verified ok Verified
        out_of_window: late warn Out of window
        overdue: warn danger Overdue
        missed: slash neutral Missed
        signed: pen sealed Signed
        locked: lock sealed Locked
    """),
    "form": _table("""
        not_applicable: na neutral Not applicable
        not_started: empty neutral Not started
        in_progress: half info In progress
        complete: done ok Complete
        verified: verified ok Verified
        changed: changed warn Changed since verified
        overdue: warn danger Overdue
        not_done: slash neutral Not done
        queried: flag warn Queried
        removed: x neutral Removed
        signed: pen sealed Signed
        frozen: frozen sealed Frozen
        locked: lock sealed Locked
        recalculating: hour warn Recalculating
    """),
    "item": _table("""
        verified: verified ok Verified
        changed: changed warn Changed since verified
        soft: warn warn Check
        hard: stop danger Refused
        note: help info Note
        missing: nul neutral Reason missing
        open_query: flag warn Open query
        candidate: flago neutral Candidate
        answered: reply info Answered
        no_finding: closed ok No finding
        derived: fx info Derived
        not_evaluable: help warn Not evaluable
    """),
    "query": _table("""
        open: flag warn Open
        candidate: flago neutral Candidate
        answered: reply info Answered
        closed: closed ok Closed
        cancelled: x neutral Cancelled
    """),
    "dlt": _table("""
        not_started: future neutral Not started
        open: half info Open
        closing: hour warn Closing
        closed: done ok Closed, no DLT
        at_risk: warn danger Evaluability at risk
        dlt: stop danger DLT
        candidate: cand warn DLT candidate
        pending: hour warn Duration pending
        withdrawn: x neutral Withdrawn
        not_evaluable: slash neutral Not evaluable
    """),
    "dose_level": _table("""
        not_open: future neutral Not open
        open: play info Open
        closed: hour warn Full, waiting
        cleared: done ok Cleared
        eliminated: stop danger Eliminated
        paused: pause warn Paused
        mtd: star sealed MTD
    """),
    "participant": _table("""
        screening: half info Screening
        screen_failed: slash neutral Screening failure
        enrolled: due info Enrolled
        treated: play info Treated
        completed: done ok Completed
        withdrawn: slash neutral Withdrawn
        died: stop danger Died
        taken_back: x neutral Taken back
    """),
    "notification": _table("""
        queued: hour info Queued
        sending: hour info Sending
        sent: done ok Sent
        failed: warn warn Will be tried again
        dead: stop danger Given up
        withdrawn: x neutral Withdrawn
        acknowledged: closed ok Acknowledged
        unread: bell warn New
    """),
}

PRECEDENCE = (
    "locked",
    "frozen",
    "signed",
    "overdue",
    "hard",
    "changed",
    "queried",
    "soft",
    "in_progress",
    "closing",
    "window_open",
    "verified",
    "complete",
    "not_started",
)


def status_of(kind: str, key: str) -> Status:
    """Return glyph, tone and word of a state.

    >>> status_of("visit", "overdue")
    Status(glyph='warn', tone='danger', word='Overdue')
    """
    return VOCABULARY[kind][key]


def foremost(keys: frozenset[str] | set[str]) -> str:
    """Return the one state that shows where several hold at once; a state without rank comes last.

    >>> foremost({"complete", "queried"})
    'queried'
    """
    ranked = [key for key in PRECEDENCE if key in keys]
    return ranked[0] if ranked else min(keys)
