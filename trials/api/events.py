"""The audit trail and the changes of a study, as rows that a caller may see.

Numbers of a chain count the acts of all sites. Whoever sees only some of the sites therefore gets no numbers, cursors
that say nothing, and no sign of the gaps between his own events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import orjson
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from trials.api.cursors import seal, unseal
from trials.api.filters import Filter
from trials.api.pages import LIMIT, limit_of, undeclared
from trials.api.shapes import ChangesShape, EventShape
from trials.api.values import told
from trials.api.views import ApiView, ListingViewSet, Row, Rows, answer
from trials.domain.roles import Permission
from trials.models import Site, Study
from trials.records.domain.actors import Actor
from trials.records.domain.errors import DomainError, Refusal, raise_all
from trials.records.domain.history import read_payload
from trials.records.models import AuditEvent
from trials.selectors.scope import Grant, grants_for, visible

STUDY_CHAIN = "study:"
EVENT = "event"
CHANGES_PAGE = 500
TOMBSTONES = frozenset({"remove"})
KINDS: Mapping[str, Permission] = {
    **dict.fromkeys(("Study", "StudyVersion", "Arm", "DoseLevel", "SiteActivation"), Permission.VIEW_STUDY),
    "Site": Permission.VIEW_STUDY,
    **dict.fromkeys(("Participant", "SiteStay", "Visit"), Permission.VIEW_PARTICIPANTS),
    **dict.fromkeys(("Consent", "Infusion", "Deviation", "Signature", "Lock"), Permission.VIEW_RECORDS),
}
"""Kinds of records that changes tell of, and the permission to read them; the rooms above add theirs."""
_COLUMNS = (
    *("chain_id", "seq", "at", "study_time", "site", "participant", "record_kind", "record_id", "action"),
    *("act", "act_name", "actor", "on_behalf_of", "request_id", "reason", "payload"),
)


def whole_chains(actor: Actor, *permissions: Permission) -> frozenset[str]:
    """Return the chains of which an actor reads all sites."""
    grants = grants_for(actor, *permissions, Permission.USE_API)
    return frozenset(f"{STUDY_CHAIN}{grant.study_oid}" for grant in grants if grant.whole_study)


def _grants(actor: Actor, permission: Permission, study: Study) -> tuple[Grant, ...]:
    return tuple(grant for grant in grants_for(actor, permission, Permission.USE_API) if grant.study_oid == study.oid)


def site_codes(ids: Iterable[str]) -> dict[str, str]:
    """Return codes of sites by their ids; one statement, none for no ids."""
    wanted = {each for each in ids if each}
    rows = Site.objects.filter(pk__in=wanted).values_list("pk", "code") if wanted else ()
    return {str(pk): code for pk, code in rows}


def deltas_of(payload: str) -> dict[str, dict[str, Any]]:
    """Return an event's deltas by path, each with names for its parts."""
    return {path: _delta(entry) for path, entry in read_payload(payload).items()}


def _delta(entry: list[Any]) -> dict[str, Any]:
    if len(entry) == 1:
        return {"new": told(entry[0])}
    return dict(zip(("old", "new", "reason"), map(told, entry), strict=False))


def _as_key(path: str) -> str:
    """Return a path as a payload writes it: canonical JSON has no blanks, so a key always looks the same."""
    return f"{orjson.dumps(path).decode()}:["


class AuditEventViewSet(ListingViewSet):
    """Audit events of the studies' chains, in commit order within a study."""

    queryset = AuditEvent.objects.filter(chain__key__startswith=STUDY_CHAIN)
    serializer_class = EventShape
    permission = Permission.VIEW_AUDIT
    order = ("chain_id", "seq")
    lookup_value_regex = "[A-Za-z0-9_-]{1,400}"
    keys = {"id": str}
    query = {
        "study": Filter("chain_id", "OID of the study", stored=STUDY_CHAIN.__add__),
        "participant": Filter("participant", "Id of the participant", "id"),
        "record": Filter("record_id", "Id of the record"),
        "kind": Filter("record_kind", "Kind of record, such as FormRecord"),
        "item": Filter("payload__contains", "Path of an item, such as TEMP", stored=_as_key),
        "after": Filter("at__gt", "Only events after this instant", "instant"),
    }

    def one(self, queryset: QuerySet[Any], key: str) -> QuerySet[Any]:
        try:
            chain, seq = unseal(EVENT, key)
        except DomainError:
            return queryset.none()
        return queryset.filter(chain_id=chain, seq=seq)

    def columns(self, queryset: QuerySet[Any], size: int) -> Rows:
        rows = queryset.order_by(*self.order).values_list(*_COLUMNS)[:size]
        found = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        return [{**row, "order 0": row["chain_id"], "order 1": row["seq"]} for row in found]

    def finish(self, rows: Rows) -> Rows:
        codes = site_codes(row["site"] for row in rows)
        whole = whole_chains(self.actor, self.permission)
        return [_event(row, codes, whole=row["chain_id"] in whole) for row in rows]


def _event(row: Row, codes: Mapping[str, str], *, whole: bool) -> Row:
    chain, payload = row.pop("chain_id"), row.pop("payload")
    seq, place = row.pop("seq"), row["site"]
    row["site"], row["participant"] = codes.get(place), row["participant"] or None
    return {
        "id": seal(EVENT, chain, seq),
        "number": seq if whole else None,
        **row,
        "study": chain.removeprefix(STUDY_CHAIN),
        "redacted": not payload,
        "deltas": deltas_of(payload),
    }


class ChangesView(ApiView):
    """What happened in a study after a cursor, record by record in the order of the commits.

    Keep ``next_cursor``: asked again with it, this address tells what came since. Nothing that commits late is missed,
    and ``deleted`` marks what has to go from a copy.
    """

    permission = Permission.VIEW_STUDY
    kinds: ClassVar[Mapping[str, Permission]] = KINDS
    keys = {"oid": str}

    @extend_schema(
        operation_id="changes_list",
        responses=ChangesShape,
        parameters=[
            OpenApiParameter("after", str, description="next_cursor of the answer before; without it, from the start"),
            OpenApiParameter("limit", {**LIMIT["schema"], "default": CHANGES_PAGE}, description=LIMIT["description"]),
            OpenApiParameter("oid", OpenApiTypes.STR, OpenApiParameter.PATH, description="OID of the study"),
        ],
    )
    def get(self, request: Request, oid: str) -> HttpResponse:
        limit = limit_of(request, usual=CHANGES_PAGE)
        wrong = [limit] if isinstance(limit, Refusal) else []
        raise_all([*undeclared(request, {"after", "limit"}), *wrong])
        assert isinstance(limit, int)
        study = self.find_study(oid)
        asked = request.query_params.get("after", "")
        seq = int(unseal(study.chain_key, asked)[0]) if asked else 0
        rows = list(self.events(study).filter(seq__gt=seq).order_by("seq").values(*_COLUMNS)[: limit + 1])
        shown = rows[:limit]
        # Only a place that the caller saw may be told: the head of the chain would move with other sites' work.
        last = shown[-1]["seq"] if shown else seq
        body = {"items": self.items(study, shown), "next_cursor": seal(study.chain_key, last)}
        return answer(request._request, {**body, "more": len(rows) > limit})

    def events(self, study: Study) -> QuerySet[AuditEvent]:
        """Return the events of the kinds that the caller may read, at the sites where he may."""
        kinds_by_grants: dict[tuple[Grant, ...], list[str]] = {}
        for kind, permission in self.kinds.items():
            kinds_by_grants.setdefault(_grants(self.actor, permission, study), []).append(kind)
        found = AuditEvent.objects.none()
        for grants, kinds in kinds_by_grants.items():
            rows = visible(self.actor, AuditEvent.objects.all(), self.kinds[kinds[0]], Permission.USE_API)
            rows = rows.filter(chain_id=study.chain_key, record_kind__in=kinds)
            if not any(grant.whole_study for grant in grants):
                # Named once more, the sites lead through the index over the gaps that others' work leaves.
                rows = rows.filter(site__in=sorted(str(grant.site_id) for grant in grants))
            found = found | rows
        return found

    def items(self, study: Study, rows: list[dict[str, Any]]) -> Rows:
        codes = site_codes(row["site"] for row in rows)
        whole = study.chain_key in whole_chains(self.actor, Permission.VIEW_RECORDS)
        auditing = _grants(self.actor, Permission.VIEW_AUDIT, study)
        everywhere = any(grant.whole_study for grant in auditing)
        audited = {str(grant.site_id) for grant in auditing}
        return [
            {
                "cursor": seal(study.chain_key, row["seq"]),
                "seq": row["seq"] if whole else None,
                "at": row["at"],
                "study_time": row["study_time"],
                "site": codes.get(row["site"]),
                "participant": row["participant"] or None,
                "record_kind": row["record_kind"],
                "record_id": row["record_id"],
                "action": row["action"],
                "act": row["act"],
                "actor": row["actor"] if everywhere or row["site"] in audited else None,
                "deleted": row["action"] in TOMBSTONES,
                "deltas": deltas_of(row["payload"]),
            }
            for row in rows
        ]
