"""F17: many clients save one form over the same version; one wins, the others are shown both values."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from django.db import connections

from capture.models import FormRecord
from capture.services.data_entry import save_items
from seeds.factories.capture import participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent

CLIENTS = 16


@pytest.mark.django_db(transaction=True)
def test_of_many_clients_over_one_version_one_wins_and_no_value_is_lost() -> None:
    participant = participant_in(study_version())
    slot = slot_at(participant, "SCR", "VS", on=date(2026, 1, 5))
    record = save_items(slot, {"TEMP": "36.8"}, actor=SYSTEM, expected_version=0).record

    def client(number: int) -> str:
        try:
            mine = FormRecord.objects.select_related("participant__study", "participant__site").get(pk=record.pk)
            save_items(mine, {"TEMP": f"37.{number % 10}"}, actor=SYSTEM, expected_version=1)
        except DomainError as refused:
            items: Any = refused.detail.get("items", {})
            return f"{refused.kind} {items['TEMP']['theirs']['v']}"
        else:
            return "won"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(client, range(CLIENTS)))
    stored = FormRecord.objects.get(pk=record.pk)
    assert answers.count("won") == 1
    assert {answer for answer in answers if answer != "won"} == {f"conflict {stored.data['TEMP']['v']}"}
    assert stored.version == 2
    assert AuditEvent.objects.filter(record_kind="FormRecord", record_id=str(record.pk)).count() == 2
