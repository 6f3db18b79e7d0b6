"""The two acts of the frame: choosing a study, going to a participant or a page by what is typed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from config.pages.navigation import SESSION_KEY, current_study
from trials.admin.pages import ScopedPage
from trials.domain.roles import Permission
from trials.models import Participant, Study, Visit
from trials.selectors.participants import find_by_number
from trials.selectors.studies import studies_of
from trials.selectors.visits import visits_of


class ChooseStudyPage(ScopedPage):
    """POST ``study``: shows that study from now on."""

    permission = Permission.VIEW_STUDY
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        study = self.get_object_or_unknown(Study.objects.all(), oid=request.POST.get("study", ""))
        request.session[SESSION_KEY] = study.oid
        return HttpResponseRedirect(reverse("admin:casebook", args=[study.oid]))


class GoToPage(ScopedPage):
    """GET ``q``: ``13`` or ``01-013`` opens a participant, ``13 d14`` that participant's Day 14 visit."""

    permission = Permission.VIEW_PARTICIPANTS
    template_name = "pages/go_to.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        typed = request.GET.get("q", "").strip()
        study = current_study(request, tuple(studies_of(self.actor)))
        number, _space, code = typed.partition(" ")
        found = find_by_number(self.actor, number, study=study) if number else []
        visits = self.visits(found, code.strip())
        if len(visits) == 1:
            return HttpResponseRedirect(reverse("admin:visit", args=[visits[0].pk]))
        if len(found) == 1 and not code:
            return HttpResponseRedirect(reverse("admin:participant", args=[found[0].pk]))
        return self.render_to_response(
            self.get_context_data(title=_("Go to"), q=typed, participants=found, visits=visits, crumbs=[])
        )

    def visits(self, participants: list[Participant], code: str) -> list[Visit]:
        if not code:
            return []
        rows = visits_of(self.actor).filter(participant__in=participants)
        return list(rows.filter(code__iexact=code).select_related("participant"))
