"""My work: what is owed today, most urgent first; every count opens the rows it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from capture.models import FormRecord, Query
from config.pages.navigation import current_study
from safety.models import AdverseEvent, DltCandidate
from trials.admin.pages import ScopedPage
from trials.domain.roles import Permission
from trials.domain.schedule import WindowState
from trials.models import Participant, Study, Visit
from trials.records.services import clock
from trials.records.services.notifications import inbox_of
from trials.selectors.scope import may_anywhere
from trials.selectors.studies import studies_of
from trials.selectors.visits import status_of_visit, visits_of

AHEAD = timedelta(days=7)
SHOWN = 40
RANK = {
    WindowState.OVERDUE: 0,
    WindowState.CLOSING: 1,
    WindowState.WINDOW_OPEN: 2,
    WindowState.PLANNED: 3,
    WindowState.NOT_DUE: 4,
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A count and the list of exactly its rows."""

    label: str
    n: int
    url: str
    glyph: str
    tone: str


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that is owed: its state, where it leads, and the words of its one act."""

    kind: str
    state: str
    detail: str
    title: str
    url: str
    act: str
    due: date | None


class MyWorkPage(ScopedPage):
    """The first page of every role."""

    permission = Permission.VIEW_STUDY
    template_name = "pages/my_work.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        study = current_study(request, tuple(studies_of(self.actor)))
        context: dict[str, Any] = {"title": _("My work"), "crumbs": [], "study": study, "tiles": (), "tasks": ()}
        if study is not None:
            context |= {"tiles": self.tiles(study), "tasks": self.tasks(study)[:SHOWN]}
        return self.render_to_response(self.get_context_data(**context))

    def tiles(self, study: Study) -> list[Tile]:
        oid = study.oid
        queries = reverse("admin:queries", args=[oid])
        found = [
            Tile(_("Inbox"), inbox_of(UUID(self.actor.user_id)).count(), reverse("admin:inbox"), "bell", "info"),
            Tile(
                _("Open queries"),
                self.visible(Query.objects.filter(study=study, state="open"), Permission.VIEW_RECORDS).count(),
                f"{queries}?state=open", "flag", "warn",
            ),
            Tile(
                _("Answered queries"),
                self.visible(Query.objects.filter(study=study, state="answered"), Permission.VIEW_RECORDS).count(),
                f"{queries}?state=answered", "reply", "info",
            ),
            Tile(
                _("Participants"),
                self.visible(Participant.objects.filter(study=study), Permission.VIEW_PARTICIPANTS).count(),
                reverse("admin:participants", args=[oid]), "user", "neutral",
            ),
        ]  # fmt: skip
        if may_anywhere(self.actor, Permission.VIEW_SAFETY):
            found += self.safety_tiles(study)
        return found

    def safety_tiles(self, study: Study) -> list[Tile]:
        events = self.visible(AdverseEvent.objects.filter(study=study), Permission.VIEW_SAFETY)
        candidates = self.visible(DltCandidate.objects.filter(study=study, state="candidate"), Permission.VIEW_SAFETY)
        severe = reverse("admin:adverse_events", args=[study.oid])
        return [
            Tile(_("Grade 3 or higher"), events.filter(grade__gte=3).count(), f"{severe}?min_grade=3", "pulse", "warn"),
            Tile(
                _("DLT candidates"), candidates.count(), reverse("admin:dlt_windows", args=[study.oid]), "cand", "warn"
            ),
        ]

    def tasks(self, study: Study) -> list[Task]:
        """Return DLT candidates first, then visits by what is left of their window, then forms begun."""
        found = [*self.candidates(study), *self.visits(study)]
        if may_anywhere(self.actor, Permission.ENTER_DATA):
            found += self.begun(study)
        return found

    def candidates(self, study: Study) -> list[Task]:
        rows = self.visible(DltCandidate.objects.filter(study=study, state="candidate"), Permission.VIEW_SAFETY)
        url = reverse("admin:dlt_windows", args=[study.oid])
        return [
            Task("dlt", "candidate", row.rule, f"{row.participant.number}: {row.working}", url, _("Review"), None)
            for row in rows.select_related("participant").order_by("found_at")
        ]

    def visits(self, study: Study) -> list[Task]:
        horizon = clock.study_now(study).date() + AHEAD
        rows = visits_of(self.actor, study=study).filter(
            actual=None, missed=False, cancelled=False, opens__isnull=False, opens__lte=horizon
        )
        ranked = []
        for visit in rows.select_related("participant", "site", "study"):
            if visit.participant.ended_on and visit.opens and visit.opens > visit.participant.ended_on:
                continue
            status = status_of_visit(visit, clock.local_today(study, visit.site.time_zone))
            ranked.append(
                (RANK.get(status.state, 9), visit.closes or horizon, self.visit_task(visit, status.state, status.days))
            )
        return [task for _rank, _day, task in sorted(ranked, key=lambda each: each[:2])]

    def visit_task(self, visit: Visit, state: WindowState, days: int) -> Task:
        detail = {
            WindowState.OVERDUE: _("by %(n)s days") % {"n": days},
            WindowState.CLOSING: _("%(n)s days left") % {"n": days},
        }.get(state, "")
        may_start = may_anywhere(self.actor, Permission.CHANGE_VISIT)
        return Task(
            "visit",
            state.value,
            detail,
            f"{visit.participant.number} · {visit}",
            reverse("admin:visit", args=[visit.pk]),
            _("Start visit") if may_start else _("Open"),
            visit.target or visit.opens,
        )

    def begun(self, study: Study) -> list[Task]:
        rows = self.visible(FormRecord.objects.filter(study=study, state="in_progress"), Permission.ENTER_DATA)
        return [
            Task(
                "form",
                "in_progress",
                f"{row.answered}/{row.required}",
                f"{row.participant.number} · {row.visit or ''} {row.form}",
                reverse("admin:record", args=[row.pk]),
                _("Continue"),
                None,
            )
            for row in rows.select_related("participant", "visit").defer("data").order_by("changed_at")[:SHOWN]
        ]
