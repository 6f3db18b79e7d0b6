"""What the typed values of a bound record mean to the safety room: an event, findings of an assessment, stages.

Pure; every door (preview, projection, DLT rules) reads a record through these functions, so that all see the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Final

from capture.projections.registry import RecordValues
from safety.domain.adverse_events import AdverseEvent, Phase, adverse_event
from safety.domain.astct.crs import grade_crs
from safety.domain.astct.crs_tables import CrsFindings
from safety.domain.astct.forms import crs_findings, icans_findings, ice_of
from safety.domain.astct.icans import grade_icans
from safety.domain.grading import Grading
from safety.domain.gvhd import GvhdStages, grade_gvhd
from safety.domain.seriousness import seriousness
from trials.records.domain.expressions import Blank, Value

PHASES: Final[Mapping[object, Phase]] = {"BEFORE": "before", "DURING": "during", "AFTER": "after"}
KINDS: Final = {"adverse_event": "AE", "crs": "CRS", "icans": "ICANS", "gvhd": "GVHD"}
"""Kind of a bound form: what its events are called in rules, tables and pages."""


def plain(value: Value | Blank | None) -> object:
    """A value as the domain reads it: None for a blank of any kind."""
    return None if isinstance(value, Blank) else value


def plain_items(values: RecordValues) -> dict[str, object]:
    """Items outside repeats by name."""
    return {name: plain(value) for name, value in values.items.items()}


def read_adverse_event(
    values: RecordValues, *, infused_at: datetime | None = None, complete: bool = False
) -> AdverseEvent:
    """Read a record of the form AE.

    Times of day and the answer to "before, during or after the infusion" must not contradict each other: where they do,
    neither is believed, and a rule waits. A null flavour of SERIOUS says "not assessed", and a blank one in a
    record that is not ``complete`` that nobody answered yet; neither is ever "not serious".
    """
    items = plain_items(values)
    rows = [{name: plain(value) for name, value in row.items()} for _, row in values.row_list("GRADE")]
    event = adverse_event(items, rows, infused_at=infused_at, complete=complete)
    stored = values.data.get("SERIOUS", {})
    if "n" in stored:
        event = replace(event, seriousness=seriousness(None, grade=event.grade, outcome=text_of(items.get("OUTCOME"))))
    return replace(event, phase=_phase(event.phase, PHASES.get(items.get("PHASE"))))


def _phase(by_time: Phase | None, answered: Phase | None) -> Phase | None:
    if by_time is None or answered is None:
        return by_time or answered
    if by_time == "before" or answered == "before":
        return by_time if by_time == answered else None
    return answered


def onset(values: RecordValues) -> str:
    """The start as entered, with the time of day where the day is fully known."""
    items = plain_items(values)
    started = text_of(items.get("START"))
    at = items.get("START_TIME")
    return f"{started}T{at:%H:%M}" if isinstance(at, time) and len(started) == len("2026-11-22") else started


def text_of(value: object) -> str:
    """A value as text, empty for a blank."""
    return "" if value is None else str(value)


def read_crs(values: RecordValues, *, began_with_fever: bool | None = False) -> CrsFindings:
    """Read the findings of a record of the form CRS; what its episode knows is added when the course is graded."""
    return crs_findings(plain_items(values), episode_began_with_fever=began_with_fever)


def assessed_at(values: RecordValues) -> str:
    """Local wall time of an assessment, ``YYYY-MM-DDTHH:MM`` (a day alone for GVHD); empty while it is not recorded."""
    at = plain(values.value("AT"))
    if isinstance(at, datetime):
        return at.strftime("%Y-%m-%dT%H:%M")
    return at.isoformat() if isinstance(at, date) else ""


def score_of(kind: str, values: RecordValues) -> int | None:
    """The ICE score of an assessment of ICANS; None for the other scales and when it could not be done."""
    return ice_of(plain_items(values)) if kind == "icans" else None


def grade_alone(kind: str, values: RecordValues, *, began_with_fever: bool | None = False) -> Grading:
    """Grade one assessment by itself, without its episode."""
    items = plain_items(values)
    if kind == "crs":
        return grade_crs(read_crs(values, began_with_fever=began_with_fever))
    if kind == "icans":
        return grade_icans(icans_findings(items))
    return grade_gvhd(GvhdStages(*(_stage(items.get(name)) for name in ("SKIN", "LIVER", "UPPER_GUT", "LOWER_GUT"))))


def _stage(value: object) -> int | None:
    return None if value is None else int(str(value))


@dataclass(frozen=True, slots=True)
class Raised:
    """One row of the course of an adverse event, for its typed row: ``since`` as entered."""

    row: str
    grade: int
    since: str
    earliest: date | None
    latest: date | None


def course_rows(values: RecordValues) -> tuple[Raised, ...]:
    """The periods of an adverse event whose grade is recorded."""
    found = []
    for row, items in values.row_list("GRADE"):
        grade, since = plain(items.get("GRADE")), plain(items.get("FROM"))
        if grade is not None:
            earliest, latest = span(since)
            found.append(Raised(row, int(str(grade)), text_of(since), earliest, latest))
    return tuple(found)


def span(value: object) -> tuple[date | None, date | None]:
    """First and last possible day of a date that may be partial."""
    if isinstance(value, date):
        return value, value
    return getattr(value, "lo", None), getattr(value, "hi", None)
