"""The page on which an investigator signs the forms of a visit, or one form: a list, a sentence, a password."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from capture.admin.visit_card import visit_label
from capture.models import FormRecord
from capture.services.signing import MEANING, Shown, Signable, label_of, list_signable, sign_records
from trials.admin.site import site
from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission
from trials.middleware import STATUS
from trials.models import User, Visit
from trials.policies import unknown
from trials.records.domain.errors import DomainError, Refusal
from trials.records.domain.local_time import in_words
from trials.records.services import clock
from trials.services.access_factors import has_second_factor

PLACES = ("study", "site", "participant")
ON_THE_PAGE = frozenset({"signing_password", "signing_blocked"})
"""Refusals of the identity are answered on the page; those of the right to sign are not."""


class SignPage(StudyPage, ABC):
    """Shared: what is signed, each form with its version and hash as shown, the meaning, and who signs."""

    permission = Permission.SIGN_RECORD
    see_permission = Permission.VIEW_RECORDS
    template_name = "capture/sign.html"

    @abstractmethod
    def find(self, pk: UUID) -> Visit | FormRecord: ...

    @abstractmethod
    def about(self, place: Visit | FormRecord) -> str: ...

    @abstractmethod
    def back(self, place: Visit | FormRecord) -> str: ...

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self.page(self.find(pk))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        place = self.find(pk)
        user = request.user
        if not isinstance(user, User):
            raise unknown()
        try:
            done = sign_records(
                place,
                shown=[_shown(text) for text in request.POST.getlist("record")],
                actor=self.actor,
                user=user,
                password=request.POST.get("password", ""),
                otp=request.POST.get("code", "").replace(" ", ""),
            )
        except DomainError as error:
            if error.kind == "unknown" or (error.kind == "forbidden" and not ON_THE_PAGE & set(error.codes)):
                raise
            return self.page(place, refusals=error.refusals, status=STATUS[error.kind])
        number = len(done.signed)
        messages.success(request, ngettext("%(n)s form signed.", "%(n)s forms signed.", number) % {"n": number})
        if done.refused:
            return self.page(place, refusals=done.refused, status=STATUS["conflict"])
        return HttpResponseRedirect(self.back(place))

    def page(self, place: Visit | FormRecord, *, refusals: Sequence[Refusal] = (), status: int = 200) -> HttpResponse:
        rows = list_signable(place, actor=self.actor)
        participant, user = place.participant, self.request.user
        return self.show(
            status=status,
            title=_("Sign %(what)s") % {"what": self.about(place)},
            crumbs=[
                crumb(place.study.oid, "casebook", place.study.oid),
                crumb(participant.number, "participant", participant.pk),
                {"label": self.about(place), "url": self.back(place)},
            ],
            participant=participant,
            offered=[_line(row) for row in rows if not row.because],
            left_out=[_line(row) for row in rows if row.because],
            refusals=refusals,
            meaning=MEANING,
            now=in_words(clock.now(), place.site.time_zone),
            back=self.back(place),
            printed_name=self.actor.printed_name,
            asks_code=settings_ask_code() or (isinstance(user, User) and has_second_factor(user)),
            needs_code=settings_ask_code(),
        )


def settings_ask_code() -> bool:
    """Return whether every signature needs the code of a device."""
    return bool(getattr(settings, "SIGNING_REQUIRES_OTP", False))


def _line(row: Signable) -> dict[str, object]:
    """Return a row as the page shows it; ``value`` is what comes back, so that only what was shown is signed."""
    record, zone = row.record, row.record.site.time_zone
    return {
        "record": record,
        "label": row.label,
        "hash": row.content_hash,
        "value": f"{record.pk}:{record.version}:{row.content_hash}",
        "changed": in_words(record.changed_at, zone),
        "because": row.because,
        "signatures": [
            {"name": each.printed_name, "at": in_words(each.signed_at, each.time_zone), "meaning": each.meaning}
            for each in row.signed
        ],
    }


def _shown(text: str) -> Shown:
    """Read one line as it comes back from the page."""
    key, _colon, rest = text.partition(":")
    version, _colon, content = rest.partition(":")
    try:
        return Shown(UUID(key), int(version), content)
    except ValueError:
        raise unknown() from None


class VisitSignPage(SignPage):
    """All complete forms of a visit."""

    def find(self, pk: UUID) -> Visit:
        rows = Visit.objects.select_related(*PLACES, "version").defer("version__document")
        visit = self.get_object_or_unknown(rows, pk=pk)
        self.show_study(visit.study)
        return visit

    def about(self, place: Visit | FormRecord) -> str:
        return visit_label(place) if isinstance(place, Visit) else str(place)

    def back(self, place: Visit | FormRecord) -> str:
        return reverse("admin:visit", args=[place.pk])


class RecordSignPage(SignPage):
    """One form: of a visit, of a log, or kept once."""

    def find(self, pk: UUID) -> FormRecord:
        rows = FormRecord.objects.select_related(*PLACES, "definition").defer("definition__document")
        record = self.get_object_or_unknown(rows, pk=pk)
        self.show_study(record.study)
        return record

    def about(self, place: Visit | FormRecord) -> str:
        return label_of(place) if isinstance(place, FormRecord) else str(place)

    def back(self, place: Visit | FormRecord) -> str:
        return reverse("admin:record", args=[place.pk])


site.register_page("visits/<uuid:pk>/sign/", VisitSignPage, "visit_sign")
site.register_page("records/<uuid:pk>/sign/", RecordSignPage, "record_sign")
