"""A visit outside its window makes exactly one draft; moved back it withdraws it; a recorded one takes its place."""

from __future__ import annotations

import uuid
from datetime import date

import pytest

from seeds.factories.trials import SYSTEM, ParticipantFactory, VisitFactory, infuse
from trials.domain.facts import DeviationFact
from trials.models import Deviation, Participant, Visit
from trials.records.models import AuditEvent
from trials.records.services.act import open_act
from trials.services.anchoring import plan_infusion
from trials.services.facts import apply_deviation
from trials.services.visits import change_visit_date, clear_visit_date, start_visit

pytestmark = pytest.mark.django_db
DAY_0 = date(2025, 12, 18)  # the window of Day 14 is 30 December to 3 January; the study's clock shows 5 January
WHY = "Typed the wrong day"


def treated() -> tuple[Participant, uuid.UUID, Visit]:
    participant = ParticipantFactory(consented_on=date(2025, 12, 1), enrolled=False)
    record = infuse(participant, DAY_0)
    Deviation.objects.filter(visit=None).delete()
    return participant, record, VisitFactory(participant=participant, code="D14")


def found() -> list[tuple[str, int | None, date | None, str]]:
    rows = Deviation.objects.filter(kind="WINDOW").order_by("record_id", "pk")
    return [(row.state, row.days, row.on_date, row.visit.code if row.visit else "") for row in rows]


@pytest.mark.parametrize(
    ("on", "days"),
    [
        (date(2025, 12, 29), -1),
        (date(2025, 12, 30), 0),
        (date(2026, 1, 3), 0),
        (date(2026, 1, 4), 1),
    ],
)
def test_the_edges_of_the_window_make_no_deviation_and_the_days_beyond_one(on: date, days: int) -> None:
    _, _, visit = treated()
    start_visit(visit, on=on, actor=SYSTEM)
    assert found() == ([("draft", days, on, "D14")] if days else [])


def test_moving_the_visit_back_withdraws_the_draft_and_out_again_revives_the_one_row() -> None:
    _, _, visit = treated()
    start_visit(visit, on=date(2026, 1, 4), actor=SYSTEM)
    change_visit_date(visit, on=date(2026, 1, 5), actor=SYSTEM, reason=WHY)
    assert found() == [("draft", 2, date(2026, 1, 5), "D14")]
    change_visit_date(visit, on=date(2026, 1, 3), actor=SYSTEM, reason=WHY)
    assert found() == [("withdrawn", 2, date(2026, 1, 5), "D14")]
    change_visit_date(visit, on=date(2025, 12, 28), actor=SYSTEM, reason=WHY)
    assert found() == [("draft", -2, date(2025, 12, 28), "D14")]
    clear_visit_date(visit, actor=SYSTEM, reason=WHY)
    assert found() == [("withdrawn", -2, date(2025, 12, 28), "D14")]
    actions = AuditEvent.objects.filter(record_kind="Deviation").order_by("seq").values_list("action", flat=True)
    assert list(actions)[-5:] == ["draft", "draft", "withdraw", "draft", "withdraw"]


def test_correcting_the_infusion_judges_all_visits_again_both_ways() -> None:
    participant, record, visit = treated()
    start_visit(visit, on=date(2026, 1, 4), actor=SYSTEM)
    assert [row[0] for row in found()] == ["draft"]
    infuse(participant, date(2025, 12, 19), record_id=record)
    assert [row[0] for row in found()] == ["withdrawn"]
    infuse(participant, date(2025, 12, 17), record_id=record)
    assert found() == [("draft", 2, date(2026, 1, 4), "D14")]
    infuse(participant, record_id=record)
    assert [row[0] for row in found()] == ["withdrawn"]


def test_a_provisional_window_makes_no_deviation() -> None:
    participant = ParticipantFactory(consented_on=date(2025, 12, 1))
    plan_infusion(participant, on=date(2026, 1, 20), actor=SYSTEM)
    start_visit(VisitFactory(participant=participant, code="LD"), on=date(2026, 1, 5), actor=SYSTEM)
    assert found() == []


def test_a_deviation_that_the_site_recorded_takes_the_drafts_place_until_it_is_removed() -> None:
    participant, _, visit = treated()
    start_visit(visit, on=date(2026, 1, 4), actor=SYSTEM)
    record = uuid.uuid4()
    fact = DeviationFact("WINDOW", date(2026, 1, 4), "Came a day late", important=False)
    for _ in range(2):
        with open_act("save items", chain=participant.study.chain_key, actor=SYSTEM) as act:
            apply_deviation(participant, record, fact, act=act)
        assert sorted(found()) == [
            ("recorded", 1, date(2026, 1, 4), "D14"),
            ("withdrawn", 1, date(2026, 1, 4), "D14"),
        ]
    with open_act("save items", chain=participant.study.chain_key, actor=SYSTEM) as act:
        apply_deviation(participant, record, None, act=act)
    assert found() == [("draft", 1, date(2026, 1, 4), "D14")]


def test_a_recorded_deviation_of_another_day_leaves_the_draft_alone() -> None:
    participant, _, visit = treated()
    start_visit(visit, on=date(2026, 1, 4), actor=SYSTEM)
    with open_act("save items", chain=participant.study.chain_key, actor=SYSTEM) as act:
        apply_deviation(participant, uuid.uuid4(), DeviationFact("WINDOW", date(2026, 1, 2)), act=act)
    assert sorted(found()) == [("draft", 1, date(2026, 1, 4), "D14"), ("recorded", None, date(2026, 1, 2), "")]
