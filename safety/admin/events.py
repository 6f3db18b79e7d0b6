"""The page of adverse events to review, and the suggestions of CTCAE terms."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _

from safety.domain.seriousness import Criterion
from safety.models import AdverseEvent
from safety.selectors.review import GRADES, ReviewFilters, adverse_events, count_events
from safety.terms.ctcae import suggest_terms
from trials.admin.pages import ScopedPage
from trials.admin.site import site
from trials.admin.study_pages import StudyPage, crumb
from trials.domain.roles import Permission
from trials.selectors.studies import sites_of

SUGGESTED = 12


class AdverseEventsPage(StudyPage):
    """Adverse events of a study, gravest first: filters as chips, course of grades, working, record and history."""

    permission = Permission.VIEW_SAFETY
    template_name = "safety/adverse_events.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        filters = ReviewFilters.read(request.GET)
        counts = count_events(self.actor, study, filters)
        return self.show(
            title=_("Adverse events"),
            crumbs=[crumb(oid, "study", oid)],
            study=study,
            rows=[(row, serious_words(row)) for row in adverse_events(self.actor, study, filters)],
            counts=counts,
            chips=_chips(request, counts),
            filters=filters,
            sites=list(sites_of(self.actor, study=study)),
        )


def serious_words(row: AdverseEvent) -> str:
    """Why an event is serious, in words."""
    return ", ".join(Criterion[name].value for name in row.serious_because)


def _chips(request: HttpRequest, counts: dict[str, int]) -> list[dict[str, object]]:
    """Return the chips; each toggles its own filter and keeps the others."""
    wanted = [
        (_("Grade 3 or higher"), "min_grade", "3", counts["severe"]),
        *((_("Grade %s") % grade, "grade", str(grade), counts[f"grade_{grade}"]) for grade in GRADES),
        (_("Grade not recorded"), "grade", "0", counts["ungraded"]),
        (_("Serious"), "serious", "1", counts["serious"]),
        (_("Related"), "related", "1", counts["related"]),
        (_("Ongoing"), "ongoing", "1", counts["ongoing"]),
    ]
    return [_chip(request, word, name, value, n) for word, name, value, n in wanted]


def _chip(request: HttpRequest, word: str, name: str, value: str, n: int) -> dict[str, object]:
    query = request.GET.copy()
    is_on = query.get(name) == value
    query.pop(name, None)
    if not is_on:
        query[name] = value
    return {"word": word, "url": f"?{query.urlencode()}", "n": n, "on": is_on}


class CodeSuggestionsPage(ScopedPage):
    """Near CTCAE terms as options of a list, for the form's field; grades that exist stand beside each."""

    permission = Permission.VIEW_RECORDS

    def get(self, request: HttpRequest) -> HttpResponse:
        typed = request.GET.get("q", "")[:100]
        options = format_html_join(
            "", '<option value="{}"></option>', ((name,) for name in suggest_terms(typed, SUGGESTED))
        )
        return HttpResponse(options)


site.register_page("studies/<str:oid>/adverse-events/", AdverseEventsPage, "adverse_events")
site.register_page("codes/ctcae/", CodeSuggestionsPage, "code_suggestions")
