"""The columns that safety adds to the casebook."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, IntegerField, Max, OuterRef, QuerySet, Subquery, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from safety.models import AdverseEvent, Assessment
from safety.policies import SEES, visible
from trials.models import Participant, Study
from trials.records.domain.actors import Actor


def casebook_columns(study: Study, actor: Actor) -> dict[UUID, dict[str, int | None]]:
    """Worst certain grade of CRS and ICANS, the worst that blanks allow, and number of adverse events; one statement.

    Both grades are None while nothing was assessed. The worst grade is not settled where ``CRS_MOST`` is above ``CRS``.
    """
    return _columns(visible(actor, Participant.objects.filter(study=study), SEES))


def worst_grades(actor: Actor, participant: Participant) -> list[tuple[str, int, bool]]:
    """Return scale, worst certain grade and whether it is settled, of each scale assessed; one statement."""
    found = _columns(visible(actor, Participant.objects.filter(pk=participant.pk), SEES)).get(participant.pk, {})
    return [
        (scale, grade, grade == found.get(f"{scale}_MOST"))
        for scale in ("CRS", "ICANS")
        if (grade := found.get(scale)) is not None
    ]


def _columns(rows: QuerySet[Participant]) -> dict[UUID, dict[str, int | None]]:
    return {
        pk: {"CRS": crs, "CRS_MOST": crs_most, "ICANS": icans, "ICANS_MOST": icans_most, "AE": count}
        for pk, crs, crs_most, icans, icans_most, count in rows.annotate(
            crs=_worst("CRS", "at_least"),
            crs_most=_worst("CRS", "at_most"),
            icans=_worst("ICANS", "at_least"),
            icans_most=_worst("ICANS", "at_most"),
            events=Coalesce(_count(), Value(0)),
        ).values_list("pk", "crs", "crs_most", "icans", "icans_most", "events")
    }


def _worst(scale: str, bound: str) -> Subquery:
    """The highest ``at_least`` or ``at_most`` of a scale; a grade is both its own bounds.

    Ordering is dropped, since it would group by more than the participant.
    """
    rows = Assessment.objects.filter(participant=OuterRef("pk"), scale=scale).order_by().values("participant")
    grade = Coalesce("grade", Cast(KeyTextTransform(bound, "findings"), IntegerField()))
    return Subquery(rows.annotate(worst=Max(grade)).values("worst"), output_field=IntegerField())


def _count() -> Subquery:
    rows = AdverseEvent.objects.filter(participant=OuterRef("pk")).order_by().values("participant")
    return Subquery(rows.annotate(found=Count("record_id")).values("found"), output_field=IntegerField())
