"""One cell of the casebook: how a participant's visit stands, with its forms, in one state of the vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from trials.domain.schedule import VisitStatus, WindowState

DONE_STATES = frozenset({"complete", "not_done"})
"""States of a form record that leave nothing to do."""


@dataclass(frozen=True, slots=True)
class FormsOfVisit:
    """Counts of one visit's forms: ``required`` expected and missed if absent, ``done`` of them, any ``begun``."""

    required: int = 0
    done: int = 0
    begun: bool = False
    queries: int = 0

    @classmethod
    def count(cls, required: frozenset[str], records: Iterable[tuple[str, str, int]]) -> FormsOfVisit:
        """Count (form, state, open queries) against the forms required.

        >>> FormsOfVisit.count(frozenset({"VS", "HEM"}), [("VS", "complete", 1), ("ECOG", "in_progress", 0)])
        FormsOfVisit(required=2, done=1, begun=True, queries=1)
        """
        done, begun, queries = 0, False, 0
        for form, state, count in records:
            begun = True
            queries += count
            done += form in required and state in DONE_STATES
        return cls(len(required), done, begun, queries)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows: the state, small print beneath (forms done of required, days outside), open queries."""

    state: str
    small: str = ""
    queries: int = 0
    days: int = 0


def cell_of(status: VisitStatus, forms: FormsOfVisit, *, opens: date | None, ended_on: date | None) -> Cell:
    """Return the cell of one visit.

    A visit that would open after the participant left the study is not applicable. A visit with a date is in progress
    until its required forms are done; then complete, or out of window with the signed days outside.
    """
    if status.state in (WindowState.IN_WINDOW, WindowState.OUT_OF_WINDOW):
        return _held(status, forms)
    if ended_on is not None and status.state is not WindowState.MISSED and (opens is None or opens > ended_on):
        return Cell("not_applicable")
    small = f"{forms.done}/{forms.required}" if status.state in (WindowState.WINDOW_OPEN, WindowState.CLOSING) else ""
    if status.state is WindowState.OVERDUE:
        small = f"+{status.days} d"
    return Cell(status.state.value, small, forms.queries, status.days)


def _held(status: VisitStatus, forms: FormsOfVisit) -> Cell:
    if forms.done < forms.required:
        return Cell("in_progress", f"{forms.done}/{forms.required}", forms.queries, status.days)
    if status.state is WindowState.OUT_OF_WINDOW:
        return Cell("out_of_window", f"{status.days:+d} d", forms.queries, status.days)
    return Cell("complete", "", forms.queries)
