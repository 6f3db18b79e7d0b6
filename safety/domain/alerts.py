"""Which alerts are due for one DLT window, and which open ones no longer hold.

An alert is known by its occurrence key. The same facts always give the same key, so the work done after an event and
the sweep that repeats it meet in one row. Keys hold local dates, never instants: a change of clocks or of the time zone
data cannot make a second one. Nothing is ever deleted: an alert that no longer holds is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from safety.domain.dlt import Judgement, Verdict
from safety.domain.windows import DltWindow, WindowState

GRADES: Final = range(5, -1, -1)


class AlertKind(StrEnum):
    """What an alert is about."""

    CANDIDATE = "dlt-candidate"
    CLOSING = "dlt-window-closing"
    CLOSED = "dlt-window-closed"


@dataclass(frozen=True, slots=True)
class Alert:
    """One occurrence: its kind, its key within the participant, the local date it is due, and one sentence."""

    kind: AlertKind
    key: str
    due_on: date
    text: str


Raised = Mapping[str, bool]
"""Keys of the alerts raised so far: True when withdrawn."""


def alerts_due(
    window: DltWindow,
    today: date,
    *,
    has_day_28_assessment: bool,
    candidates: Iterable[Judgement],
    raised: Raised | None = None,
) -> tuple[Alert, ...]:
    """All alerts that should stand on a local date of the site, whether they were raised before or not.

    A candidate is a new occurrence when its grade rises, and again when it matches after having been withdrawn; a grade
    that falls is none. ``raised``: what was raised before, needed for these two. Missed days lose nothing: what is due
    does not depend on when the sweep ran last.
    """
    known = raised or {}
    found = [_candidate(judgement, today, known) for judgement in candidates if judgement.verdict is Verdict.CANDIDATE]
    state = window.state(today)
    if state is WindowState.CLOSING and not has_day_28_assessment and window.closing_on and window.closes:
        text = f"The DLT window closes after {window.closes} and the Day {window.days} assessment is missing."
        key = _again(f"{AlertKind.CLOSING}:{window.closing_on}", known)
        found.append(Alert(AlertKind.CLOSING, key, window.closing_on, text))
    if state is WindowState.CLOSED and window.closes:
        missing = "" if has_day_28_assessment else f"; the Day {window.days} assessment is missing"
        due = date.fromordinal(window.closes.toordinal() + 1)
        key = _again(f"{AlertKind.CLOSED}:{window.closes}", known)
        found.append(Alert(AlertKind.CLOSED, key, due, f"The DLT window closed after {window.closes}{missing}."))
    return tuple(found)


def withdrawn(due: Iterable[Alert], raised: Raised) -> tuple[str, ...]:
    """Keys of open alerts that no longer hold, in order.

    A candidate of a lower grade is not withdrawn when the same event matches at a higher one: it was right.
    """
    standing = {alert.key for alert in due}
    pairs = {_stem(key) for key in standing if key.startswith(AlertKind.CANDIDATE)}
    return tuple(
        sorted(key for key, gone in raised.items() if not gone and key not in standing and _stem(key) not in pairs)
    )


def _candidate(judgement: Judgement, today: date, raised: Raised) -> Alert:
    stem = f"{AlertKind.CANDIDATE}:{judgement.pair}"
    open_grade = next((grade for grade in GRADES if _is_open(f"{stem}:{grade}", raised)), None)
    grade = judgement.grade if open_grade is None else max(judgement.grade, open_grade)
    key = _again(f"{stem}:{grade}", raised)
    return Alert(AlertKind.CANDIDATE, key, today, f"DLT candidate by rule {judgement.rule}: {judgement.working}")


def _numbered(key: str, raised: Raised) -> list[str]:
    """The occurrences of one key so far: ``key``, ``key#2``, ``key#3`` …"""
    found, number = [], 1
    while (name := key if number == 1 else f"{key}#{number}") in raised:
        found.append(name)
        number += 1
    return found


def _is_open(key: str, raised: Raised) -> bool:
    return any(not raised[name] for name in _numbered(key, raised))


def _again(key: str, raised: Raised) -> str:
    """The key itself, the open occurrence of it, or a further one when the last was withdrawn."""
    past = _numbered(key, raised)
    if not past:
        return key
    return past[-1] if not raised[past[-1]] else f"{key}#{len(past) + 1}"


def _stem(key: str) -> str:
    """A candidate's key without its grade and number; any other key without its number."""
    plain = key.partition("#")[0]
    return plain.rpartition(":")[0] if plain.startswith(AlertKind.CANDIDATE) else plain
