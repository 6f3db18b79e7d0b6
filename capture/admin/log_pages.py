"""Lists: the rows of a participant's log, the queries of a study, the history of an item."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from capture.definition.compiled import FormDefinition, form_set
from capture.domain.values import display
from capture.models import FormRecord, LogDeclaration, Query
from capture.services.completion import declare_log_empty
from capture.services.queries import answer_query, close_query, open_query
from trials.admin.site import site
from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission
from trials.models import Participant
from trials.policies import may_anywhere, unknown
from trials.records.domain.errors import DomainError
from trials.records.services.history import item_history, record_history

COLUMNS = 7
"""A log's table shows its first items; the rest is on the row's page."""
QUERIES_SHOWN = 500


class LogPage(StudyPage):
    """The rows of one log of a participant; an empty one can be declared empty, which is not the same as unknown."""

    permission = Permission.VIEW_RECORDS
    template_name = "capture/log.html"

    def get(self, request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
        participant, definition = self.find(pk, form)
        return self.page(participant, definition)

    def post(self, request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
        participant, definition = self.find(pk, form)
        try:
            declare_log_empty(participant, form, actor=self.actor, nothing=request.POST.get("nothing") == "1")
        except DomainError as error:
            if error.kind in {"forbidden", "unknown"}:
                raise
            return self.page(participant, definition, refusals=error.refusals, status=400)
        return HttpResponseRedirect(reverse("admin:log", args=[pk, form]))

    def find(self, pk: UUID, form: str) -> tuple[Participant, FormDefinition]:
        participant: Participant = self.get_participant(pk)
        definition = form_set(participant.version).forms.get(form)
        if definition is None or not (definition.is_log or definition.once):
            raise unknown()
        return participant, definition

    def page(
        self, participant: Participant, form: FormDefinition, *, status: int = 200, **context: object
    ) -> HttpResponse:
        rows = self.visible(FormRecord.objects.filter(participant=participant, form=form.code, visit=None))
        items = [form.items[name] for name in form.items if not form.items[name].repeats][:COLUMNS]
        live = [row for row in rows.order_by("row") if row.state != FormRecord.State.REMOVED]
        declared = LogDeclaration.objects.filter(participant=participant, form=form.code, nothing=True).exists()
        return self.show(
            status=status,
            title=form.label,
            crumbs=[
                crumb(participant.study.oid, "casebook", participant.study.oid),
                crumb(participant.number, "participant", participant.pk),
            ],
            participant=participant,
            form=form,
            heads=[item.label for item in items],
            rows=[(row, [display(item, row.data.get(item.name)) for item in items]) for row in live],
            declared=declared,
            may_enter=self.may(Permission.ENTER_DATA, participant),
            **context,
        )


class QueriesPage(StudyPage):
    """The queries of a study: chips by state partition the list; a row unfolds its thread with its acts."""

    permission = Permission.VIEW_RECORDS
    template_name = "capture/queries.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        return self.page(request, oid)

    def page(self, request: HttpRequest, oid: str, *, status: int = 200, **context: object) -> HttpResponse:
        study = self.get_study(oid)
        rows = self.visible(Query.objects.filter(study=study)).select_related("participant", "record", "record__visit")
        counts = [(value, label, rows.filter(state=value).count()) for value, label in Query.State.choices]
        chosen = request.GET.get("state", "open")
        shown = rows.filter(state=chosen) if chosen else rows
        return self.show(
            status=status,
            title=_("Queries"),
            crumbs=[crumb(oid, "study", oid)],
            study=study,
            rows=shown.prefetch_related("entries").order_by("-opened_at")[:QUERIES_SHOWN],
            counts=counts,
            chosen=chosen,
            may_answer=may_anywhere(self.actor, Permission.ANSWER_QUERY),
            may_close=may_anywhere(self.actor, Permission.CLOSE_QUERY),
            **context,
        )

    def post(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        query = self.get_object_or_unknown(Query.objects.filter(study=study), pk=request.POST.get("query", ""))
        text, act = request.POST.get("text", ""), request.POST.get("act", "answer")
        try:
            (close_query if act == "close" else answer_query)(query, text=text, actor=self.actor)
        except DomainError as error:
            if error.kind in {"forbidden", "unknown"}:
                raise
            return self.page(request, oid, status=400, refusals=error.refusals, open_query=query.pk)
        messages.success(request, _("Closed.") if act == "close" else _("Answered."))
        return HttpResponseRedirect(f"{reverse('admin:queries', args=[oid])}?state={request.POST.get('state', 'open')}")


class AskPage(StudyPage):
    """POST: a monitor asks about an item of a record."""

    permission = Permission.OPEN_QUERY
    see_permission = Permission.VIEW_RECORDS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        record = self.get_object_or_unknown(FormRecord.objects.select_related("study"), pk=pk)
        query = open_query(
            record, path=request.POST.get("path", ""), text=request.POST.get("text", ""), actor=self.actor
        )
        messages.success(request, _("The question was sent to the site."))
        return HttpResponseRedirect(f"{reverse('admin:record', args=[record.pk])}#query-{query.pk}")


class HistoryPage(StudyPage):
    """The history of one item (``path``) or of a whole record, newest first."""

    permission = Permission.VIEW_AUDIT
    see_permission = Permission.VIEW_RECORDS
    template_name = "capture/history.html"

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        record = self.get_object_or_unknown(
            FormRecord.objects.select_related("participant", "study", "site", "definition").defer(
                "definition__document"
            ),
            pk=pk,
        )
        self.show_study(record.study)
        path, zone = request.GET.get("path", ""), record.site.time_zone
        form = form_set(record.definition).forms[record.form]
        item = form.items.get(path.rsplit(".", 1)[-1])
        rows = (
            item_history("FormRecord", record.pk, path, time_zone=zone)
            if item is not None
            else record_history("FormRecord", record.pk, time_zone=zone).rows
        )
        return self.show(
            title=item.label if item else _("History"),
            crumbs=[crumb(record.participant.number, "participant", record.participant_id)],
            rows=[row for row in rows if row.path == path] if item else rows,
            record=record,
            path=path if item else "",
            form=form,
            may_ask=self.may(Permission.OPEN_QUERY, record),
        )


site.register_page("participants/<uuid:pk>/log/<str:form>/", LogPage, "log")
site.register_page("studies/<str:oid>/queries/", QueriesPage, "queries")
site.register_page("records/<uuid:pk>/ask/", AskPage, "query_open")
site.register_page("records/<uuid:pk>/history/", HistoryPage, "item_history")
