"""Addresses of the trials room."""

from __future__ import annotations

from rest_framework.viewsets import GenericViewSet

from trials.api.events import AuditEventViewSet
from trials.api.resources import (
    OID,
    ParticipantViewSet,
    SiteViewSet,
    StudyViewSet,
    VersionViewSet,
    VisitViewSet,
)

Route = tuple[str, type[GenericViewSet], str]  # type: ignore[type-arg]

routes: list[Route] = [
    ("studies", StudyViewSet, "studies"),
    (f"studies/(?P<oid>{OID})/versions", VersionViewSet, "versions"),
    ("sites", SiteViewSet, "sites"),
    ("participants", ParticipantViewSet, "participants"),
    ("visits", VisitViewSet, "visits"),
    ("audit-events", AuditEventViewSet, "audit-events"),
]
