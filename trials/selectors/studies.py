"""Reads of studies, sites and dose levels."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from trials.domain.roles import Permission
from trials.models import DoseLevel, Site, Study, StudyVersion
from trials.policies import visible
from trials.records.domain.actors import Actor
from trials.selectors.scope import studies_of

__all__ = ["dose_levels_of", "find_study", "latest_version", "sites_of", "studies_of"]


def find_study(actor: Actor, oid: str) -> Study | None:
    """Return a visible study by its name; None for foreign and unknown alike."""
    return studies_of(actor).filter(oid=oid).first()


def sites_of(actor: Actor, *, study: Study | None = None) -> QuerySet[Site]:
    """Return the sites that an actor may see."""
    rows = visible(actor, Site.objects.all(), Permission.VIEW_STUDY).select_related("study")
    return (rows.filter(study=study) if study is not None else rows).order_by("study_id", "code")


def latest_version(study: Study) -> StudyVersion | None:
    """Return the version last published."""
    return StudyVersion.objects.filter(study=study).order_by("-number").first()


def dose_levels_of(study: Study, *, open_only: bool = False) -> QuerySet[DoseLevel]:
    """Return the study's ladders, arm by arm from the lowest level."""
    wanted = Q(state=DoseLevel.State.OPEN) if open_only else Q()
    return DoseLevel.objects.filter(wanted, study=study).select_related("arm").order_by("arm__position", "number")
