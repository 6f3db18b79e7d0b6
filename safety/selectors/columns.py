"""The columns that safety adds to the casebook."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, IntegerField, Max, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from safety.models import AdverseEvent, Assessment
from safety.policies import SEES, visible
from trials.models import Participant, Study
from trials.records.domain.actors import Actor


def casebook_columns(study: Study, actor: Actor) -> dict[UUID, dict[str, int | None]]:
    """Worst grade of CRS and ICANS (None while nothing was graded) and number of adverse events; one statement."""
    rows = visible(actor, Participant.objects.filter(study=study), SEES)
    return {
        pk: {"CRS": crs, "ICANS": icans, "AE": count}
        for pk, crs, icans, count in rows.annotate(
            crs=_worst("CRS"), icans=_worst("ICANS"), events=Coalesce(_count(), Value(0))
        ).values_list("pk", "crs", "icans", "events")
    }


def _worst(scale: str) -> Subquery:
    """The highest grade of a scale; ordering is dropped, since it would group by more than the participant."""
    rows = Assessment.objects.filter(participant=OuterRef("pk"), scale=scale).order_by().values("participant")
    return Subquery(rows.annotate(worst=Max("grade")).values("worst"), output_field=IntegerField())


def _count() -> Subquery:
    rows = AdverseEvent.objects.filter(participant=OuterRef("pk")).order_by().values("participant")
    return Subquery(rows.annotate(found=Count("record_id")).values("found"), output_field=IntegerField())
