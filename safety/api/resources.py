"""Adverse events, assessments, and the windows and candidates of dose-limiting toxicity."""

from __future__ import annotations

from typing import Any

from safety.api.shapes import AdverseEventShape, AssessmentShape, DltCandidateShape, DltWindowShape
from safety.models import AdverseEvent, AeGrade, Assessment, DltCandidate, DltWindow
from safety.models.assessment import Scale
from trials.api.filters import CLINICAL, Filter
from trials.api.views import ListingViewSet, Row, Rows
from trials.domain.roles import Permission

MIN_GRADE = Filter("grade__gte", "Least grade; events without a grade are left out", "whole")


class AdverseEventViewSet(ListingViewSet):
    """Adverse events, participant by participant, each with its course of grades."""

    queryset = AdverseEvent.objects.all()
    serializer_class = AdverseEventShape
    permission = Permission.VIEW_SAFETY
    order = ("participant_id", "number", "pk")
    query = {
        **CLINICAL,
        "min_grade": MIN_GRADE,
        "serious": Filter("serious", "Whether it is serious", "truth"),
        "related": Filter("related", "Whether it is related to a product", "truth"),
    }

    def finish(self, rows: Rows) -> Rows:
        courses: dict[Any, list[Row]] = {row["id"]: [] for row in rows}
        periods = AeGrade.objects.filter(event_id__in=courses).order_by("event_id", "since_earliest", "row")
        for event_id, grade, since in periods.values_list("event_id", "grade", "since"):
            courses[event_id].append({"grade": grade, "since": since})
        return [{**row, "grades": courses[row["id"]]} for row in rows]


class AssessmentViewSet(ListingViewSet):
    """Assessments of CRS, ICANS and GVHD with their working."""

    queryset = Assessment.objects.all()
    serializer_class = AssessmentShape
    permission = Permission.VIEW_SAFETY
    order = ("participant_id", "scale", "pk")
    query = {
        **CLINICAL,
        "scale": Filter("scale", "Scale", choices=tuple(Scale.values)),
        "min_grade": MIN_GRADE,
    }


class DltWindowViewSet(ListingViewSet):
    """The window in which each participant is watched for dose-limiting toxicity."""

    queryset = DltWindow.objects.all()
    serializer_class = DltWindowShape
    permission = Permission.VIEW_SAFETY
    order = ("participant_id",)
    query = {**CLINICAL, "state": Filter("state", "State", choices=tuple(DltWindow.State.values))}


class DltCandidateViewSet(ListingViewSet):
    """Events that a rule of dose-limiting toxicity matched, or may still match."""

    queryset = DltCandidate.objects.all()
    serializer_class = DltCandidateShape
    permission = Permission.VIEW_SAFETY
    order = ("found_at", "pk")
    query = {**CLINICAL, "state": Filter("state", "State", choices=tuple(DltCandidate.State.values))}
