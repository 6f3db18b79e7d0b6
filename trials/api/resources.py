"""Lists of the trials room: studies, their versions and sites, participants and visits."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from trials.api.filters import CLINICAL, PLACE, STUDY, Filter
from trials.api.shapes import ParticipantShape, SiteShape, StudyShape, VersionShape, VisitShape
from trials.api.views import ListingViewSet, find_study
from trials.domain.roles import Permission
from trials.models import Participant, Site, Study, StudyVersion, Visit

OID = "[A-Za-z0-9._-]{1,40}"


class StudyViewSet(ListingViewSet):
    """Studies in which you hold a role that may use the interface."""

    queryset = Study.objects.all()
    serializer_class = StudyShape
    permission = Permission.VIEW_STUDY
    lookup_field = "oid"
    lookup_value_regex = OID


class VersionViewSet(ListingViewSet):
    """Published versions of one study."""

    queryset = StudyVersion.objects.all()
    serializer_class = VersionShape
    permission = Permission.VIEW_STUDY
    lookup_field = "number"
    lookup_value_regex = "[0-9]{1,6}"
    order = ("number",)
    keys = {"oid": str, "number": int}

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        return rows.filter(study=find_study(self.actor, self.kwargs["oid"]))

    @property
    def purpose(self) -> str:
        return f"versions:{self.kwargs['oid']}"


class SiteViewSet(ListingViewSet):
    """Sites that you may see."""

    queryset = Site.objects.all()
    serializer_class = SiteShape
    permission = Permission.VIEW_STUDY
    query = {"study": STUDY, "code": Filter("code", "Code of the site")}


class ParticipantViewSet(ListingViewSet):
    """Participants, oldest first."""

    queryset = Participant.objects.all()
    serializer_class = ParticipantShape
    permission = Permission.VIEW_PARTICIPANTS
    query = {
        **PLACE,
        "state": Filter("state", "State", choices=tuple(Participant.State.values)),
        "number": Filter("number", "Number, such as 01-001"),
    }


class VisitViewSet(ListingViewSet):
    """Visits, participant by participant in the order of the schedule."""

    queryset = Visit.objects.all()
    serializer_class = VisitShape
    permission = Permission.VIEW_PARTICIPANTS
    order = ("participant_id", "ordinal", "repeat", "pk")
    query = {**CLINICAL, "code": Filter("code", "Code of the visit")}
