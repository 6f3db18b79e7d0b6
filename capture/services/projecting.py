"""Rebuilding the typed rows from the records that state them."""

from __future__ import annotations

from capture.definition.compiled import form_set
from capture.models import FormRecord
from capture.projections import registry
from capture.services.opening import locked_records
from capture.services.sheets import record_values
from trials.models import Participant, Study
from trials.records.domain.actors import Actor
from trials.records.services import clock
from trials.records.services.act import open_act

GONE = (FormRecord.State.REMOVED, FormRecord.State.NOT_DONE)


def rebuild_projections(scope: Participant | Study, *, actor: Actor) -> int:
    """Project every record of a participant or a study again; return how many records state something.

    What stands already is left as it is (projections are idempotent), so a rebuild of a sound study notes nothing.
    """
    study = scope if isinstance(scope, Study) else scope.study
    participants = (
        [scope.pk]
        if isinstance(scope, Participant)
        else list(Participant.objects.filter(study=scope).order_by("number").values_list("pk", flat=True))
    )
    count = 0
    for participant in participants:
        with open_act(
            "rebuild projections", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)
        ) as act:
            records = locked_records().filter(participant=participant).order_by("created_at", "id")
            shared: Participant | None = None
            for record in records:
                shared = shared or record.participant
                record.participant = shared
                form = form_set(record.definition).forms.get(record.form)
                projection = registry.get(form.binds) if form is not None and form.binds else None
                if form is None or projection is None:
                    continue
                zone = shared.site.time_zone
                values = record_values(form, record.data, removed=record.state in GONE, time_zone=zone)
                projection.project(record, values, act=act)
                count += 1
    return count
