"""Addresses of the safety room, and the kinds of records of which it tells changes."""

from __future__ import annotations

from safety.api.resources import AdverseEventViewSet, AssessmentViewSet, DltCandidateViewSet, DltWindowViewSet
from trials.api.routes import Route
from trials.domain.roles import Permission

routes: list[Route] = [
    ("adverse-events", AdverseEventViewSet, "adverse-events"),
    ("assessments", AssessmentViewSet, "assessments"),
    ("dlt-windows", DltWindowViewSet, "dlt-windows"),
    ("dlt-candidates", DltCandidateViewSet, "dlt-candidates"),
]
kinds = dict.fromkeys(
    ("AdverseEvent", "AeGrade", "Assessment", "Episode", "DltWindow", "DltCandidate"), Permission.VIEW_SAFETY
)
