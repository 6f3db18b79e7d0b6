"""Facts that move Day 0 move targets and windows, never dates; typed rows are replaced, and the audit rebuilds all."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.apps import apps
from django.db.models import ForeignKey, JSONField, Model

from seeds.factories.trials import SYSTEM, ParticipantFactory, VisitFactory, infuse
from trials.domain.facts import (
    ConsentFact,
    DeathFact,
    DemographicsFact,
    DispositionFact,
    InfusionFact,
    LymphodepletionFact,
)
from trials.models import Consent, Deviation, Infusion, Participant, Visit
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.records.services.act import Act, open_act
from trials.services import facts
from trials.services.anchoring import plan_infusion
from trials.services.visits import miss_visit, start_visit

pytestmark = pytest.mark.django_db
DAY_0 = date(2025, 12, 20)


def state_fact(participant: Participant, apply: Any, fact: Any, record_id: uuid.UUID | None = None) -> uuid.UUID:
    """Apply one fact in an act of its own, as saving the record would."""
    record_id = record_id or uuid.uuid4()
    with open_act("save items", chain=participant.study.chain_key, actor=SYSTEM) as act:
        assert isinstance(act, Act)
        apply(participant, record_id, fact, act=act)
    return record_id


def windows(participant: Participant) -> dict[str, tuple[date | None, bool]]:
    rows = Visit.objects.filter(participant=participant)
    return {visit.code: (visit.target or visit.opens, visit.provisional) for visit in rows}


def test_a_planned_infusion_places_all_visits_provisionally_and_the_infusion_for_good() -> None:
    participant = ParticipantFactory(enrolled=True)
    assert set(windows(participant).values()) == {(None, False)}
    plan_infusion(participant, on=date(2026, 1, 20), actor=SYSTEM)
    assert windows(participant)["D14"] == (date(2026, 2, 3), True)
    assert windows(participant)["SCR"] == (date(2025, 12, 23), True)
    infuse(participant, date(2026, 1, 5))
    assert windows(participant)["D14"] == (date(2026, 1, 19), False)
    assert windows(participant)["EOS"] == (None, False)


def test_a_plan_is_dropped_refused_before_consent_and_after_the_infusion() -> None:
    participant = ParticipantFactory(enrolled=True)
    plan_infusion(participant, on=date(2026, 1, 20), actor=SYSTEM)
    plan_infusion(participant, on=None, actor=SYSTEM)
    assert set(windows(participant).values()) == {(None, False)}
    with pytest.raises(DomainError) as refused:
        plan_infusion(participant, on=date(2026, 1, 4), actor=SYSTEM)
    assert refused.value.codes == ("date_before_consent",)
    infuse(participant, date(2026, 1, 5))
    with pytest.raises(DomainError) as infused:
        plan_infusion(participant, on=date(2026, 1, 20), actor=SYSTEM)
    assert infused.value.codes == ("already_infused",)


def test_correcting_the_infusion_moves_every_target_and_no_actual_date() -> None:
    participant = ParticipantFactory(consented_on=date(2025, 12, 1), enrolled=True)
    record = infuse(participant, DAY_0)
    visit = VisitFactory(participant=participant, code="D14", on=date(2026, 1, 3))
    missed = miss_visit(VisitFactory(participant=participant, code="D-1"), reason="Was abroad", actor=SYSTEM)
    before = windows(participant)
    infuse(participant, date(2025, 12, 21), record_id=record)
    after = windows(participant)
    moved = {code: (after[code][0] - before[code][0]).days for code in before if before[code][0]}  # type: ignore[operator]
    assert set(moved.values()) == {1}
    assert len(moved) == 14
    visit.refresh_from_db()
    missed.refresh_from_db()
    assert (visit.actual, missed.missed) == (date(2026, 1, 3), True)


def test_removing_the_infusion_takes_windows_state_and_facts_back() -> None:
    participant = ParticipantFactory(enrolled=True)
    record = infuse(participant, date(2026, 1, 5))
    row = Participant.objects.get(pk=participant.pk)
    assert (row.state, row.infused_on, row.infused_at) == ("treated", date(2026, 1, 5), "2026-01-05T10:00")
    state_fact(participant, facts.apply_infusions, [], record)
    row.refresh_from_db()
    assert (row.state, row.infused_on, row.last_infused_on, row.infused_at) == ("enrolled", None, None, "")
    assert set(windows(participant).values()) == {(None, False)}
    assert Infusion.objects.count() == 0


def test_day_0_is_the_first_infusion_and_the_course_ends_with_the_last() -> None:
    participant = ParticipantFactory(enrolled=True)
    infuse(participant, date(2026, 1, 3), date(2026, 1, 1))
    infuse(participant, date(2026, 1, 5))
    row = Participant.objects.get(pk=participant.pk)
    assert (row.infused_on, row.infused_at, row.last_infused_on) == (
        date(2026, 1, 1),
        "2026-01-01T10:00",
        date(2026, 1, 5),
    )
    assert Infusion.objects.count() == 3


def test_the_same_fact_twice_writes_nothing_new() -> None:
    participant = ParticipantFactory(enrolled=True)
    record = infuse(participant, date(2026, 1, 5))
    events = AuditEvent.objects.count()
    infuse(participant, date(2026, 1, 5), record_id=record)
    assert AuditEvent.objects.count() == events
    assert Infusion.objects.count() == 1


def test_rows_of_an_infusion_record_are_replaced_one_by_one() -> None:
    participant = ParticipantFactory(enrolled=True)
    record = infuse(participant, date(2026, 1, 4), date(2026, 1, 5))
    rows = [
        InfusionFact("2", "CART", "LOT2", "2026-01-05T10:00", "", Decimal("30.5"), Decimal("0.50000049"), whole=True),
        InfusionFact("3", "CART"),
    ]
    state_fact(participant, facts.apply_infusions, rows, record)
    found = {row.row: (row.lot, row.cells, row.dose, row.whole) for row in Infusion.objects.all()}
    assert found == {
        "2": ("LOT2", Decimal("30.5000"), Decimal("0.500000"), True),
        "3": ("", None, None, None),
    }
    assert Participant.objects.get(pk=participant.pk).infused_on == date(2026, 1, 5)


def test_an_infusion_without_enrolment_or_consent_is_recorded_and_drafted_as_deviations() -> None:
    participant = ParticipantFactory(consented_on=None)
    record = infuse(participant, date(2026, 1, 5))
    assert Participant.objects.get(pk=participant.pk).state == "treated"
    drafts = Deviation.objects.filter(state="draft").order_by("kind")
    assert [(row.kind, row.on_date, row.visit_id) for row in drafts] == [
        ("CONSENT", date(2026, 1, 5), None),
        ("ELIGIBILITY", date(2026, 1, 5), None),
    ]
    state_fact(participant, facts.apply_consent, ConsentFact("v1", "2026-01-05T08:00"))
    assert list(Deviation.objects.filter(state="draft").values_list("kind", flat=True)) == ["ELIGIBILITY"]
    infuse(participant, record_id=record)
    assert set(Deviation.objects.values_list("state", flat=True)) == {"withdrawn"}
    assert Deviation.objects.count() == 2


def test_consent_on_the_day_of_infusion_is_in_time_and_on_the_next_is_not() -> None:
    participant = ParticipantFactory(consented_on=None, enrolled=False)
    infuse(participant, date(2026, 1, 4))
    record = state_fact(participant, facts.apply_consent, ConsentFact("v1", "2026-01-05T08:00"))
    assert Deviation.objects.get(kind="CONSENT").state == "draft"
    state_fact(participant, facts.apply_consent, ConsentFact("v1", "2026-01-04T23:59"), record)
    assert Deviation.objects.get(kind="CONSENT").state == "withdrawn"


def test_the_participant_consented_on_the_earliest_day_signed() -> None:
    participant = ParticipantFactory(consented_on=None)
    first = state_fact(participant, facts.apply_consent, ConsentFact("v2", "2026-01-04T09:00"))
    second = state_fact(participant, facts.apply_consent, ConsentFact("v1", "2026-01-02T09:00"))
    assert Participant.objects.get(pk=participant.pk).consented_on == date(2026, 1, 2)
    state_fact(participant, facts.apply_consent, None, second)
    assert Participant.objects.get(pk=participant.pk).consented_on == date(2026, 1, 4)
    state_fact(participant, facts.apply_consent, None, first)
    assert Participant.objects.get(pk=participant.pk).consented_on is None
    assert Consent.objects.count() == 0


def test_demographics_and_condition_are_replaced_and_removed() -> None:
    participant = ParticipantFactory()
    state_fact(participant, facts.apply_demographics, DemographicsFact("F", "1980-05"))
    state_fact(participant, facts.apply_condition, "SLE")
    assert (participant.sex, participant.birth_date, participant.condition) == ("F", "1980-05", "SLE")
    state_fact(participant, facts.apply_demographics, None)
    state_fact(participant, facts.apply_condition, None)
    row = Participant.objects.get(pk=participant.pk)
    assert (row.sex, row.birth_date, row.condition) == ("", "", "")


def test_lymphodepletion_without_enrolment_is_a_deviation() -> None:
    participant = ParticipantFactory()
    record = state_fact(participant, facts.apply_lymphodepletion, LymphodepletionFact(date(2026, 1, 4)))
    assert [(row.kind, row.state) for row in Deviation.objects.all()] == [("LYMPHODEPLETION", "draft")]
    state_fact(participant, facts.apply_lymphodepletion, None, record)
    assert [(row.kind, row.state) for row in Deviation.objects.all()] == [("LYMPHODEPLETION", "withdrawn")]


def test_disposition_and_death_make_the_state_and_taken_back_restore_it() -> None:
    participant = ParticipantFactory(enrolled=True, infused_on=date(2026, 1, 2))
    ended = state_fact(participant, facts.apply_disposition, DispositionFact(date(2026, 1, 4), reason="Own wish"))
    assert Participant.objects.get(pk=participant.pk).state == "withdrawn"
    died = state_fact(participant, facts.apply_death, DeathFact(date(2026, 1, 5)))
    assert Participant.objects.get(pk=participant.pk).state == "died"
    state_fact(participant, facts.apply_death, None, died)
    assert Participant.objects.get(pk=participant.pk).state == "withdrawn"
    state_fact(participant, facts.apply_disposition, None, ended)
    assert Participant.objects.get(pk=participant.pk).state == "treated"
    done = DispositionFact(date(2026, 1, 5), completed=True)
    state_fact(participant, facts.apply_disposition, done, ended)
    assert Participant.objects.get(pk=participant.pk).state == "completed"


def test_a_death_cancels_the_visits_after_it() -> None:
    participant = ParticipantFactory(enrolled=True, infused_on=DAY_0)
    record = state_fact(participant, facts.apply_death, DeathFact(date(2026, 1, 2)))
    cancelled = Visit.objects.filter(participant=participant, cancelled=True).values_list("code", flat=True)
    # 2 January is Day 13: the window of Day 14 opened on Day 12.
    assert set(cancelled) == {"D21", "D28", "M2", "M3", "M6", "M9", "M12", "M18", "M24"}
    state_fact(participant, facts.apply_death, None, record)
    assert Visit.objects.filter(participant=participant, cancelled=True).count() == 0


def replayed() -> dict[str, dict[str, dict[str, str | None]]]:
    """Rebuild rows of every kind from the audit events alone."""
    rows: dict[str, dict[str, dict[str, str | None]]] = defaultdict(dict)
    for event in AuditEvent.objects.order_by("chain_id", "seq"):
        payload = orjson.loads(event.payload)
        if event.action == "remove":
            del rows[event.record_kind][event.record_id]
            continue
        row = rows[event.record_kind].setdefault(event.record_id, {})
        row.update({name: values[1] if len(values) > 1 else values[0] for name, values in payload.items()})
    return rows


def read_back(model: type[Model], told: dict[str, str | None]) -> dict[str, Any]:
    found = {}
    for field in model._meta.concrete_fields:
        if field.attname in told:
            text = told[field.attname]
            field_type: Any = field.target_field if isinstance(field, ForeignKey) else field
            is_json = isinstance(field, JSONField) and text is not None
            found[field.attname] = orjson.loads(str(text)) if is_json else field_type.to_python(text)
        else:
            found[field.attname] = field.get_default()
    return found


def test_the_audit_replayed_from_empty_rebuilds_every_row_of_the_room() -> None:
    participant = ParticipantFactory(consented_on=None)
    consent = state_fact(participant, facts.apply_consent, ConsentFact("v1", "2025-12-01T08:00"))
    record = infuse(participant, DAY_0)
    start_visit(VisitFactory(participant=participant, code="D14"), on=date(2026, 1, 5), actor=SYSTEM)
    infuse(participant, date(2025, 12, 22), record_id=record)
    state_fact(participant, facts.apply_consent, None, consent)
    state_fact(participant, facts.apply_demographics, DemographicsFact("M", "1975"))
    ParticipantFactory(site=participant.site, enrolled=True, infused_on=date(2026, 1, 1))
    told = replayed()
    names = ("Study", "Site", "SiteActivation", "Arm", "DoseLevel", "Participant", "SiteStay", "Visit")
    for name in (*names, "Infusion", "Consent", "Deviation"):
        model = apps.get_model("trials", name)
        rows = {str(row.pk): {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
                for row in model._default_manager.all()}  # fmt: skip
        rebuilt = {key: read_back(model, row) for key, row in told[name].items()}
        assert rebuilt == rows, name
        assert rows or name == "Consent"
