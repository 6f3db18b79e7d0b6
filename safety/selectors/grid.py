"""Worst grade of CRS and ICANS by participant and study day, for the heat map and its table; two statements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from safety.models import Assessment
from safety.policies import SEES, visible
from trials.models import Participant, Study
from trials.records.domain.actors import Actor
from trials.records.services import clock

SCALES = ("CRS", "ICANS")
LEAST_DAYS, MOST_DAYS = 14, 60


@dataclass(frozen=True, slots=True)
class GridCell:
    """One day of one scale: the highest grade that is certain, and whether a blank could make it worse.

    ``records`` are the assessments of the day in order of time, each with its wall time and working.
    """

    day: int
    at_least: int
    at_most: int
    records: tuple[tuple[UUID, str, str], ...]

    @property
    def grade(self) -> int | None:
        """The worst grade; None while a blank could make it worse."""
        return self.at_least if self.at_least == self.at_most else None


@dataclass(slots=True)
class GridRow:
    """One participant: ``lived`` is the last study day that has come."""

    id: UUID
    number: str
    condition: str
    dose: str
    lived: int
    cells: dict[str, dict[int, GridCell]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grid:
    """``days`` are the columns; ``unplaced`` counts assessments without a time or of participants without Day 0."""

    days: tuple[int, ...]
    rows: tuple[GridRow, ...]
    unplaced: int


def assessments_grid(actor: Actor, study: Study) -> Grid:
    """Return the grid of a study as far as the actor may see it."""
    people = visible(actor, Participant.objects.filter(study=study, infused_on__isnull=False), SEES)
    people = people.select_related("site", "arm", "dose_level").order_by("number")
    starts: dict[UUID, date] = {}
    rows: dict[UUID, GridRow] = {}
    for one in people:
        assert one.infused_on is not None
        starts[one.pk] = one.infused_on
        rows[one.pk] = _row(study, one)
    found = visible(actor, Assessment.objects.filter(study=study, scale__in=SCALES), SEES)
    unplaced = _place(found.order_by("at", "record_id"), starts, rows)
    return Grid(_days(rows.values()), tuple(rows.values()), unplaced)


def _row(study: Study, one: Participant) -> GridRow:
    today = clock.local_today(study, one.site.time_zone)
    until = min(filter(None, (today, one.ended_on, one.died_on)))
    dose = str(one.dose_level) if one.dose_level is not None else ""
    assert one.infused_on is not None
    return GridRow(one.pk, one.number, one.condition, dose, (until - one.infused_on).days, {s: {} for s in SCALES})


def _place(found: Iterable[Assessment], starts: dict[UUID, date], rows: dict[UUID, GridRow]) -> int:
    unplaced = 0
    for each in found:
        if not each.at or each.participant_id not in rows:
            unplaced += 1
            continue
        day = (date.fromisoformat(each.at[:10]) - starts[each.participant_id]).days
        cells = rows[each.participant_id].cells[each.scale]
        cells[day] = _worse(cells.get(day), each, day)
    return unplaced


def _worse(held: GridCell | None, each: Assessment, day: int) -> GridCell:
    low = int(each.findings.get("at_least", each.grade or 0))
    high = int(each.findings.get("at_most", each.grade if each.grade is not None else 5))
    record = (each.pk, each.at[11:16], each.working)
    if held is None:
        return GridCell(day, low, high, (record,))
    return GridCell(day, max(held.at_least, low), max(held.at_most, high), (*held.records, record))


def _days(rows: Iterable[GridRow]) -> tuple[int, ...]:
    seen = {day for row in rows for cells in row.cells.values() for day in cells}
    first, last = min({0, *seen}), max({LEAST_DAYS, *seen})
    return tuple(range(first, min(last, first + MOST_DAYS - 1) + 1))
