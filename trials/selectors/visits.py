"""Reads of visits, and the casebook: two statements, however many participants and visits there are."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from trials.domain.roles import Permission
from trials.domain.schedule import VisitFacts, VisitStatus, Window, status_on
from trials.models import Participant, Study, Visit
from trials.policies import visible
from trials.records.domain.actors import Actor
from trials.records.services.clock import local_today
from trials.selectors.participants import participants_of


@dataclass(frozen=True, slots=True)
class CasebookRow:
    """One participant, today's date at his site, and his visits in schedule order with how each stands on it."""

    participant: Participant
    today: date
    cells: tuple[tuple[Visit, VisitStatus], ...]


def visits_of(actor: Actor, *, study: Study | None = None) -> QuerySet[Visit]:
    """Return the visits that an actor may see, in schedule order."""
    rows = visible(actor, Visit.objects.all(), Permission.VIEW_PARTICIPANTS)
    if study is not None:
        rows = rows.filter(study=study)
    return rows.order_by("participant_id", "ordinal", "repeat")


def facts_of(visit: Visit) -> VisitFacts:
    """Return what the schedule's arithmetic needs to know of a visit."""
    return VisitFacts(
        window=Window(visit.target, visit.opens, visit.closes, visit.provisional),
        planned=visit.planned,
        actual=visit.actual,
        missed=visit.missed,
        cancelled=visit.cancelled,
    )


def status_of_visit(visit: Visit, today: date) -> VisitStatus:
    """Say how a visit stands on a day at the site."""
    return status_on(facts_of(visit), today)


def casebook_rows(
    actor: Actor, *, study: Study, participants: Iterable[Participant] | None = None
) -> list[CasebookRow]:
    """Return the casebook of a study (or of one page of its participants): one statement for each of the two tables."""
    people = list(participants if participants is not None else participants_of(actor, study=study))
    by_participant: dict[uuid.UUID, list[Visit]] = defaultdict(list)
    for visit in visits_of(actor, study=study).filter(participant__in=[person.pk for person in people]):
        by_participant[visit.participant_id].append(visit)
    return [_row(person, by_participant[person.pk]) for person in people]


def _row(participant: Participant, visits: list[Visit]) -> CasebookRow:
    today = local_today(participant.study, participant.site.time_zone)
    return CasebookRow(participant, today, tuple((visit, status_of_visit(visit, today)) for visit in visits))
