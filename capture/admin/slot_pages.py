"""Pages that show forms: the visit sheet with all forms of a visit, and one record of a log or a form of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.safestring import mark_safe

from capture.admin.form_posts import (
    check_answer,
    conflict_rows,
    conflicts_of,
    do_post,
    preview_html,
    refusal_rows,
    unanswered,
    undecided,
)
from capture.admin.form_reading import BEDSIDE, FormView, read_form, read_surround, with_rows
from capture.admin.form_request import Posted, changes_of, read_post
from capture.admin.form_rows import render_form_body, rows_of_group
from capture.admin.visit_card import VISITS, visit_facts
from capture.definition.compiled import form_set
from capture.domain.values import display
from capture.models import FormRecord
from capture.selectors.versions import rows_ever, values_at
from capture.services.slots import Slot
from trials.admin.site import site
from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission
from trials.models import Participant, Visit
from trials.policies import unknown
from trials.records.domain.errors import DomainError

REASONS = (
    ("Transcription error", "1"),
    ("New source", "2"),
    ("Query answered", "3"),
)
ASKS_REASON = frozenset({"reason_needed"})


class FormsPage(StudyPage, ABC):
    """Shared by the pages that show forms: drawing a form, and what its buttons do."""

    permission = Permission.VIEW_RECORDS

    def draw(self, view: FormView, error: DomainError | None = None, posted: Posted | None = None) -> dict[str, Any]:
        """Return what the template needs of one form."""
        form = view.state.form
        ask = error is not None and not set(error.codes) - ASKS_REASON
        return {
            "code": form.code,
            "label": view.state.labels.get("", form.label),
            "help": form.help,
            "cites": form.cites,
            "bedside": form.binds in BEDSIDE,
            "can_copy": bool(view.state.earlier) and not view.state.read_only and not view.completed,
            "status": view.status,
            "body": mark_safe(render_form_body(view.state)),  # noqa: S308 - escaped where it is built
            "previews": mark_safe(preview_html(view)),  # noqa: S308 - escaped where it is built
            "binds": form.binds,
            "version": view.version,
            "answered": view.answered,
            "required": view.required,
            "read_only": view.state.read_only,
            "completed": view.completed,
            "ever_completed": view.slot.record is not None and view.slot.record.ever_completed,
            "record": view.slot.record,
            "has_draft": view.has_draft,
            "draft_stale": view.draft_stale,
            "refusals": () if error is None or ask else refusal_rows(view, error),
            "ask_reason": ask,
            "reasons": REASONS,
            "changed": self.changed_rows(view, posted) if ask and posted else (),
            "conflict": conflict_rows(view, posted) if posted else (),
            "seal": view.seal,
            "signatures": view.signatures,
            "may_sign": view.completed and view.seal in {"", "frozen"} and self.may_on(view, Permission.SIGN_RECORD),
            "may_lock": self.may_on(view, Permission.LOCK_RECORD),
            "url": self.form_url(view.slot),
            "act": posted.act if posted else "",
        }

    def may_on(self, view: FormView, permission: Permission) -> bool:
        """Say whether the actor may do something with the form's record; never while there is none."""
        record = view.slot.record
        return record is not None and self.may(permission, record)

    def form_url(self, slot: Slot) -> str:
        """Return where a form is posted to."""
        if slot.record is not None:
            return reverse("admin:record_form", args=[slot.record.pk])
        if slot.visit is not None:
            return reverse("admin:visit_form", args=[slot.visit.pk, slot.form])
        return reverse("admin:log_new", args=[slot.participant.pk, slot.form])

    def changed_rows(self, view: FormView, posted: Posted) -> list[dict[str, str]]:
        """Return old and new of every changed item, for the dialog that asks for the reason."""
        record = view.slot.record
        data = record.data if record is not None else {}
        rows = []
        for path in changes_of(view.state.form, data, posted):
            item = view.state.form.items[path.rsplit(".", 1)[-1]]
            new = view.state.data.get(path)
            rows.append(
                {"path": path, "label": item.label, "old": display(item, data.get(path)), "new": display(item, new)}
            )
        return rows

    def handle(self, slot: Slot, request: HttpRequest) -> HttpResponse:
        """Do what a posted form asks; on a refusal the same page comes back with everything that was typed."""
        posted = read_post(request.POST)
        if request.headers.get("X-Check"):
            return self.check(slot, posted)
        if posted.add_row:
            return self.again(slot, posted)
        posted = self.on_its_base(slot, posted)
        waiting = unanswered(posted)
        if waiting:
            return self.again(slot, replace(posted, conflicts=waiting), undecided(waiting))
        try:
            outcome = do_post(slot, posted, actor=self.actor)
        except DomainError as error:
            if error.kind in {"forbidden", "unknown"}:
                raise
            if error.kind == "conflict" and "version" in error.detail:
                conflicts = conflicts_of(slot, posted)
                posted = replace(posted, version=int(str(error.detail["version"])), conflicts=conflicts)
            return self.again(slot, posted, error)
        label = form_set(slot.definition).forms[slot.form].label
        messages.success(request, f"{label}: {outcome.words}")
        return HttpResponseRedirect(self.after(slot, outcome.record, completed=outcome.completed))

    def on_its_base(self, slot: Slot, posted: Posted) -> Posted:
        """Return what was posted with the values that its page showed, where somebody saved since it was drawn."""
        record = slot.record
        if record is None or posted.version == record.version:
            return posted
        return replace(posted, base=values_at(record, posted.version))

    def check(self, slot: Slot, posted: Posted) -> HttpResponse:
        posted = self.on_its_base(slot, posted)
        surround = read_surround([slot], actor=self.actor, visit=slot.visit)
        view = read_form(slot, surround, actor=self.actor, posted=posted)
        if view.state.read_only:
            raise unknown()
        return JsonResponse(check_answer(view, posted, actor=self.actor))

    def add_rows(self, view: FormView, posted: Posted) -> FormView:
        """Return the form with one more row in the group that was asked for; row names are never used twice."""
        group = view.state.form.groups.get(posted.add_row)
        if group is None:
            return view
        shown = {name: rows_of_group(view.state, each) for name, each in view.state.form.groups.items() if each.repeat}
        rows = shown.get(group.name, ())
        record = view.slot.record
        used = {int(row) for row in rows if row.isdigit()} | (rows_ever(record, group.name) if record else set())
        return with_rows(view, {**shown, group.name: (*rows, str(max(used, default=0) + 1))})

    @abstractmethod
    def again(self, slot: Slot, posted: Posted, error: DomainError | None = None) -> HttpResponse: ...

    @abstractmethod
    def after(self, slot: Slot, record: FormRecord | None, *, completed: bool) -> str: ...


class VisitSheetPage(FormsPage):
    """A visit with its forms one below the other; the tree at the left jumps and shows what is answered."""

    template_name = "capture/visit.html"

    def get_visit(self, pk: UUID) -> Visit:
        rows = Visit.objects.select_related(*VISITS, "participant__arm", "participant__dose_level")
        visit = self.get_object_or_unknown(rows.defer("version__document"), pk=pk)
        self.show_study(visit.study)
        return visit

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self.sheet(self.get_visit(pk))

    def slots(self, visit: Visit) -> list[Slot]:
        """Return the forms expected at this visit and those that were filled in all the same."""
        records = {
            record.form: record
            for record in FormRecord.objects.filter(visit=visit)
            .exclude(state=FormRecord.State.REMOVED)
            .select_related("definition")
            .defer("definition__document")
        }
        expected = form_set(visit.version).expected_forms(visit.code, visit.participant.populations)
        codes = dict.fromkeys([each.code for each in expected] + list(records))
        for record in records.values():
            record.participant, record.visit = visit.participant, visit
        return [Slot(visit.participant, visit, code, records.get(code)) for code in codes]

    def sheet(
        self, visit: Visit, posted: Posted | None = None, form: str = "", error: DomainError | None = None
    ) -> HttpResponse:
        slots = self.slots(visit)
        surround = read_surround(slots, actor=self.actor, visit=visit)
        forms = []
        for slot in slots:
            mine = posted if slot.form == form else None
            problem = error if slot.form == form else None
            refusals = () if problem is None or not set(problem.codes) - ASKS_REASON else problem.refusals
            view = read_form(slot, surround, actor=self.actor, posted=mine, refusals=refusals)
            view = self.add_rows(view, mine) if mine else view
            drawn = self.draw(view, problem, mine)
            forms.append({**drawn, "version": mine.version if mine and problem else drawn["version"]})
        facts = visit_facts(visit)
        return self.show(
            status=409 if error and error.kind == "conflict" else 400 if error else 200,
            title=facts["label"],
            crumbs=[
                crumb(visit.study.oid, "casebook", visit.study.oid),
                crumb(visit.participant.number, "participant", visit.participant.pk),
            ],
            forms=forms,
            complete=sum(each["completed"] or each["status"] == "not_done" for each in forms),
            may_sign=self.may(Permission.SIGN_RECORD, visit),
            may_lock=self.may(Permission.LOCK_RECORD, visit),
            may_change=self.may(Permission.CHANGE_VISIT, visit),
            open_form=form,
            **facts,
        )

    def again(self, slot: Slot, posted: Posted, error: DomainError | None = None) -> HttpResponse:
        if slot.visit is None:
            raise unknown()
        return self.sheet(slot.visit, posted, slot.form, error)

    def after(self, slot: Slot, record: FormRecord | None, *, completed: bool) -> str:
        """Return to the same form, or after its completion to the next one that is not done."""
        if slot.visit is None:
            raise unknown()
        slots = self.slots(slot.visit)
        position = next((n for n, each in enumerate(slots) if each.form == slot.form), 0)
        target = slot.form
        if completed:
            waiting = [each.form for each in (*slots[position + 1 :], *slots[:position]) if _open(each)]
            target = waiting[0] if waiting else target
        return f"{reverse('admin:visit', args=[slot.visit.pk])}#{target}"


def _open(slot: Slot) -> bool:
    return slot.record is None or slot.record.state == FormRecord.State.IN_PROGRESS


class VisitFormPage(VisitSheetPage):
    """POST of one form of a visit that has no record yet."""

    def get(self, request: HttpRequest, pk: UUID, form: str) -> HttpResponse:  # type: ignore[override]
        return HttpResponseRedirect(f"{reverse('admin:visit', args=[pk])}#{form}")

    def post(self, request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
        visit = self.get_visit(pk)
        slot = next((each for each in self.slots(visit) if each.form == form), None)
        if slot is None:
            raise unknown()
        return self.handle(slot, request)


class RecordPage(FormsPage):
    """One record of a log, or a form outside visits."""

    template_name = "capture/record.html"

    def get_record(self, pk: UUID) -> FormRecord:
        rows = FormRecord.objects.select_related(
            "definition", "visit", "visit__version", "visit__study", "visit__site", "participant__study",
            "participant__site", "participant__version", "participant__arm", "participant__dose_level",
        )  # fmt: skip
        record = self.get_object_or_unknown(
            rows.defer("definition__document", "participant__version__document", "visit__version__document"), pk=pk
        )
        self.show_study(record.participant.study)
        if record.visit is not None:
            record.visit.participant = record.participant
        return record

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        record = self.get_record(pk)
        if record.visit_id and record.state != FormRecord.State.REMOVED:
            return HttpResponseRedirect(f"{reverse('admin:visit', args=[record.visit_id])}#{record.form}")
        return self.page(Slot.of(record))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        record = self.get_record(pk)
        if record.visit is not None and not request.headers.get("X-Check"):
            page = VisitSheetPage()
            page.setup(request)
            page.admin_site = self.admin_site
            page.show_study(record.participant.study)
            return page.handle(Slot.of(record), request)
        return self.handle(Slot.of(record), request)

    def page(self, slot: Slot, posted: Posted | None = None, error: DomainError | None = None) -> HttpResponse:
        surround = read_surround([slot], actor=self.actor, visit=None)
        refusals = () if error is None or not set(error.codes) - ASKS_REASON else error.refusals
        view = read_form(slot, surround, actor=self.actor, posted=posted, refusals=refusals)
        view = self.add_rows(view, posted) if posted else view
        drawn = self.draw(view, error, posted)
        if posted and error:
            drawn["version"] = posted.version
        participant, form = slot.participant, view.state.form
        row = slot.record.row if slot.record is not None else None
        return self.show(
            status=409 if error and error.kind == "conflict" else 400 if error else 200,
            title=f"{form.label} {row}" if row else form.label,
            crumbs=[
                crumb(participant.study.oid, "casebook", participant.study.oid),
                crumb(participant.number, "participant", participant.pk),
                *([crumb(form.label, "log", participant.pk, form.code)] if form.is_log else []),
            ],
            form=drawn,
            participant=participant,
            is_log=form.is_log,
        )

    def again(self, slot: Slot, posted: Posted, error: DomainError | None = None) -> HttpResponse:
        return self.page(slot, posted, error)

    def after(self, slot: Slot, record: FormRecord | None, *, completed: bool) -> str:
        form = form_set(slot.definition).forms[slot.form]
        if record is None or (completed and form.is_log):
            return reverse("admin:log", args=[slot.participant.pk, slot.form])
        return reverse("admin:record", args=[record.pk])


class NewRecordPage(RecordPage):
    """A new row of a log, or a form outside visits that was not begun."""

    def get_slot(self, pk: UUID, form: str) -> Slot:
        participant: Participant = self.get_participant(pk)
        definition = form_set(participant.version).forms.get(form)
        if definition is None or not (definition.is_log or definition.once):
            raise unknown()
        return Slot(participant, None, form)

    def get(self, request: HttpRequest, pk: UUID, form: str) -> HttpResponse:  # type: ignore[override]
        return self.page(self.get_slot(pk, form))

    def post(self, request: HttpRequest, pk: UUID, form: str) -> HttpResponse:  # type: ignore[override]
        return self.handle(self.get_slot(pk, form), request)


def registered() -> Sequence[tuple[str, type[StudyPage], str]]:
    """Return route, view and name of this module's pages."""
    return (
        ("visits/<uuid:pk>/", VisitSheetPage, "visit"),
        ("visits/<uuid:pk>/forms/<str:form>/", VisitFormPage, "visit_form"),
        ("records/<uuid:pk>/", RecordPage, "record"),
        ("records/<uuid:pk>/form/", RecordPage, "record_form"),
        ("participants/<uuid:pk>/log/<str:form>/new/", NewRecordPage, "log_new"),
    )


for _route, _view, _name in registered():
    site.register_page(_route, _view, _name)
