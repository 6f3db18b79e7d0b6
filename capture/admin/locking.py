"""The pages on which a data manager freezes, locks and unlocks a form, a visit or a participant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from capture.admin.visit_card import visit_label
from capture.models import FormRecord
from capture.services.locking import (
    freeze_records,
    lock_blockers,
    lock_records,
    scope_of,
    unlock_records,
)
from capture.services.signing import label_of
from trials.admin.site import site
from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission
from trials.middleware import STATUS
from trials.models import Participant, Visit
from trials.records.domain.errors import DomainError, Refusal, refuse
from trials.records.domain.local_time import in_words
from trials.records.models import Lock
from trials.records.services.locks import lock_over

Place = FormRecord | Visit | Participant
DEEDS: Mapping[str, tuple[Callable[..., Lock], object]] = {
    "freeze": (freeze_records, gettext_lazy("Frozen.")),
    "lock": (lock_records, gettext_lazy("Locked.")),
    "unlock": (unlock_records, gettext_lazy("Unlocked.")),
}


class LockPage(StudyPage, ABC):
    """Shared: what is sealed now, what stands against locking, and the three deeds with their reason."""

    permission = Permission.LOCK_RECORD
    see_permission = Permission.VIEW_RECORDS
    template_name = "capture/lock.html"

    @abstractmethod
    def find(self, pk: UUID) -> Place: ...

    def words(self, place: Place) -> tuple[str, str]:
        """Return what the place is called and where it is shown."""
        if isinstance(place, Participant):
            return place.number, reverse("admin:participant", args=[place.pk])
        if isinstance(place, Visit):
            return visit_label(place), reverse("admin:visit", args=[place.pk])
        return label_of(place), reverse("admin:record", args=[place.pk])

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self.page(self.find(pk))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        place = self.find(pk)
        try:
            deed, words = _deed(request.POST.get("act", ""))
            deed(place, reason=request.POST.get("reason", ""), actor=self.actor)
        except DomainError as error:
            if error.kind in {"forbidden", "unknown"}:
                raise
            return self.page(place, refusals=error.refusals, status=STATUS[error.kind])
        messages.success(request, str(words))
        return HttpResponseRedirect(self.words(place)[1])

    def page(self, place: Place, *, refusals: Sequence[Refusal] = (), status: int = 200) -> HttpResponse:
        participant = place if isinstance(place, Participant) else place.participant
        name, back = self.words(place)
        held = lock_over([scope_of(place)])
        return self.show(
            status=status,
            title=_("Lock %(what)s") % {"what": name},
            crumbs=[
                crumb(place.study.oid, "casebook", place.study.oid),
                crumb(participant.number, "participant", participant.pk),
                *([] if place is participant else [{"label": name, "url": back}]),
            ],
            participant=participant,
            held=held,
            held_since=in_words(held.placed_at, place.site.time_zone) if held is not None else "",
            blockers=lock_blockers(place) if held is None or held.level != Lock.Level.LOCKED else (),
            refusals=refusals,
            reason=self.request.POST.get("reason", "") if refusals else "",
            back=back,
        )


def _deed(name: str) -> tuple[Callable[..., Lock], object]:
    if name not in DEEDS:
        raise refuse("deed", expected="freeze, lock or unlock", found=name or "none", action="Choose one of them.")
    return DEEDS[name]


class VisitLockPage(LockPage):
    """Everything of a visit."""

    def find(self, pk: UUID) -> Visit:
        rows = Visit.objects.select_related("study", "site", "participant", "version").defer("version__document")
        visit = self.get_object_or_unknown(rows, pk=pk)
        self.show_study(visit.study)
        return visit


class ParticipantLockPage(LockPage):
    """Everything of a participant."""

    def find(self, pk: UUID) -> Participant:
        participant: Participant = self.get_participant(pk)
        return participant


class RecordLockPage(LockPage):
    """One form."""

    def find(self, pk: UUID) -> FormRecord:
        rows = FormRecord.objects.select_related("study", "site", "participant", "definition")
        record = self.get_object_or_unknown(rows.defer("definition__document"), pk=pk)
        self.show_study(record.study)
        return record


site.register_page("visits/<uuid:pk>/lock/", VisitLockPage, "visit_lock")
site.register_page("participants/<uuid:pk>/lock/", ParticipantLockPage, "participant_lock")
site.register_page("records/<uuid:pk>/lock/", RecordLockPage, "record_lock")
