"""Reads of visits: the actor's own list, and how a visit stands on a day."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from trials.domain.roles import Permission
from trials.domain.schedule import VisitFacts, VisitStatus, Window, status_on
from trials.models import Study, Visit
from trials.policies import visible
from trials.records.domain.actors import Actor


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
