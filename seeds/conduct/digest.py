"""A digest of what was entered, without ids and system times: equal for the same seed, on whichever database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from capture.models import FormRecord, Query
from trials.models import Participant, Study, Visit
from trials.records.domain.canonical import canonical, digest


def content_digest(studies: Iterable[Study]) -> str:
    """Return SHA-256 over participants, visits, records and queries of the studies, in a fixed order."""
    oids = sorted(study.oid for study in studies)
    return digest(canonical([_study(oid) for oid in oids]))


def _study(oid: str) -> dict[str, Any]:
    participants = Participant.objects.filter(study__oid=oid).order_by("number")
    visits = Visit.objects.filter(study__oid=oid).order_by("participant__number", "ordinal", "repeat")
    records = FormRecord.objects.filter(study__oid=oid)
    queries = Query.objects.filter(study__oid=oid)
    return {
        "oid": oid,
        "participants": _rows(participants, "number", "state", "condition", "sex", "birth_date", "infused_on"),
        "visits": _rows(visits, "participant__number", "code", "repeat", "target", "actual", "missed"),
        "records": sorted(
            _rows(records, "participant__number", "visit__code", "form", "row", "state", "data"), key=str
        ),
        "queries": sorted(_rows(queries, "participant__number", "record__form", "path", "check_key", "state"), key=str),
    }


def _rows(queryset: Any, *fields: str) -> list[list[Any]]:
    return [[_plain(value) for value in row] for row in queryset.values_list(*fields)]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, dict | str | bool) else str(value)
