"""The list of participants, and the registration of a new one."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission
from trials.models import Participant, Site, Study
from trials.records.domain.errors import DomainError
from trials.records.services import clock
from trials.selectors.participants import find_by_number, participants_of
from trials.services.participants import register_participant


class ParticipantsPage(StudyPage):
    """All participants of a study that the actor may see; ``find`` by number, ``state`` narrows."""

    permission = Permission.VIEW_PARTICIPANTS
    template_name = "pages/participants.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        find, state = request.GET.get("find", "").strip(), request.GET.get("state", "")
        rows = list(participants_of(self.actor, study=study))
        shown = find_by_number(self.actor, find, study=study) if find else rows
        if state:
            shown = [row for row in shown if row.state == state]
        counts = [(value, label, sum(row.state == value for row in rows)) for value, label in Participant.State.choices]
        return self.show(
            title=_("Participants"),
            crumbs=[crumb(oid, "study", oid)],
            study=study,
            rows=[(row, self.study_day(row)) for row in shown],
            total=len(rows),
            counts=[each for each in counts if each[2]],
            find=find,
            state=state,
            may_register=self.may(Permission.REGISTER_PARTICIPANT, study),
        )

    def study_day(self, row: Participant) -> int | None:
        if row.infused_on is None:
            return None
        until = row.ended_on or clock.local_today(row.study, row.site.time_zone)
        return (until - row.infused_on).days


class NewParticipantPage(StudyPage):
    """GET: the sites where the actor may register. POST ``site``: a new number, and on to its screening."""

    permission = Permission.REGISTER_PARTICIPANT
    template_name = "pages/participant_new.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        return self.page(self.get_study(oid), uuid.uuid4())

    def post(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        submission = _submission(request)
        site = self.get_object_or_unknown(Site.objects.filter(study=study), pk=request.POST.get("site", ""))
        try:
            participant = register_participant(site, actor=self.actor, submission=submission)
        except DomainError as error:
            if error.kind in {"forbidden", "unknown"}:
                raise
            return self.page(study, submission, refusals=error.refusals, status=400)
        messages.success(request, _("%(number)s was registered.") % {"number": participant.number})
        return HttpResponseRedirect(reverse("admin:participant", args=[participant.pk]))

    def page(self, study: Study, submission: uuid.UUID, *, status: int = 200, **context: object) -> HttpResponse:
        return self.show(
            status=status,
            title=_("New participant"),
            crumbs=[crumb(study.oid, "study", study.oid), crumb(_("Participants"), "participants", study.oid)],
            study=study,
            sites=self.visible(Site.objects.filter(study=study)).order_by("code"),
            submission=submission,
            **context,
        )


def _submission(request: HttpRequest) -> uuid.UUID:
    """Return the id that the form carried, so that a second click makes no second participant."""
    try:
        return uuid.UUID(request.POST.get("submission", ""))
    except ValueError:
        return uuid.uuid4()
