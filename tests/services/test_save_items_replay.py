"""AUD-01: replaying the audit trail from empty rebuilds the records, over random saves."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture.domain.null_flavours import NullFlavour
from capture.domain.values import unpacked
from capture.models import FormRecord
from capture.services.completion import complete_record, mark_not_done
from capture.services.data_entry import save_items
from capture.services.slots import Slot
from seeds.factories.capture import participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from trials.models import Participant
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent

pytestmark = pytest.mark.django_db
TEXTS = st.sampled_from(["36.8", "40.1", "52", "1,5", "120", "80", "72.5", "90", "170", "", "x"])
CHANGE = st.one_of(TEXTS, st.none(), st.just(NullFlavour("ND", "lost")), st.just(NullFlavour("NA")))
ITEMS = st.sampled_from(["TEMP", "SYSBP", "DIABP", "WEIGHT", "HEIGHT", "NOTE"])
STEP = st.tuples(
    st.sampled_from(["SCR", "D-1", "D14"]),
    st.sampled_from(["save", "save", "save", "complete", "not_done"]),
    st.dictionaries(ITEMS, CHANGE, max_size=4),
)


def replayed() -> dict[str, dict[str, Any]]:
    """Rebuild every record from its events alone: columns by name, items by path."""
    records: dict[str, dict[str, Any]] = {}
    for event in AuditEvent.objects.filter(record_kind="FormRecord").order_by("seq"):
        record = records.setdefault(event.record_id, {"data": {}})
        for path, entry in orjson.loads(event.payload).items():
            new = entry[0] if len(entry) == 1 else entry[1]
            if path.islower():
                record[path] = new
            elif new is None:
                record["data"].pop(path, None)
            else:
                record["data"][path] = unpacked(new)
    return records


def stored() -> dict[str, dict[str, Any]]:
    found = {}
    for record in FormRecord.objects.all():
        columns = [field.attname for field in record._meta.concrete_fields if field.attname not in {"id", "data"}]
        values = {name: getattr(record, name) for name in columns}
        shown = {
            name: None if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
            for name, value in values.items()
        }
        found[str(record.pk)] = {**shown, "data": record.data}
    return found


def act(participant: Participant, slots: dict[str, Slot], step: tuple[str, str, dict[str, Any]]) -> None:
    visit, what, changes = step
    record = FormRecord.objects.filter(visit__code=visit, form="VS", participant=participant).first()
    target = record or slots[visit]
    version = record.version if record is not None else 0
    if what == "save":
        save_items(target, changes, actor=SYSTEM, reason="correction", expected_version=version)
    elif what == "not_done":
        mark_not_done(target, reason="device broken", actor=SYSTEM)
    elif record is not None:
        complete_record(record, actor=SYSTEM, expected_version=version)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=1, max_size=8))
def test_replaying_the_audit_from_empty_rebuilds_every_record(steps: list[tuple[str, str, dict[str, Any]]]) -> None:
    participant = participant_in(study_version())
    slots = {"SCR": slot_at(participant, "SCR", "VS", on=date(2026, 1, 5))}
    slots |= {visit: slot_at(participant, visit, "VS") for visit in ("D-1", "D14")}
    for step in steps:
        before = stored()
        try:
            act(participant, slots, step)
        except DomainError:
            assert stored() == before
    assert replayed() == stored()
