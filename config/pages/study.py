"""The study page: what the study is, with every assumption and open question marked beside its setting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from capture.definition.compiled import form_set
from safety.definition.compiled import safety_plan
from trials.admin.study_pages import StudyPage
from trials.definition.compiled import Mark, TrialDefinition, VisitPlan, trial_definition
from trials.domain.roles import Permission
from trials.models import Site
from trials.selectors.studies import dose_levels_of, latest_version
from trials.services.dosing import slots_of


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting with its words and its marks (nearest first)."""

    label: str
    value: str
    marks: Sequence[Mark]

    @property
    def assumed(self) -> str:
        """The note of an assumption or open question, empty when the source states the setting."""
        return next((f"{mark.kind.capitalize()}: {mark.note}" for mark in self.marks if mark.kind != "stated"), "")


class StudyOverviewPage(StudyPage):
    """Identity, arms, dose levels, schedule, DLT rules and marks of the version in force."""

    permission = Permission.VIEW_STUDY
    template_name = "pages/study.html"

    def get(self, request: HttpRequest, oid: str) -> HttpResponse:
        study = self.get_study(oid)
        version = latest_version(study)
        if version is None:
            return self.show(title=oid, crumbs=[], study=study, version=None)
        trial, forms, plan = trial_definition(version), form_set(version), safety_plan(version)
        return self.show(
            title=oid,
            crumbs=[],
            study=study,
            version=version,
            trial=trial,
            settings=tuple(identity(trial)),
            sites=self.visible(Site.objects.filter(study=study)).order_by("code"),
            slots=slots_of(study, trial.cap),
            levels=[(level, mark_note(trial, f"dose.ladders.{level.arm.code}")) for level in dose_levels_of(study)],
            visits=[
                (visit, days_of(visit), mark_note(trial, f"schedule.visits.{visit.code}.window"))
                for visit in trial.visits
            ],
            forms=forms.forms.values(),
            rules=plan.dlt.rules,
            plan=plan,
            marks=[mark for mark in trial.marks if mark.kind != "stated"],
        )


def identity(trial: TrialDefinition) -> Iterator[Setting]:
    """Yield the settings that the page lists first."""
    low, high = trial.sites
    sites = str(low) if low == high else f"{low}…{'' if high is None else high}"
    rows = (
        (_("Title"), trial.title, "study.title"),
        (_("Sponsor"), trial.sponsor, "study.sponsor"),
        (_("Registry"), trial.registry, "study.registry"),
        (_("Masking"), trial.masking, "study.masking"),
        (_("Sites"), sites, "study.sites"),
        (_("Most participants"), _("no limit") if trial.cap is None else str(trial.cap), "study.cap"),
        (_("Conditions"), ", ".join(trial.conditions.values()), "study.conditions"),
        (_("Dose design"), trial.dose.design.method, "dose.design"),
        (_("Cohort size"), str(trial.dose.cohort), "dose.cohort"),
    )
    for label, value, path in rows:
        if value:
            yield Setting(label, value, trial.marks_at(path))


def mark_note(trial: TrialDefinition, path: str) -> str:
    """Return the note of the nearest mark when it is an assumption or open."""
    marks = trial.marks_at(path)
    return f"{marks[0].kind.capitalize()}: {marks[0].note}" if marks and marks[0].kind != "stated" else ""


def days_of(visit: VisitPlan) -> str:
    """Return the days of a visit's window in words of the protocol."""
    if visit.opens is None or visit.closes is None:
        return _("any time") if visit.kind == "unscheduled" else _("at the end")
    if visit.opens == visit.closes:
        return str(visit.opens)
    return f"{visit.opens} … {visit.closes}"
