"""Records of bound forms, read for many participants in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from capture.definition.compiled import FormDefinition, form_set
from capture.models import FormRecord
from capture.projections.registry import RecordValues
from capture.services.sheets import record_values
from safety.services.readings import KINDS
from trials.models import StudyVersion

LIVE = (FormRecord.State.IN_PROGRESS, FormRecord.State.COMPLETE)


@dataclass(frozen=True, slots=True)
class BoundRecord:
    """One record of a form that the safety room understands; read only when asked, so that a bad one spoils no other.

    ``values`` raises ExpressionFault when a stored text has not the type that its item was published with.
    """

    id: UUID
    form: FormDefinition
    data: dict[str, dict[str, Any]]
    time_zone: str
    complete: bool = False

    @property
    def kind(self) -> str:
        """The kind that the form is bound to."""
        return str(self.form.binds)

    @property
    def values(self) -> RecordValues:
        """The typed values."""
        return record_values(self.form, self.data, time_zone=self.time_zone)


def bound_forms(version: StudyVersion) -> dict[str, FormDefinition]:
    """The forms of a version that are bound to a kind of this room, by code."""
    return {code: form for code, form in form_set(version).forms.items() if form.binds in KINDS}


def read_bound(
    participants: Collection[UUID], versions: Collection[StudyVersion], *, forms: Collection[str] = ()
) -> dict[UUID, list[BoundRecord]]:
    """Return the live records of bound forms by participant, in the order of their rows; one statement.

    ``versions`` are those whose forms are looked for; ``forms`` narrows to these codes.
    """
    codes = set(forms) or {code for version in versions for code in bound_forms(version)}
    found: defaultdict[UUID, list[BoundRecord]] = defaultdict(list)
    rows = (
        FormRecord.objects.filter(participant_id__in=participants, form__in=codes, state__in=LIVE)
        .order_by("form", "row", "created_at", "id")
        .values_list(
            "id", "participant_id", "form", "data", "state", "definition_id", "definition__revision", "site__time_zone"
        )
    )
    for pk, participant, form, data, state, definition, revision, zone in rows:
        version = StudyVersion.from_db(None, ["id", "revision"], [definition, revision])
        bound = bound_forms(version).get(form)
        if bound is not None:
            found[participant].append(BoundRecord(pk, bound, data, zone, complete=state == FormRecord.State.COMPLETE))
    return found
