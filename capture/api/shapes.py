"""Shapes of the capture room's answers.

Fields named ``label`` and ``required`` are collected by the framework and hide nothing of its own.
"""

from __future__ import annotations

from rest_framework import serializers

from capture.models import FormRecord, Query
from trials.api.shapes import ClinicalShape, Shape


class ValueShape(Shape):
    """A value as it was entered, or why there is none."""

    value = serializers.CharField(allow_null=True, help_text="Text as entered; codes of several choices joined by |")
    unit = serializers.CharField(allow_null=True)
    null_flavour = serializers.ChoiceField(choices=["ND", "NA", "UNK"], allow_null=True)
    reason = serializers.CharField(allow_blank=True, help_text="Why there is no value")
    derived = serializers.BooleanField(help_text="Calculated, not entered")


class FormShape(ClinicalShape):
    visit = serializers.UUIDField(source="visit_id", allow_null=True, help_text="null for logs and forms kept once")
    form = serializers.CharField()
    row = serializers.IntegerField(allow_null=True, help_text="Row of a log, from 1; 0 for a form kept once")
    study_version = serializers.IntegerField(source="definition.number")
    state = serializers.ChoiceField(choices=FormRecord.State.choices)
    state_reason = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField(help_text="Counts saves")
    required = serializers.IntegerField()  # type: ignore[assignment]
    answered = serializers.IntegerField()
    open_queries = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    values = serializers.DictField(
        child=ValueShape(),
        source="data_text",
        help_text="By item path; labels are at studies/{oid}/versions/{n}/forms/",
    )


class QueryEntryShape(Shape):
    at = serializers.DateTimeField()
    author = serializers.CharField()
    action = serializers.CharField()
    text = serializers.CharField(allow_blank=True)


class QueryShape(ClinicalShape):
    record = serializers.UUIDField(source="record_id")
    path = serializers.CharField(allow_blank=True, help_text="Item path; empty for the whole form")
    check = serializers.CharField(source="check_key", allow_blank=True, help_text="Check that opened it")
    origin = serializers.ChoiceField(choices=Query.Origin.choices)
    state = serializers.ChoiceField(choices=Query.State.choices)
    text = serializers.CharField()
    opened_by = serializers.CharField()
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    entries = QueryEntryShape(many=True, source="*")


class CodeShape(Shape):
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class ItemShape(Shape):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField()
    group = serializers.CharField(allow_blank=True)
    repeats = serializers.BooleanField(help_text="Lives in rows: its path is GROUP.<row>.ITEM")
    unit = serializers.CharField(allow_null=True, help_text="Unit that is stored (UCUM)")
    unit_shown = serializers.CharField(allow_null=True)
    units = serializers.ListField(child=serializers.CharField(), help_text="Units that may be entered")
    decimals = serializers.IntegerField(allow_null=True)
    codes = CodeShape(many=True)
    codes_from = serializers.CharField(allow_blank=True)
    null_flavours = serializers.ListField(child=serializers.CharField())
    derived = serializers.BooleanField()
    sdtm = serializers.CharField(allow_blank=True)


class GroupShape(Shape):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    repeats = serializers.BooleanField()
    rows = CodeShape(many=True)


class FormDefinitionShape(Shape):
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    domain = serializers.CharField(allow_blank=True)
    binds = serializers.CharField(allow_blank=True)
    kept = serializers.ChoiceField(choices=["visit", "log", "once"])
    groups = GroupShape(many=True)
    items = ItemShape(many=True)


class FormDefinitionsShape(Shape):
    items = FormDefinitionShape(many=True)
