"""What is owed in one study, read in a constant number of statements and ranked by urgency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from capture.admin.visit_card import visit_label
from capture.models import FormRecord, Query
from capture.selectors.casebook import read_casebook
from config.pages.navigation import page_url
from safety.models import DltCandidate
from trials.domain.roles import Permission
from trials.models import Study, Visit
from trials.policies import visible
from trials.records.domain.actors import Actor
from trials.selectors.scope import may_anywhere
from trials.selectors.visits import visits_of

RANK = {"dlt": 0, "overdue": 1, "closing": 2, "in_progress": 3, "window_open": 4, "form": 5, "query": 6, "planned": 7}
"""Most urgent first: a candidate of a dose-limiting toxicity, then what is late, then what closes, then the rest."""
OWED = frozenset({"overdue", "closing", "in_progress", "window_open"})
WEEK = 7


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that is owed: what it counts as, its state and detail, where it leads, the words of its one act.

    ``start`` is the address that a visit is started at with one click; empty when the act is only to open.
    """

    group: str
    kind: str
    state: str
    detail: str
    title: str
    about: str
    url: str
    act: str
    start: str = ""
    due: date | None = None


@dataclass(frozen=True, slots=True)
class WeekRow:
    """One visit of the week: per day whether its window is open, and the glyph of the day it is meant for."""

    number: str
    code: str
    url: str
    state: str
    days: tuple[tuple[bool, str], ...]


def read_tasks(study: Study, *, actor: Actor) -> list[Task]:
    """Return everything owed, most urgent first."""
    tasks = [*candidates(study, actor=actor), *visits(study, actor=actor), *queries(study, actor=actor)]
    if may_anywhere(actor, Permission.ENTER_DATA):
        tasks += forms(study, actor=actor)
    return sorted(tasks, key=lambda task: (RANK[task.group], task.due or date.max, task.title))


def candidates(study: Study, *, actor: Actor) -> list[Task]:
    """Return the candidates of a dose-limiting toxicity that nobody has judged."""
    rows = visible(actor, DltCandidate.objects.filter(study=study, state="candidate"), Permission.VIEW_SAFETY)
    url = page_url("dlt_windows", study)
    return [
        Task(
            group="dlt",
            kind="dlt",
            state="candidate",
            detail="",
            title=_("%(number)s · rule %(rule)s") % {"number": row.participant.number, "rule": row.rule},
            about=row.working,
            url=url or reverse("admin:participant", args=[row.participant_id]),
            act=_("Review"),
        )
        for row in rows.select_related("participant").order_by("found_at")
    ]


def visits(study: Study, *, actor: Actor) -> list[Task]:
    """Return the visits whose window is open, closing or past, and those begun whose forms are not done."""
    if not may_anywhere(actor, Permission.VIEW_RECORDS):
        return []
    cells = {
        visit.id: (visit.cell, row.number)
        for row in read_casebook(study, actor=actor).rows
        for visit in (*row.visits.values(), *row.unscheduled)
        if visit.cell.state in OWED
    }
    may_start = may_anywhere(actor, Permission.CHANGE_VISIT)
    rows = visits_of(actor, study=study).filter(pk__in=cells).select_related("version").defer("version__document")
    return [_visit_task(visit, *cells[visit.pk], may_start=may_start) for visit in rows]


def _visit_task(visit: Visit, cell: object, number: str, *, may_start: bool) -> Task:
    state, small, days = (getattr(cell, name) for name in ("state", "small", "days"))
    detail = {"overdue": _("by %(n)s days"), "closing": _("%(n)s days left")}.get(state, "") % {"n": days}
    window = _window(visit)
    done = _("%(small)s forms complete") % {"small": small} if "/" in small else ""
    begun = visit.actual is not None
    starts = may_start and not begun
    return Task(
        group=state,
        kind="visit",
        state=state,
        detail=detail,
        title=f"{number} · {visit_label(visit)}",
        about=". ".join(part for part in (window, done) if part),
        url=reverse("admin:visit", args=[visit.pk]),
        act=_("Start visit") if starts else _("Continue") if begun and may_start else _("Open"),
        start=reverse("admin:visit_card", args=[visit.pk]) if starts else "",
        due=visit.closes,
    )


def _window(visit: Visit) -> str:
    if visit.opens is None or visit.closes is None:
        return ""
    return _("Window %(opens)s – %(closes)s") % {"opens": _day(visit.opens), "closes": _day(visit.closes)}


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def queries(study: Study, *, actor: Actor) -> list[Task]:
    """Return the queries that wait for this actor: open ones to be answered, answered ones to be closed."""
    waits = {
        Query.State.OPEN: may_anywhere(actor, Permission.ANSWER_QUERY),
        Query.State.ANSWERED: may_anywhere(actor, Permission.CLOSE_QUERY),
    }
    states = [state for state, mine in waits.items() if mine]
    if not states:
        return []
    rows = visible(actor, Query.objects.filter(study=study, state__in=states), Permission.VIEW_RECORDS)
    return [_query_task(query) for query in rows.select_related("participant", "record", "record__visit")]


def _query_task(query: Query) -> Task:
    answered = query.state == Query.State.ANSWERED
    place = " ".join(part for part in (str(query.record.visit or ""), query.record.form, query.path) if part)
    return Task(
        group="query",
        kind="query",
        state=query.state,
        detail="",
        title=f"{query.participant.number} · {place}",
        about=query.text,
        url=f"{reverse('admin:record', args=[query.record_id])}#query-{query.pk}",
        act=_("Review") if answered else _("Answer"),
        due=query.opened_at.date(),
    )


def forms(study: Study, *, actor: Actor) -> list[Task]:
    """Return rows of logs and forms outside visits that were begun; those of a visit are owed by their visit."""
    rows = FormRecord.objects.filter(study=study, visit=None, state=FormRecord.State.IN_PROGRESS)
    return [
        Task(
            group="form",
            kind="form",
            state="in_progress",
            detail="",
            title=f"{row.participant.number} · {row.form} {row.row or ''}".rstrip(),
            about=_("%(answered)s of %(required)s answered") % {"answered": row.answered, "required": row.required},
            url=reverse("admin:record", args=[row.pk]),
            act=_("Continue"),
        )
        for row in visible(actor, rows, Permission.ENTER_DATA).select_related("participant").defer("data")
    ]


def read_week(study: Study, *, actor: Actor, today: date, limit: int) -> tuple[list[date], list[WeekRow]]:
    """Return the days of this week (Monday first) and the visits without a date whose window touches it."""
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=offset) for offset in range(WEEK)]
    rows = visits_of(actor, study=study).filter(
        actual=None, missed=False, cancelled=False, opens__lte=days[-1], closes__gte=days[0],
        participant__ended_on=None,
    )  # fmt: skip
    found = rows.select_related("participant").order_by("closes", "participant__number")[:limit]
    return days, [_week_row(visit, days) for visit in found]


def _week_row(visit: Visit, days: Iterable[date]) -> WeekRow:
    meant, glyph = visit.planned or visit.target, "due" if visit.planned else "future"
    inside = tuple(
        (bool(visit.opens and visit.closes and visit.opens <= day <= visit.closes), glyph if day == meant else "")
        for day in days
    )
    closes = bool(visit.closes and visit.closes <= list(days)[-1])
    url = reverse("admin:visit", args=[visit.pk])
    return WeekRow(visit.participant.number, str(visit), url, "closing" if closes else "window_open", inside)


def count_groups(tasks: Iterable[Task]) -> Mapping[str, int]:
    """Count tasks by group.

    >>> count_groups([])["overdue"]
    0
    """
    counts = dict.fromkeys(RANK, 0)
    for task in tasks:
        counts[task.group] += 1
    return counts


def only(tasks: Iterable[Task], group: str) -> list[Task]:
    """Return the tasks of one group, or all for an unknown one."""
    return [task for task in tasks if group not in RANK or task.group == group]
