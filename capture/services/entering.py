"""What one press of a button on a form does, as one act: save, answer queries, complete. All of it, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from capture.models import FormRecord, Query
from capture.services.changes import Changes, Reason
from capture.services.completion import complete_record
from capture.services.data_entry import save_items
from capture.services.queries import answer_query
from capture.services.slots import Slot
from trials.records.domain.actors import Actor
from trials.records.services import clock
from trials.records.services.act import open_act


def enter_form(
    slot: Slot,
    changes: Changes,
    *,
    actor: Actor,
    expected_version: int,
    reason: Reason = "",
    answers: Mapping[UUID, str] | None = None,
    complete: bool = False,
    explanations: Mapping[str, str] | None = None,
) -> FormRecord | None:
    """Save changes, answer queries of the record, complete it where asked; a refusal of one takes back the others.

    Returns the record as it is then; None when there was nothing to save and no record yet.
    """
    study = slot.participant.study
    with open_act("enter form", chain=study.chain_key, actor=actor, study_time=clock.study_now(study)):
        record = slot.record
        if changes or record is None:
            saved = save_items(slot, changes, actor=actor, reason=reason, expected_version=expected_version)
            record, expected_version = saved.record, saved.record.version
        if answers:
            for query in Query.objects.filter(record=record, pk__in=list(answers)):
                answer_query(query, text=answers[query.pk], actor=actor)
        if complete and record.state != FormRecord.State.COMPLETE:
            record = complete_record(
                record, actor=actor, expected_version=expected_version, explanations=explanations or {}
            ).record
        return record
