"""The audit trail of a study: readable, filtered, newest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission
from trials.models import Participant, Site, Study, User
from trials.records.domain.actors import Actor
from trials.records.services.history import Filters, trail
from trials.selectors.participants import find_by_number
from trials.selectors.scope import grants_for

KINDS = ("FormRecord", "Visit", "Participant", "Query", "Signature", "Notification", "StudyVersion", "Site")


EVENTS = 40
"""Events of one page; each has a line per item that it touched."""


class AuditTrailPage(StudyPage):
    """Who did what, when and why: by user, participant, kind of record, item and day."""

    permission = Permission.VIEW_AUDIT
    template_name = "pages/audit.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        user = request.user
        zone = user.time_zone if isinstance(user, User) else "UTC"
        filters = self.filters(request, study, zone)
        page = trail(filters, time_zone=zone, older_than=_number(request.GET.get("older", "")), size=EVENTS)
        numbers = self.numbers(study)
        query = request.GET.copy()
        query["older"] = str(page.older_than or "")
        return self.show(
            title=_("Audit trail"),
            crumbs=[crumb(oid, "study", oid)],
            study=study,
            rows=page.rows,
            numbers=numbers,
            older=query.urlencode() if page.older_than else "",
            kinds=KINDS,
            chosen=request.GET,
            zone=zone,
        )

    def filters(self, request: HttpRequest, study: Study, zone: str) -> Filters:
        """Read the filters of the address; whoever has single sites sees those sites' events only."""
        query = request.GET
        sites = None if whole_study(self.actor, study) else self.own_sites(study)
        filters = Filters(
            chain=study.chain_key,
            sites=sites,
            actor=query.get("actor", "").strip(),
            record_kind=query.get("kind", ""),
            path=query.get("item", "").strip(),
        )
        number = query.get("participant", "").strip()
        if number:
            found = find_by_number(self.actor, number, study=study)
            filters = replace(filters, participant=str(found[0].pk) if found else "none")
        day = _day(query.get("day", ""), zone)
        return replace(filters, since=day, until=day + timedelta(days=1)) if day else filters

    def own_sites(self, study: Study) -> list[str]:
        return [str(pk) for pk in self.visible(Site.objects.filter(study=study)).values_list("pk", flat=True)]

    def numbers(self, study: Study) -> dict[str, str]:
        rows = self.visible(Participant.objects.filter(study=study), Permission.VIEW_PARTICIPANTS)
        return {str(pk): number for pk, number in rows.values_list("pk", "number")}


def whole_study(actor: Actor, study: Study) -> bool:
    """Say whether an actor reads the audit of all sites, and so the events that belong to no site."""
    grants = grants_for(actor, Permission.VIEW_AUDIT)
    return any(grant.whole_study and grant.study_id in {None, study.pk} for grant in grants)


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _day(text: str, zone: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None
