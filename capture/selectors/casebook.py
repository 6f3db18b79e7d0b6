"""The casebook: participants x visits of one study, in three statements whatever its size.

One statement reads visits with their participants, one the states of their form records, one the columns that a room
above adds (worst CRS and ICANS grade, number of adverse events).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from capture.definition.compiled import form_set
from capture.domain.casebook import Cell, FormsOfVisit, cell_of
from capture.models import FormRecord
from trials.domain.roles import Permission
from trials.domain.schedule import VisitFacts, Window, status_on
from trials.models import Study, StudyVersion, Visit
from trials.policies import visible
from trials.records.domain.actors import Actor
from trials.records.services import clock

VISIT_FIELDS = (
    "id",
    "code",
    "ordinal",
    "repeat",
    "target",
    "opens",
    "closes",
    "provisional",
    "planned",
    "actual",
    "missed",
    "cancelled",
    "version_id",
    "version__revision",
    "participant_id",
    "participant__number",
    "participant__condition",
    "participant__state",
    "participant__populations",
    "participant__infused_on",
    "participant__ended_on",
    "participant__dose_level__number",
    "participant__dose_level__amounts",
    "participant__dose_level__unit",
    "participant__arm__code",
    "site__code",
    "site__time_zone",
)


@dataclass(frozen=True, slots=True)
class CasebookVisit:
    """One cell with the visit it stands for."""

    id: UUID
    code: str
    repeat: int
    cell: Cell


@dataclass(slots=True)
class CasebookRow:
    """One participant: ``study_day`` counts from the first infusion, None before it."""

    id: UUID
    number: str
    condition: str
    state: str
    arm: str
    dose: str
    dose_number: int
    site: str
    study_day: int | None
    visits: dict[str, CasebookVisit] = field(default_factory=dict)
    unscheduled: list[CasebookVisit] = field(default_factory=list)
    extra: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Casebook:
    """``columns`` are visit codes in the order of the schedule; ``rows`` in the order of numbers."""

    columns: tuple[str, ...]
    rows: tuple[CasebookRow, ...]


ExtraColumns = Callable[[Study, Actor], Mapping[UUID, Mapping[str, "int | None"]]]
_extra: list[ExtraColumns] = []


def register_columns(provider: ExtraColumns) -> None:
    """Let a room above add columns: one statement, participant id to value by column name."""
    if provider not in _extra:
        _extra.append(provider)


def read_casebook(study: Study, *, actor: Actor) -> Casebook:
    """Return the casebook of a study as far as the actor may see it."""
    visits = visible(actor, Visit.objects.filter(study=study), Permission.VIEW_RECORDS)
    records = visible(actor, FormRecord.objects.filter(study=study, visit__isnull=False), Permission.VIEW_RECORDS)
    states: defaultdict[UUID, list[tuple[str, str, int]]] = defaultdict(list)
    for visit_id, form, state, queries in (
        records.exclude(state=FormRecord.State.REMOVED)
        .order_by()
        .values_list("visit_id", "form", "state", "open_queries")
    ):
        states[visit_id].append((form, state, queries))
    reader = _Reader(study, states)
    for values in visits.order_by("participant__number", "ordinal", "repeat").values_list(*VISIT_FIELDS):
        reader.take(dict(zip(VISIT_FIELDS, values, strict=True)))
    for provider in _extra:
        extra = provider(study, actor)
        for row in reader.rows.values():
            row.extra = {**row.extra, **extra.get(row.id, {})}
    columns = tuple(code for code, _ in sorted(reader.ordinals.items(), key=lambda pair: pair[1]))
    return Casebook(columns, tuple(reader.rows.values()))


class _Reader:
    """Turns visit tuples into rows; what many visits share is worked out once."""

    def __init__(self, study: Study, states: Mapping[UUID, list[tuple[str, str, int]]]) -> None:
        self.study = study
        self.states = states
        self.rows: dict[UUID, CasebookRow] = {}
        self.ordinals: dict[str, int] = {}
        self._today: dict[str, date] = {}
        self._required: dict[tuple[UUID, str, tuple[str, ...]], frozenset[str]] = {}

    def take(self, visit: dict[str, Any]) -> None:
        row = self.rows.get(visit["participant_id"]) or self._row(visit)
        found = CasebookVisit(visit["id"], visit["code"], visit["repeat"], self._cell(visit))
        if visit["repeat"]:
            row.unscheduled.append(found)
        else:
            row.visits[found.code] = found
            self.ordinals.setdefault(found.code, visit["ordinal"])

    def _row(self, visit: dict[str, Any]) -> CasebookRow:
        infused_on, ended_on = visit["participant__infused_on"], visit["participant__ended_on"]
        until = ended_on or self._date(visit["site__time_zone"])
        amounts = visit["participant__dose_level__amounts"] or {}
        dose = " + ".join(str(amount) for amount in amounts.values())
        row = CasebookRow(
            id=visit["participant_id"],
            number=visit["participant__number"],
            condition=visit["participant__condition"],
            state=visit["participant__state"],
            arm=visit["participant__arm__code"] or "",
            dose=f"{dose} {visit['participant__dose_level__unit']}" if dose else "",
            dose_number=visit["participant__dose_level__number"] or 0,
            site=visit["site__code"],
            study_day=(until - infused_on).days if infused_on else None,
        )
        self.rows[row.id] = row
        return row

    def _cell(self, visit: dict[str, Any]) -> Cell:
        facts = VisitFacts(
            Window(visit["target"], visit["opens"], visit["closes"], visit["provisional"]),
            planned=visit["planned"],
            actual=visit["actual"],
            missed=visit["missed"],
            cancelled=visit["cancelled"],
        )
        status = status_on(facts, self._date(visit["site__time_zone"]))
        forms = FormsOfVisit.count(self._forms(visit), self.states.get(visit["id"], ()))
        return cell_of(status, forms, opens=visit["opens"], ended_on=visit["participant__ended_on"])

    def _forms(self, visit: dict[str, Any]) -> frozenset[str]:
        populations = tuple(visit["participant__populations"])
        key = (visit["version_id"], visit["code"], populations)
        if key not in self._required:
            version = StudyVersion.from_db(None, ["id", "revision"], [visit["version_id"], visit["version__revision"]])
            expected = form_set(version).expected_forms(visit["code"], populations)
            self._required[key] = frozenset(each.code for each in expected if each.required)
        return self._required[key]

    def _date(self, time_zone: str) -> date:
        if time_zone not in self._today:
            self._today[time_zone] = clock.local_today(self.study, time_zone)
        return self._today[time_zone]
