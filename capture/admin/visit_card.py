"""What may be done with a visit as a whole: its date, missed, planned; the card is a popover and a page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from capture.definition.compiled import form_set
from capture.domain.casebook import FormsOfVisit, cell_of
from capture.domain.typed_dates import read_date
from capture.models import FormRecord
from capture.services import visiting
from trials.admin.site import site
from trials.admin.study_pages import StudyPage
from trials.definition.compiled import trial_definition
from trials.domain.roles import Permission
from trials.domain.schedule import WindowState
from trials.models import Visit
from trials.records.domain.errors import DomainError, refuse
from trials.records.services import clock
from trials.selectors.visits import status_of_visit
from trials.services import visits as services

VISITS = ("participant", "participant__study", "participant__site", "study", "site", "version")


class VisitCardPage(StudyPage):
    """GET: the card of a visit. POST: ``act`` (start, clear, miss, unmiss, plan) with ``on`` and ``reason``."""

    permission = Permission.VIEW_RECORDS
    template_name = "capture/visit_card.html"

    def get_visit(self, pk: UUID) -> Visit:
        visit = self.get_object_or_unknown(Visit.objects.select_related(*VISITS).defer("version__document"), pk=pk)
        self.show_study(visit.study)
        return visit

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        visit = self.get_visit(pk)
        return self.show(**self.card(visit))

    def card(self, visit: Visit) -> dict[str, Any]:
        return {"title": f"{visit.participant.number} · {visit}", **visit_facts(visit), **self.rights(visit)}

    def rights(self, visit: Visit) -> dict[str, bool]:
        return {"may_change": self.may(Permission.CHANGE_VISIT, visit)}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        visit = self.get_visit(pk)
        try:
            act_on_visit(visit, request, actor=self.actor)
        except DomainError as error:
            if error.kind in {"forbidden", "unknown"}:
                raise
            return self.show(status=400, refusals=error.refusals, **self.card(visit))
        messages.success(request, saved_words(self.get_visit(pk)))
        return HttpResponseRedirect(reverse("admin:visit", args=[visit.pk]))


def saved_words(visit: Visit) -> str:
    """Return what became of a visit: outside its window it says by how much, and that a deviation was drafted."""
    words = {"visit": visit_label(visit), "number": visit.participant.number}
    said = _("%(visit)s of %(number)s was saved.") % words
    status = status_of_visit(visit, clock.local_today(visit.study, visit.site.time_zone))
    if status.state is WindowState.OUT_OF_WINDOW:
        days = {"n": f"{status.days:+d}"}
        said += " " + _("It lies %(n)s days outside its window; a deviation was drafted.") % days
    return said


def act_on_visit(visit: Visit, request: HttpRequest, *, actor: Any) -> Visit:
    """Do what the card's button says."""
    act, reason = request.POST.get("act", ""), request.POST.get("reason", "")
    today = clock.local_today(visit.study, visit.site.time_zone)
    if act == "miss":
        return services.miss_visit(visit, reason=reason, actor=actor)
    if act == "unmiss":
        return services.unmiss_visit(visit, reason=reason, actor=actor)
    if act == "clear":
        return visiting.clear_visit_date(visit, reason=reason, actor=actor)
    shortcuts = {"today": today, "yesterday": today - timedelta(days=1)}
    on = shortcuts.get(act) or typed_day(request.POST.get("on", ""), today)
    if act == "plan":
        return services.plan_visit(visit, on=on, actor=actor)
    return visiting.start_visit(visit, on=on, actor=actor, reason=reason)


def typed_day(text: str, today: date) -> date:
    """Read a day as people type it, or refuse."""
    try:
        return read_date(text, today)
    except ValueError as error:
        raise refuse(
            "not_a_date", expected=str(error), found=text or _("nothing"), action=_("Type the date again."), where="on"
        ) from error


def visit_facts(visit: Visit) -> dict[str, Any]:
    """Return what every view of a visit shows: window with its mark, status, forms done of required."""
    today = clock.local_today(visit.study, visit.site.time_zone)
    status = status_of_visit(visit, today)
    definition = trial_definition(visit.version)
    plan = definition.visit(visit.code)
    expected = form_set(visit.version).expected_forms(visit.code, visit.participant.populations)
    required = {each.code for each in expected if each.required}
    records = FormRecord.objects.filter(visit=visit).exclude(state=FormRecord.State.REMOVED)
    rows = list(records.order_by().values_list("form", "state", "open_queries"))
    counted = FormsOfVisit.count(frozenset(required), rows)
    cell = cell_of(status, counted, opens=visit.opens, ended_on=visit.participant.ended_on)
    marks = definition.marks_at(f"schedule.visits.{visit.code}.window")
    return {
        "visit": visit,
        "label": visit_label(visit),
        "status_key": cell.state,
        "status_detail": status_detail(status.state, status.days),
        "outside": status_detail(status.state, status.days) if status.state is WindowState.OUT_OF_WINDOW else "",
        "in_window": status.state is WindowState.IN_WINDOW,
        "today": today,
        "done": counted.done,
        "required": counted.required,
        "queries": counted.queries,
        "assumed": next((mark.note for mark in marks if mark.kind != "stated"), ""),
        "study_day": study_day(visit, visit.actual or visit.target),
        "target_day": plan.target if plan else None,
    }


def visit_label(visit: Visit) -> str:
    """Return a visit's words: its label, with a number when there are several."""
    plan = trial_definition(visit.version).visit(visit.code)
    label = plan.label if plan else visit.code
    return f"{label} {visit.repeat}" if visit.repeat else label


def study_day(visit: Visit, on: date | None) -> int | None:
    infused = visit.participant.infused_on
    return (on - infused).days if on and infused else None


def status_detail(state: WindowState, days: int) -> str:
    """Return the detail after the word of a visit's state."""
    if state is WindowState.OUT_OF_WINDOW:
        return _("%(n)s days") % {"n": f"{days:+d}"}
    if state is WindowState.CLOSING:
        return _("%(n)s days left") % {"n": days}
    if state is WindowState.OVERDUE:
        return _("by %(n)s days") % {"n": days}
    return ""


site.register_page("visits/<uuid:pk>/card/", VisitCardPage, "visit_card")
