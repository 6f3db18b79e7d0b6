"""Shapes of the safety room's answers; a grade that could not be judged is null, never 0."""

from __future__ import annotations

from rest_framework import serializers

from safety.models import DltCandidate, DltWindow
from safety.models.assessment import Scale
from trials.api.shapes import ClinicalShape, Shape


class GradeShape(Shape):
    grade = serializers.IntegerField()
    since = serializers.CharField(allow_blank=True, help_text="As entered; may be partial")


class AdverseEventShape(ClinicalShape):
    id = serializers.UUIDField(source="record_id", help_text="Id of its form record")
    number = serializers.IntegerField()
    text = serializers.CharField(allow_blank=True)
    term = serializers.CharField(allow_blank=True)
    organ_class = serializers.CharField(allow_blank=True)
    started = serializers.CharField(allow_blank=True, help_text="As entered; may be partial")
    started_earliest = serializers.DateField(allow_null=True)
    started_latest = serializers.DateField(allow_null=True)
    phase = serializers.CharField(allow_blank=True)
    ended = serializers.CharField(allow_blank=True)
    ended_earliest = serializers.DateField(allow_null=True)
    ended_latest = serializers.DateField(allow_null=True)
    ongoing = serializers.BooleanField(allow_null=True)
    outcome = serializers.CharField(allow_blank=True)
    grade = serializers.IntegerField(allow_null=True, help_text="Highest; null while none is known")
    serious = serializers.BooleanField(allow_null=True)
    serious_because = serializers.ListField(child=serializers.CharField())
    causes = serializers.DictField(child=serializers.JSONField())
    related = serializers.BooleanField(allow_null=True)
    haematological = serializers.BooleanField(allow_null=True)
    working = serializers.CharField(allow_blank=True)
    grades = GradeShape(many=True, source="*")


class AssessmentShape(ClinicalShape):
    id = serializers.UUIDField(source="record_id", help_text="Id of its form record")
    episode = serializers.UUIDField(source="episode_id", allow_null=True)
    scale = serializers.ChoiceField(choices=Scale.choices)
    at = serializers.CharField(allow_blank=True, help_text="Local wall time in time_zone")
    time_zone = serializers.CharField()
    grade = serializers.IntegerField(allow_null=True, help_text="null when not evaluable")
    evaluable = serializers.BooleanField()
    score = serializers.IntegerField(allow_null=True)
    working = serializers.CharField(allow_blank=True)
    rule = serializers.CharField()
    findings = serializers.DictField(child=serializers.JSONField())


class DltWindowShape(ClinicalShape):
    id = serializers.UUIDField(source="participant_id", help_text="Id of the participant")
    opens = serializers.DateField(allow_null=True)
    closes = serializers.DateField(allow_null=True)
    state = serializers.ChoiceField(choices=DltWindow.State.choices)
    evaluable = serializers.BooleanField(allow_null=True)
    judged_on = serializers.DateField(allow_null=True)


class DltCandidateShape(ClinicalShape):
    rule = serializers.CharField()
    event_kind = serializers.CharField()
    event = serializers.UUIDField(source="event_id", help_text="Form record of the event, or the episode")
    state = serializers.ChoiceField(choices=DltCandidate.State.choices)
    working = serializers.CharField(allow_blank=True)
    waits_for = serializers.CharField(allow_blank=True)
    found_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)
