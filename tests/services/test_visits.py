"""Dates, misses, bookings and unscheduled visits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.db import transaction

from seeds.factories.trials import (
    BEGIN,
    SYSTEM,
    MemberFactory,
    ParticipantFactory,
    SiteFactory,
    VisitFactory,
)
from trials.domain.facts import DeathFact
from trials.domain.roles import Role
from trials.models import Visit
from trials.records.domain.errors import DomainError
from trials.records.models import AuditEvent
from trials.records.services.act import open_act
from trials.records.services.locks import place_lock
from trials.services.access import actor_of
from trials.services.facts import apply_death
from trials.services.participants import take_back_participant
from trials.services.visits import (
    add_unscheduled_visit,
    change_visit_date,
    clear_visit_date,
    miss_visit,
    plan_visit,
    start_visit,
    unmiss_visit,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 1, 5)


def unchanged(visit: Visit, events: int) -> bool:
    row = Visit.objects.get(pk=visit.pk)
    same = (row.actual, row.missed, row.planned) == (visit.actual, visit.missed, visit.planned)
    return same and AuditEvent.objects.count() == events


def test_entering_the_date_starts_the_visit_and_notes_it() -> None:
    visit = start_visit(VisitFactory(code="SCR"), on=TODAY, actor=SYSTEM)
    assert Visit.objects.get(pk=visit.pk).actual == TODAY
    event = AuditEvent.objects.order_by("-seq")[0]
    assert (event.record_kind, event.action, event.payload) == ("Visit", "start", '{"actual":[null,"2026-01-05"]}')
    assert (event.site, event.participant) == (str(visit.site_id), str(visit.participant_id))


def test_today_at_the_site_is_a_date_and_tomorrow_is_not() -> None:
    visit = VisitFactory(code="SCR")
    events = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        start_visit(visit, on=date(2026, 1, 6), actor=SYSTEM)
    assert refused.value.codes == ("date_in_future",)
    assert unchanged(visit, events)
    assert start_visit(visit, on=TODAY, actor=SYSTEM).actual == TODAY


def test_the_day_of_consent_is_a_date_and_the_day_before_is_not() -> None:
    participant = ParticipantFactory(consented_on=date(2026, 1, 3))
    visit = VisitFactory(participant=participant, code="SCR")
    events = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        start_visit(visit, on=date(2026, 1, 2), actor=SYSTEM)
    assert refused.value.codes == ("date_before_consent",)
    assert unchanged(visit, events)
    assert start_visit(visit, on=date(2026, 1, 3), actor=SYSTEM).actual == date(2026, 1, 3)


def test_the_day_of_death_is_a_date_and_the_day_after_is_not() -> None:
    participant = ParticipantFactory(consented_on=date(2026, 1, 1))
    with open_act("save items", chain=participant.study.chain_key, actor=SYSTEM) as act:
        apply_death(participant, participant.pk, DeathFact(date(2026, 1, 3)), act=act)
    visit = VisitFactory(participant=participant, code="SCR")
    with pytest.raises(DomainError) as refused:
        start_visit(visit, on=date(2026, 1, 4), actor=SYSTEM)
    assert refused.value.codes == ("date_after_death",)
    assert start_visit(visit, on=date(2026, 1, 3), actor=SYSTEM).actual == date(2026, 1, 3)


def test_changing_a_date_needs_a_reason_and_the_same_date_again_is_nothing() -> None:
    visit = VisitFactory(participant=ParticipantFactory(consented_on=date(2026, 1, 1)), code="SCR", on=TODAY)
    events = AuditEvent.objects.count()
    start_visit(visit, on=TODAY, actor=SYSTEM)
    for change in (start_visit, change_visit_date):
        with pytest.raises(DomainError) as refused:
            change(visit, on=date(2026, 1, 4), actor=SYSTEM, reason=" ")
        assert refused.value.codes == ("reason",)
    assert unchanged(visit, events)
    change_visit_date(visit, on=date(2026, 1, 4), actor=SYSTEM, reason="Typed the day of entry")
    event = AuditEvent.objects.order_by("-seq")[0]
    assert (event.action, event.reason) == ("change date", "Typed the day of entry")
    assert event.payload == '{"actual":["2026-01-05","2026-01-04"]}'


def test_a_date_entered_by_mistake_is_cleared_with_a_reason() -> None:
    visit = VisitFactory(code="SCR", on=TODAY)
    assert clear_visit_date(visit, actor=SYSTEM, reason="Wrong participant").actual is None
    with pytest.raises(DomainError) as refused:
        clear_visit_date(visit, actor=SYSTEM, reason="")
    assert refused.value.codes == ("visit_has_no_date", "reason")


def test_a_missed_visit_takes_no_date_until_the_miss_is_undone() -> None:
    visit = miss_visit(VisitFactory(code="D14"), reason="Was abroad", actor=SYSTEM)
    assert (visit.missed, visit.missed_reason) == (True, "Was abroad")
    events = AuditEvent.objects.count()
    with pytest.raises(DomainError) as refused:
        start_visit(visit, on=date(2026, 1, 6), actor=SYSTEM)
    assert refused.value.codes == ("visit_missed", "date_in_future")
    assert unchanged(visit, events)
    again = unmiss_visit(visit, reason="Came after all", actor=SYSTEM)
    assert (again.missed, again.missed_reason) == (False, "")
    assert start_visit(visit, on=TODAY, actor=SYSTEM).actual == TODAY


def test_a_visit_that_took_place_cannot_be_missed_and_all_reasons_are_listed() -> None:
    visit = VisitFactory(code="SCR", on=TODAY)
    with pytest.raises(DomainError) as refused:
        miss_visit(visit, reason="", actor=SYSTEM)
    assert refused.value.codes == ("visit_has_date", "reason")
    with pytest.raises(DomainError) as not_missed:
        unmiss_visit(visit, reason="Why not", actor=SYSTEM)
    assert not_missed.value.codes == ("visit_not_missed",)


def test_a_booking_is_from_today_on_and_is_no_date() -> None:
    visit = VisitFactory(code="D14")
    with pytest.raises(DomainError) as refused:
        plan_visit(visit, on=date(2026, 1, 4), actor=SYSTEM)
    assert refused.value.codes == ("plan_in_past",)
    assert plan_visit(visit, on=TODAY, actor=SYSTEM).planned == TODAY
    row = Visit.objects.get(pk=visit.pk)
    assert (row.planned, row.actual) == (TODAY, None)
    assert plan_visit(visit, on=None, actor=SYSTEM).planned is None


def test_unscheduled_visits_are_counted_from_one() -> None:
    participant = ParticipantFactory(consented_on=date(2026, 1, 1))
    days = (date(2026, 1, 2), TODAY)
    made = [add_unscheduled_visit(participant, on=day, actor=SYSTEM) for day in days]
    assert [(visit.code, visit.repeat, visit.actual, visit.ordinal) for visit in made] == [
        ("UNS", 1, days[0], 15),
        ("UNS", 2, days[1], 15),
    ]
    with pytest.raises(DomainError) as refused:
        add_unscheduled_visit(participant, on=date(2026, 1, 6), actor=SYSTEM)
    assert refused.value.codes == ("date_in_future",)
    assert Visit.objects.filter(participant=participant, code="UNS").count() == 2


@pytest.mark.parametrize("scope", ["Visit", "Participant", "Site", "Study"])
@pytest.mark.parametrize("level", ["frozen", "locked"])
def test_nothing_changes_under_a_lock_or_freeze_at_any_height(scope: str, level: str) -> None:
    visit = VisitFactory(code="SCR")
    key = {"Visit": visit.pk, "Participant": visit.participant_id, "Site": visit.site_id, "Study": visit.study_id}[
        scope
    ]
    chain = visit.study.chain_key
    place_lock(scope, key, level=level, chain=chain, actor=SYSTEM, reason="Data base closed")
    events = AuditEvent.objects.count()
    acts: tuple[Callable[[], object], ...] = (
        lambda: start_visit(visit, on=TODAY, actor=SYSTEM),
        lambda: miss_visit(visit, reason="Was abroad", actor=SYSTEM),
        lambda: plan_visit(visit, on=TODAY, actor=SYSTEM),
    )
    for act in acts:
        with pytest.raises(DomainError) as refused:
            act()
        assert (refused.value.codes, refused.value.kind) == (("locked",), "locked")
    assert unchanged(visit, events)


def test_a_record_taken_back_takes_no_dates() -> None:
    visit = VisitFactory(code="SCR")
    take_back_participant(visit.participant, reason="Mistyped record", actor=SYSTEM)
    with pytest.raises(DomainError) as refused:
        start_visit(visit, on=TODAY, actor=SYSTEM)
    assert refused.value.codes == ("participant_taken_back",)


def test_a_monitor_may_see_but_not_date_a_visit_and_a_foreign_site_not_even_see() -> None:
    visit = VisitFactory(code="SCR")
    monitor = actor_of(MemberFactory(site=visit.site, role=Role.MONITOR))
    foreign = actor_of(MemberFactory(site=SiteFactory()))
    with pytest.raises(DomainError) as refused:
        start_visit(visit, on=TODAY, actor=monitor)
    assert refused.value.kind == "forbidden"
    with pytest.raises(DomainError) as unknown:
        start_visit(visit, on=TODAY, actor=foreign)
    assert unknown.value.kind == "unknown"
    coordinator = actor_of(MemberFactory(site=visit.site))
    assert start_visit(visit, on=TODAY, actor=coordinator).actual == TODAY


def test_today_is_the_sites_own_day() -> None:
    # 02:00 UTC on 5 January is still 4 January in Los Angeles.
    assert BEGIN.hour == 2
    participant = ParticipantFactory(site=SiteFactory(time_zone="America/Los_Angeles"), consented_on=date(2026, 1, 1))
    visit = VisitFactory(participant=participant, code="SCR")
    with pytest.raises(DomainError):
        start_visit(visit, on=date(2026, 1, 5), actor=SYSTEM)
    assert start_visit(visit, on=date(2026, 1, 4), actor=SYSTEM).actual == date(2026, 1, 4)


def test_a_lock_placed_while_the_act_runs_still_stops_it() -> None:
    visit = VisitFactory(code="SCR")
    events = AuditEvent.objects.count()
    chain = visit.study.chain_key

    def save_and_lock_meanwhile() -> None:
        with open_act("save all", chain=chain, actor=SYSTEM):
            start_visit(visit, on=TODAY, actor=SYSTEM)
            place_lock("Site", visit.site_id, level="locked", chain=chain, actor=SYSTEM, reason="Data base closed")

    with pytest.raises(DomainError) as refused, transaction.atomic():
        save_and_lock_meanwhile()
    assert refused.value.kind == "locked"
    assert unchanged(visit, events)
