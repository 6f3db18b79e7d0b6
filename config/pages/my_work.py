"""My work: what is owed today, most urgent first; every count opens the rows it counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from config.pages.navigation import current_study
from config.pages.work_items import Task, WeekRow, count_groups, only, read_tasks, read_week
from trials.admin.pages import ScopedPage
from trials.domain.roles import Permission
from trials.domain.vocabulary import status_of
from trials.records.services import clock
from trials.selectors.scope import may_anywhere
from trials.selectors.studies import studies_of

SHOWN = 12
WEEK_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Tile:
    """A count and the address that lists exactly its rows."""

    group: str
    label: str
    n: int
    glyph: str
    tone: str

    @property
    def url(self) -> str:
        return f"?show={self.group}"


class MyWorkPage(ScopedPage):
    """The first page of every role; ``show`` narrows the list to one tile, ``all`` unfolds it."""

    permission = Permission.VIEW_STUDY
    template_name = "pages/my_work.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        study = current_study(request, tuple(studies_of(self.actor)))
        context: dict[str, Any] = {"title": _("My work"), "crumbs": [], "study": study}
        if study is not None:
            tasks, group = read_tasks(study, actor=self.actor), request.GET.get("show", "")
            shown = only(tasks, group)
            today = clock.study_now(study).date()
            whole = bool(group) or request.GET.get("all") == "1"
            days: list[date] = []
            week: list[WeekRow] = []
            if may_anywhere(self.actor, Permission.VIEW_PARTICIPANTS):
                days, week = read_week(study, actor=self.actor, today=today, limit=WEEK_SHOWN)
            context |= {
                "crumbs": [{"url": "", "label": study.oid}],
                "tiles": self.tiles(tasks),
                "group": group,
                "tasks": shown if whole else shown[:SHOWN],
                "total": len(shown),
                "today": today,
                "days": days,
                "week": week,
            }
        return self.render_to_response(self.get_context_data(**context))

    def tiles(self, tasks: list[Task]) -> list[Tile]:
        """Return the tiles of this role: a count is shown where the actor can act on it, or where it is not zero."""
        counts = count_groups(tasks)
        enters = may_anywhere(self.actor, Permission.ENTER_DATA)
        closes = may_anywhere(self.actor, Permission.CLOSE_QUERY)
        rows = (
            ("window_open", _("Visits due"), *_look("visit", "window_open"), enters),
            ("closing", _("Windows closing"), *_look("visit", "closing"), enters),
            ("in_progress", _("Visits begun"), *_look("visit", "in_progress"), enters),
            ("form", _("Log rows begun"), *_look("form", "in_progress"), enters),
            ("query", _("Queries to close") if closes and not enters else _("Queries to answer"),
             *_look("query", "answered" if closes and not enters else "open"), enters or closes),
            ("dlt", _("DLT candidates"), *_look("dlt", "candidate"), may_anywhere(self.actor, Permission.VIEW_SAFETY)),
            ("overdue", _("Overdue"), *_look("visit", "overdue"), True),
        )  # fmt: skip
        return [
            Tile(name, label, counts[name], glyph, tone)
            for name, label, glyph, tone, mine in rows
            if mine or counts[name]
        ]


def _look(kind: str, key: str) -> tuple[str, str]:
    found = status_of(kind, key)
    return found.glyph, found.tone
