"""Only a simulated study has a clock of its own, which only moves forward, with every day's sweeps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from seeds.factories.trials import BEGIN, SYSTEM, MemberFactory, SiteFactory, VisitFactory, small_version
from trials.domain.roles import Role
from trials.models import Study
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.records.services.clock import set_source, study_now
from trials.services import study_clock
from trials.services.access import actor_of
from trials.services.study_clock import advance_clock, register_sweep
from trials.services.visits import start_visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[datetime | None]:
    monkeypatch.setattr(study_clock, "_sweeps", list(study_clock._sweeps))
    instants: list[datetime | None] = []

    def sweep(study: Study) -> None:
        assert Study.objects.get(pk=study.pk).clock == study.clock
        instants.append(study.clock)

    register_sweep(sweep)
    register_sweep(sweep)
    return instants


def test_every_skipped_day_is_swept_once_and_the_act_is_one(seen: list[datetime | None]) -> None:
    study = SiteFactory().study
    seen.clear()
    advance_clock(study, days=3, actor=SYSTEM)
    assert seen == [BEGIN + timedelta(days=n) for n in (1, 2, 3)]
    assert Study.objects.get(pk=study.pk).clock == study.clock == BEGIN + timedelta(days=3)
    event = AuditEvent.objects.filter(record_kind="Study").order_by("-seq")[0]
    assert event.action == "advance clock"
    assert event.payload == '{"clock":["2026-01-05T02:00:00+00:00","2026-01-08T02:00:00+00:00"]}'


def test_a_goal_between_days_is_the_last_stop(seen: list[datetime | None]) -> None:
    study = SiteFactory().study
    seen.clear()
    advance_clock(study, to=BEGIN + timedelta(days=1, hours=5), actor=SYSTEM)
    assert seen == [BEGIN + timedelta(days=1), BEGIN + timedelta(days=1, hours=5)]


def test_a_real_study_has_no_clock_to_move() -> None:
    study = small_version("REAL", simulated=False).study
    events = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        advance_clock(study, days=1, actor=SYSTEM)
    assert refused.value.codes == ("clock_of_real_study",)
    assert (Study.objects.get().clock, AuditEvent.objects.count()) == (None, events)
    with set_source(lambda: BEGIN):
        assert study_now(study) == BEGIN


@pytest.mark.parametrize("back", [timedelta(0), timedelta(seconds=1), timedelta(days=400)])
def test_time_stands_or_runs_back_for_nobody(back: timedelta) -> None:
    study = SiteFactory().study
    with pytest.raises(DomainError) as refused:
        advance_clock(study, to=BEGIN - back, actor=SYSTEM)
    assert refused.value.codes == ("clock_backwards",)
    assert Study.objects.get(pk=study.pk).clock == BEGIN


def test_a_goal_is_an_instant_or_days_and_carries_its_zone() -> None:
    study = SiteFactory().study
    goal = datetime(2026, 2, 1, tzinfo=UTC)
    for given, code in (
        ({}, "clock_goal"),
        ({"to": goal, "days": 1}, "clock_goal"),
        ({"to": goal.replace(tzinfo=None)}, "clock_zone"),
    ):
        with pytest.raises(DomainError) as refused:
            advance_clock(study, actor=SYSTEM, **given)
        assert refused.value.codes == (code,)


def test_a_date_of_tomorrow_is_taken_once_the_clock_shows_it() -> None:
    visit = VisitFactory(code="SCR")
    with pytest.raises(DomainError):
        start_visit(visit, on=date(2026, 1, 6), actor=SYSTEM)
    advance_clock(visit.study, days=1, actor=SYSTEM)
    visit.refresh_from_db()
    assert start_visit(visit, on=date(2026, 1, 6), actor=SYSTEM).actual == date(2026, 1, 6)


def test_a_coordinator_does_not_move_the_clock() -> None:
    site = SiteFactory()
    actor = actor_of(MemberFactory(site=site, role=Role.COORDINATOR, whole_study=True))
    with pytest.raises(DomainError) as refused:
        advance_clock(site.study, days=1, actor=actor)
    assert refused.value.kind == "forbidden"
