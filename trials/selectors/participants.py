"""Reads of participants: the actor's own list, and one by what a person types for a number."""

from __future__ import annotations

from django.db.models import QuerySet

from trials.domain.numbering import parse_number
from trials.domain.roles import Permission
from trials.models import Participant, Study
from trials.policies import visible
from trials.records.domain.actors import Actor


def participants_of(actor: Actor, *, study: Study | None = None) -> QuerySet[Participant]:
    """Return the participants that an actor may see, with what a row of a list shows; one statement."""
    rows = visible(actor, Participant.objects.all(), Permission.VIEW_PARTICIPANTS)
    if study is not None:
        rows = rows.filter(study=study)
    return rows.select_related("study", "site", "arm", "dose_level").order_by("study_id", "number")


def find_by_number(actor: Actor, text: str, *, study: Study | None = None) -> list[Participant]:
    """Return the visible participants that ``text`` can mean: ``01-013`` one site's, ``13`` that sequence of any site.

    Nothing is found for what is no number; a foreign number and one never given are both not found.
    """
    parsed = parse_number(text)
    if parsed is None:
        return []
    site_code, sequence = parsed
    rows = participants_of(actor, study=study).filter(sequence=sequence)
    return list(rows.filter(site__code__iexact=site_code) if site_code else rows)
