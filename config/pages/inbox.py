"""The inbox: alerts and reminders addressed to the user, with acknowledgement."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from trials.admin.pages import ScopedPage
from trials.domain.roles import Permission
from trials.models import Participant
from trials.records.domain.errors import DomainError
from trials.records.models import Notification
from trials.records.services.notifications import acknowledge_notification, inbox_of

SHOWN = 200


class InboxPage(ScopedPage):
    """GET: what waits (``all=1``: also what was seen). POST ``notification``: acknowledges one."""

    permission = Permission.VIEW_STUDY
    template_name = "pages/inbox.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        everything = request.GET.get("all") == "1"
        rows = list(inbox_of(UUID(self.actor.user_id), all_seen=everything)[:SHOWN])
        numbers = self.numbers(rows)
        return self.render_to_response(
            self.get_context_data(
                title=_("Inbox"),
                crumbs=[],
                rows=[(row, numbers.get(row.participant, "")) for row in rows],
                everything=everything,
                refusals=kwargs.get("refusals", ()),
            )
        )

    def numbers(self, rows: list[Notification]) -> dict[str, str]:
        """Return the numbers of the participants that the user may still see."""
        ids = {row.participant for row in rows if row.participant}
        seen = self.visible(Participant.objects.filter(pk__in=ids), Permission.VIEW_PARTICIPANTS)
        return {str(pk): number for pk, number in seen.values_list("pk", "number")}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        own = Notification.objects.filter(recipient_id=UUID(self.actor.user_id))
        rows = own.filter(pk__in=_ids(request.POST.getlist("notification")))
        try:
            for row in rows:
                acknowledge_notification(row, actor=self.actor)
        except DomainError as error:
            return self.get(request, refusals=error.refusals)
        return HttpResponseRedirect(reverse("admin:inbox"))


def _ids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def unread(actor_id: str) -> int:
    """Return how many notifications wait for a user."""
    return inbox_of(UUID(actor_id)).count()
