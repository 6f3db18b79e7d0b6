"""The participant page: the whole person on one screen, and the acts that concern the participant as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from capture.admin.form_reading import status_key
from capture.admin.visit_card import status_detail, typed_day
from capture.definition.compiled import ExpectedForm, form_set
from capture.domain.casebook import FormsOfVisit, cell_of
from capture.models import FormRecord, LogDeclaration
from safety.models import DltCandidate, DltWindow
from safety.selectors.board import waiting_lines
from safety.selectors.columns import worst_grades
from trials.admin.study_pages import StudyPage, crumb
from trials.definition.compiled import trial_definition
from trials.domain.roles import Permission
from trials.models import Deviation, DoseLevel, Infusion, Participant, Visit
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError
from trials.records.services import clock
from trials.selectors.studies import dose_levels_of
from trials.selectors.visits import facts_of, status_of_visit
from trials.services.anchoring import plan_infusion
from trials.services.dosing import assign_dose
from trials.services.participants import (
    complete_participant,
    fail_screening,
    take_back_participant,
    withdraw_participant,
)
from trials.services.visits import add_unscheduled_visit


class ParticipantPage(StudyPage):
    """Status strip, visits with their forms, logs, deviations; POST ``act`` does what its button says."""

    permission = Permission.VIEW_PARTICIPANTS
    template_name = "pages/participant.html"

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self.page(self.get_participant(pk))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        participant = self.get_participant(pk)
        try:
            words = do_act(participant, request.POST, actor=self.actor)
        except DomainError as error:
            if error.kind in {"forbidden", "unknown"}:
                raise
            return self.page(self.get_participant(pk), refusals=error.refusals, status=400)
        messages.success(request, words)
        return HttpResponseRedirect(reverse("admin:participant", args=[pk]))

    def page(self, participant: Participant, *, status: int = 200, **context: object) -> HttpResponse:
        sees_records = self.may(Permission.VIEW_RECORDS, participant)
        sees_safety = self.may(Permission.VIEW_SAFETY, participant)
        candidates = live_candidates(participant) if sees_safety else []
        return self.show(
            status=status,
            title=participant.number,
            crumbs=[
                crumb(participant.study.oid, "study", participant.study.oid),
                crumb(_("Participants"), "participants", participant.study.oid),
            ],
            participant=participant,
            condition=trial_definition(participant.version).conditions.get(participant.condition, ""),
            study_day=self.study_day(participant),
            visits=visit_rows(participant) if sees_records else (),
            logs=log_rows(participant) if sees_records else (),
            infusions=Infusion.objects.filter(participant=participant),
            deviations=Deviation.objects.filter(participant=participant)
            .exclude(state="withdrawn")
            .select_related("visit"),
            window=DltWindow.objects.filter(participant=participant).first() if sees_safety else None,
            candidates=[each for each in candidates if each.state == DltCandidate.State.CANDIDATE],
            waiting=waiting_lines((each, None) for each in candidates),
            worst=worst_grades(self.actor, participant) if sees_safety else (),
            levels=dose_levels_of(participant.study, open_only=True),
            may_change=self.may(Permission.CHANGE_PARTICIPANT, participant),
            may_dose=self.may(Permission.ASSIGN_DOSE, participant),
            may_visit=self.may(Permission.CHANGE_VISIT, participant),
            **context,
        )

    def study_day(self, participant: Participant) -> int | None:
        if participant.infused_on is None:
            return None
        until = participant.ended_on or clock.local_today(participant.study, participant.site.time_zone)
        return (until - participant.infused_on).days


Act = Callable[[Participant, QueryDict, Actor], str]


def do_act(participant: Participant, post: QueryDict, *, actor: Actor) -> str:
    """Do what the pressed button says and return the words for the page."""
    return ACTS.get(str(post.get("act", "")), _unknown)(participant, post, actor)


def _unknown(participant: Participant, post: QueryDict, actor: Actor) -> str:
    del participant, post, actor
    return _("Nothing was done: that button does not exist.")


def _assign(participant: Participant, post: QueryDict, actor: Actor) -> str:
    level = DoseLevel.objects.select_related("arm").get(study=participant.study, pk=str(post["level"]))
    assign_dose(participant, arm=level.arm, dose_level=level, actor=actor, reason=str(post.get("reason", "")))
    return _("Enrolled at %(level)s.") % {"level": level}


def _plan(participant: Participant, post: QueryDict, actor: Actor) -> str:
    plan_infusion(participant, on=_day(participant, post), actor=actor)
    return _("The infusion is planned; targets and windows are provisional.")


def _unscheduled(participant: Participant, post: QueryDict, actor: Actor) -> str:
    visit = add_unscheduled_visit(participant, on=_day(participant, post), actor=actor)
    return _("%(visit)s was added.") % {"visit": visit}


def _ending(service: Callable[..., Participant], words: str) -> Act:
    def act(participant: Participant, post: QueryDict, actor: Actor) -> str:
        service(participant, reason=str(post.get("reason", "")), actor=actor)
        return words

    return act


def _complete(participant: Participant, post: QueryDict, actor: Actor) -> str:
    del post
    complete_participant(participant, actor=actor)
    return _("Completed.")


def _day(participant: Participant, post: QueryDict) -> date:
    today = clock.local_today(participant.study, participant.site.time_zone)
    return typed_day(str(post.get("on", "")), today)


ACTS: Mapping[str, Act] = {
    "assign": _assign,
    "plan": _plan,
    "unscheduled": _unscheduled,
    "fail": _ending(fail_screening, "Screening failure noted."),
    "withdraw": _ending(withdraw_participant, "Withdrawal noted."),
    "take_back": _ending(take_back_participant, "The record was taken back."),
    "complete": _complete,
}


def visit_rows(participant: Participant) -> list[dict[str, Any]]:
    """Return each visit with its state and its forms, as the forms x visits view shows them."""
    visits = Visit.objects.filter(participant=participant).select_related("version").defer("version__document")
    records: dict[UUID, dict[str, FormRecord]] = {}
    held = FormRecord.objects.filter(participant=participant, visit__isnull=False).defer("data")
    for record in held.exclude(state=FormRecord.State.REMOVED):
        records.setdefault(record.visit_id, {})[record.form] = record  # type: ignore[arg-type]
    today = clock.local_today(participant.study, participant.site.time_zone)
    return [
        _visit_row(visit, participant, records.get(visit.pk, {}), today)
        for visit in visits.order_by("ordinal", "repeat")
    ]


def _visit_row(
    visit: Visit, participant: Participant, records: Mapping[str, FormRecord], today: date
) -> dict[str, Any]:
    expected = form_set(visit.version).expected_forms(visit.code, participant.populations)
    required = frozenset(each.code for each in expected if each.required)
    status = status_of_visit(visit, today)
    counted = FormsOfVisit.count(required, [(r.form, r.state, r.open_queries) for r in records.values()])
    cell = cell_of(status, counted, opens=facts_of(visit).window.opens, ended_on=participant.ended_on)
    plan = trial_definition(visit.version).visit(visit.code)
    return {
        "visit": visit,
        "label": plan.label if plan else visit.code,
        "cell": cell,
        "detail": status_detail(status.state, status.days) if cell.state != "in_progress" else cell.small,
        "forms": [_form_mark(each, records.get(each.code)) for each in expected],
        "done": counted.done,
        "required": counted.required,
    }


def _form_mark(expected: ExpectedForm, record: FormRecord | None) -> dict[str, str]:
    key = "queried" if record is not None and record.open_queries else status_key(record)
    return {"code": expected.code, "label": expected.form.label, "status": key}


def log_rows(participant: Participant) -> list[dict[str, Any]]:
    """Return each log and each form outside visits with how many rows it has, or that it was declared empty."""
    forms = form_set(participant.version)
    counts: dict[str, list[tuple[UUID, int]]] = {}
    rows = FormRecord.objects.filter(participant=participant, visit=None).exclude(state=FormRecord.State.REMOVED)
    for pk, form, queries in rows.values_list("pk", "form", "open_queries"):
        counts.setdefault(form, []).append((pk, queries))
    empty = set(LogDeclaration.objects.filter(participant=participant, nothing=True).values_list("form", flat=True))
    populations = participant.populations
    return [
        {
            "code": each.code,
            "label": each.form.label,
            "n": len(counts.get(each.code, ())),
            "queries": sum(queries for _pk, queries in counts.get(each.code, ())),
            "empty": each.code in empty,
            "once": each.form.once,
            "record": counts[each.code][0][0] if each.form.once and counts.get(each.code) else None,
        }
        for each in (*forms.log_forms(populations), *forms.once_forms(populations))
    ]


def live_candidates(participant: Participant) -> list[DltCandidate]:
    """Return what waits for a person or for facts, the newest first."""
    rows = DltCandidate.objects.filter(participant=participant).exclude(state=DltCandidate.State.WITHDRAWN)
    return list(rows.order_by("-found_at", "id"))
