"""The page of DLT windows: where every window stands. A rule proposes; nothing here says DLT before a person did."""

from __future__ import annotations

from collections import Counter

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from safety.admin.bars import axis, window_bar
from safety.definition.compiled import SafetyPlan, safety_plan
from safety.domain.windows import DAYS
from safety.selectors.board import BoardGroup, BoardRow, dlt_board
from safety.services.plans import has_safety
from trials.admin.site import site
from trials.admin.study_pages import StudyPage, crumb
from trials.definition.compiled import trial_definition
from trials.domain.roles import Permission
from trials.models import Study
from trials.selectors.studies import latest_version

FILTERS = ("candidate", "open", "closing", "at_risk", "pending", "closed", "not_evaluable", "not_started")
WINDOW_PATH, RULES_PATH = "safety.dlt.days after the last infusion", "safety.dlt.rules"
LEGEND = ("open", "closing", "at_risk", "candidate", "pending", "dlt", "closed", "not_evaluable")


class DltWindowsPage(StudyPage):
    """Windows by dose level, with bars or as a table; a candidate is shown whatever the filter."""

    permission = Permission.VIEW_SAFETY
    template_name = "safety/dlt_windows.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        groups = dlt_board(self.actor, study)
        plan, notes = _plan(study)
        days = plan.dlt.days_after_last if plan else DAYS
        state = request.GET.get("state", "")
        counted = Counter(row.status for group in groups for row in group.rows)
        return self.show(
            title=_("DLT windows"),
            crumbs=[crumb(oid, "study", oid)],
            study=study,
            days=days,
            notes=notes,
            axis=axis(days),
            groups=[shown for group in groups if (shown := _group(group, state, days))["lines"]],
            chips=[(name, counted[name], name == state) for name in FILTERS if counted[name] or name == state],
            total=sum(counted.values()),
            candidates=sum(group.counts["candidates"] for group in groups),
            rules={rule.name: rule.when.text for rule in plan.dlt.rules} if plan else {},
            legend=LEGEND,
            state=state,
            as_table=request.GET.get("view") == "table",
        )


def _plan(study: Study) -> tuple[SafetyPlan | None, dict[str, str]]:
    """Return the safety plan of the last version, and why its window and its rules are assumptions if they are."""
    version = latest_version(study)
    if version is None or not has_safety(version):
        return None, {}
    definition = trial_definition(version)
    notes = {
        name: mark.note
        for name, path in (("window", WINDOW_PATH), ("rules", RULES_PATH))
        for mark in definition.marks_at(path)[:1]
        if mark.kind == "assumed"
    }
    return safety_plan(version), notes


def _group(group: BoardGroup, state: str, days: int) -> dict[str, object]:
    rows = [row for row in group.rows if state not in FILTERS or row.status in {state, "candidate"}]
    return {
        "label": group.label or _("No dose level yet"),
        "counts": group.counts,
        "lines": [{"row": row, "words": words(row), "bar": window_bar(row, days, words(row))} for row in rows],
    }


def words(row: BoardRow) -> str:
    """The window in words, for the list and as the name of its picture."""
    if row.day is None or row.window.closes is None:
        return _("not started") if row.day is None else _("day %(day)s, course not complete") % {"day": row.day}
    if row.left is not None and row.left < 0:
        return _("closed after %(day)s") % {"day": _date(row)}
    return _("day %(day)s of %(length)s, %(left)s days left") % {
        "day": row.day, "length": row.length, "left": row.left,
    }  # fmt: skip


def _date(row: BoardRow) -> str:
    return f"{row.window.closes:%d %b %Y}"


site.register_page("studies/<str:oid>/dlt/", DltWindowsPage, "dlt_windows")
