"""Moving a visit through the capture room: dependent values follow, forms hold the date."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from capture.models import FormRecord
from capture.services.data_entry import save_items
from capture.services.slots import Slot
from capture.services.visiting import clear_visit_date, start_visit
from seeds.factories.capture import participant_in, slot_at, study_version
from seeds.factories.trials import SYSTEM, infuse
from trials.models import Participant, Visit
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.services.study_clock import advance_clock

pytestmark = pytest.mark.django_db

INFUSED, DAY_14 = date(2025, 12, 21), date(2026, 1, 5)
FORMS = {
    "VS": {
        "label": "Vital signs",
        "items": {
            "TEMP": {"label": "Temperature", "type": "number", "unit": "Cel"},
            "DAY": {"label": "Study day", "type": "integer", "formula": "study_day"},
        },
    }
}


def day_14() -> Slot:
    """Return the vital signs of a Day 14 visit held on the day of its target."""
    participant = participant_in(study_version("VISITING", forms=FORMS))
    infuse(participant, INFUSED)
    return slot_at(
        Participant.objects.select_related("study", "site", "version").get(pk=participant.pk), "D14", "VS", on=DAY_14
    )


def test_a_value_derived_from_the_visit_date_follows_it_in_the_same_act() -> None:
    slot = day_14()
    record = save_items(slot, {"TEMP": "36.6"}, actor=SYSTEM, expected_version=0).record
    before = record.data.get("DAY")
    visit = Visit.objects.select_related("participant", "study", "site", "version").get(records=record)
    assert visit.actual is not None
    advance_clock(visit.study, days=1, actor=SYSTEM)
    start_visit(visit, on=visit.actual + timedelta(days=1), actor=SYSTEM, reason="typed wrongly")
    after = FormRecord.objects.get(pk=record.pk).data.get("DAY")
    assert (before, after) == ({"v": "15", "d": 1}, {"v": "16", "d": 1})
    acts = (
        AuditEvent.objects.filter(record_kind__in=["Visit", "FormRecord"])
        .order_by("-seq")
        .values_list("act", flat=True)
    )
    assert len(set(acts[:2])) == 1


def test_a_date_is_not_taken_back_while_forms_of_the_visit_are_filled_in() -> None:
    slot = day_14()
    record = save_items(slot, {"TEMP": "36.6"}, actor=SYSTEM, expected_version=0).record
    visit = Visit.objects.select_related("participant", "study", "site", "version").get(records=record)
    events = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        clear_visit_date(visit, actor=SYSTEM, reason="typed wrongly")
    assert refused.value.codes == ("visit_has_forms",)
    assert refused.value.refusals[0].found == "VS"
    assert AuditEvent.objects.count() == events
    assert Visit.objects.get(pk=visit.pk).actual == visit.actual
