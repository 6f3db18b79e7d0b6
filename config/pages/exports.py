"""Exports: one CSV per form, of what the actor may see."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from capture.definition.compiled import form_set
from capture.services.exporting import take_out_form
from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission
from trials.policies import unknown
from trials.records.services import clock
from trials.selectors.studies import latest_version


class ExportsPage(StudyPage):
    """The forms of a study, each with its file."""

    permission = Permission.EXPORT_DATA
    template_name = "pages/exports.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        version = latest_version(study)
        forms = form_set(version).forms.values() if version else ()
        return self.show(title=_("Exports"), crumbs=[crumb(oid, "study", oid)], study=study, forms=forms)


class FormCsvPage(StudyPage):
    """One form of a study as CSV, streamed; the export is an act of its own in the audit trail."""

    permission = Permission.EXPORT_DATA

    def get(  # type: ignore[override]
        self, request: HttpRequest, oid: str, form: str
    ) -> StreamingHttpResponse:
        study = self.get_study(oid)
        version = latest_version(study)
        if version is None or form not in form_set(version).forms:
            raise unknown()
        lines = take_out_form(version, form, actor=self.actor)
        day = clock.study_now(study).strftime("%Y-%m-%d")
        return StreamingHttpResponse(
            lines,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{study.oid}-{form}-{day}.csv"'},
        )
