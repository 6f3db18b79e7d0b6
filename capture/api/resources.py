"""Form records with their values, queries with their threads, and what a version's forms and items are called."""

from __future__ import annotations

from typing import Any

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from capture.api.shapes import FormDefinitionsShape, FormShape, QueryShape
from capture.definition.compiled import FormDefinition, ItemDefinition, form_set
from capture.models import FormRecord, Query, QueryEntry
from trials.api.filters import CLINICAL, Filter
from trials.api.pages import undeclared
from trials.api.values import value_of
from trials.api.views import ApiView, ListingViewSet, Row, Rows, answer
from trials.domain.roles import Permission
from trials.models import StudyVersion
from trials.records.domain.errors import raise_all
from trials.selectors.scope import unknown


class FormViewSet(ListingViewSet):
    """Form records: one filled form at a visit, once for a participant, or one row of a log."""

    # As text the document goes through one parser, not through the framework's for each row.
    queryset = FormRecord.objects.annotate(data_text=Cast("data", TextField()))
    serializer_class = FormShape
    query = {
        **CLINICAL,
        "visit": Filter("visit_id", "Id of the visit", "id"),
        "form": Filter("form", "Code of the form"),
        "state": Filter("state", "State", choices=tuple(FormRecord.State.values)),
        "changed_after": Filter("changed_at__gt", "Only records changed after this instant", "instant"),
    }

    def finish(self, rows: Rows) -> Rows:
        for row in rows:
            row["values"] = {path: value_of(stored) for path, stored in orjson.loads(row["values"]).items()}
        return rows


class QueryViewSet(ListingViewSet):
    """Queries, each with its whole thread."""

    queryset = Query.objects.all()
    serializer_class = QueryShape
    order = ("opened_at", "pk")
    query = {
        **CLINICAL,
        "record": Filter("record_id", "Id of the form record", "id"),
        "state": Filter("state", "State", choices=tuple(Query.State.values)),
    }

    def finish(self, rows: Rows) -> Rows:
        threads: dict[Any, list[Row]] = {row["id"]: [] for row in rows}
        entries = QueryEntry.objects.filter(query_id__in=threads).order_by("at", "pk")
        for query_id, at, author, action, text in entries.values_list("query_id", "at", "author", "action", "text"):
            threads[query_id].append({"at": at, "author": author, "action": action, "text": text})
        return [{**row, "entries": threads[row["id"]]} for row in rows]


class FormDefinitionsView(ApiView):
    """Forms and items of one study version: labels, types, units and codes by which values are read."""

    permission = Permission.VIEW_STUDY

    @extend_schema(
        operation_id="form_definitions",
        responses=FormDefinitionsShape,
        parameters=[
            OpenApiParameter("oid", OpenApiTypes.STR, OpenApiParameter.PATH, description="OID of the study"),
            OpenApiParameter("number", OpenApiTypes.INT, OpenApiParameter.PATH, description="Study version"),
        ],
    )
    def get(self, request: Request, oid: str, number: str) -> HttpResponse:
        raise_all(undeclared(request, set()))
        version = StudyVersion.objects.filter(study=self.find_study(oid), number=int(number)).first()
        if version is None:
            raise unknown()
        return answer(request._request, {"items": [_form(form) for form in form_set(version).forms.values()]})


def _form(form: FormDefinition) -> Row:
    groups = [
        {
            "name": group.name,
            "label": group.label,
            "repeats": group.repeats,
            "rows": [{"code": row.code, "label": row.label} for row in group.rows],
        }
        for group in form.groups.values()
    ]
    return {
        "code": form.code,
        "label": form.label,
        "domain": form.domain,
        "binds": form.binds,
        "kept": "log" if form.is_log else "once" if form.once else "visit",
        "groups": groups,
        "items": [_item(item) for item in form.items.values()],
    }


def _item(item: ItemDefinition) -> Row:
    return {
        "name": item.name,
        "label": item.label,
        "type": item.type,
        "group": item.group,
        "repeats": item.repeats,
        "unit": item.unit or None,
        "unit_shown": item.unit_shown or item.unit or None,
        "units": [*item.units],
        "decimals": item.decimals,
        "codes": [{"code": each.code, "label": each.label} for each in item.codes],
        "codes_from": item.codes_from,
        "null_flavours": [*item.nulls],
        "derived": item.derived,
        "sdtm": item.sdtm,
    }
