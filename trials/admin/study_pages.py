"""Base of the pages that show one study or something in it."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.urls import reverse

from trials.admin.pages import ScopedPage
from trials.domain.roles import Permission
from trials.models import Participant, Study
from trials.policies import can


class StudyPage(ScopedPage):
    """A page whose frame shows a study, with its crumbs."""

    def get_study(self, oid: str) -> Study:
        """Return the study of the address, if it is the actor's to see."""
        study = self.get_object_or_unknown(Study.objects.all(), oid=oid)
        self.show_study(study)
        return study

    def get_participant(self, pk: object) -> Participant:
        """Return the participant of the address with study, site, version, arm and dose level."""
        queryset = Participant.objects.select_related("study", "site", "version", "arm", "dose_level")
        participant = self.get_object_or_unknown(queryset, pk=pk)
        self.show_study(participant.study)
        return participant

    def show_study(self, study: Study) -> None:
        """Tell the frame which study this page belongs to."""
        self.request.study_oid = study.oid  # type: ignore[attr-defined]

    def may(self, permission: Permission, obj: Model) -> bool:
        return can(self.actor, permission, obj)

    def show(self, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render the page's template."""
        return self.render_to_response(self.get_context_data(**context), status=status)


def crumb(label: str, name: str, *args: object) -> dict[str, str]:
    """Return one crumb of the trail to a page."""
    return {"label": label, "url": reverse(f"admin:{name}", args=args)}
