"""DLT windows, candidates and alerts: from saved records to rows and notifications, by events and by date."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from capture.models import FormRecord
from safety.models import DltCandidate, DltWindow
from safety.services import dlt, watch
from safety.tasks import sweep as task
from seeds.factories.trials import SYSTEM, MemberFactory, infuse
from tests.support.safety import (
    DAY_0,
    FEBRILE,
    change,
    event,
    infused,
    published,
    save_log,
    set_clock,
    site_in,
)
from trials.domain.roles import Role
from trials.models import Participant, Site, User, Visit
from trials.records.models import AuditEvent, Heartbeat, Notification
from trials.records.services import clock
from trials.records.services.notifications import acknowledge_notification
from trials.services.study_clock import advance_clock
from trials.services.visits import start_visit

pytestmark = pytest.mark.django_db
MASK = {**FEBRILE, "OXYGEN": "MASK", "HYPOXIA_OTHER": "N"}
PRESSORS = {**FEBRILE, "HYPOTENSION": "Y", "PRESSORS": "2", "HYPOTENSION_OTHER": "N"}


@pytest.fixture
def site() -> Site:
    return site_in(published())


@pytest.fixture
def participant(site: Site) -> Participant:
    return infused(site)


@pytest.fixture
def liu(site: Site) -> User:
    return MemberFactory(site=site, role=Role.MEDICAL_MONITOR, whole_study=True, username="liu")


def day(participant: Participant, number: int, hour: int = 10) -> None:
    """Let the study's clock stand on a study day, and run the sweep."""
    at = datetime(DAY_0.year, DAY_0.month, DAY_0.day, hour, tzinfo=UTC) + timedelta(days=number)
    set_clock(participant.study, at)
    watch.sweep()


def window(participant: Participant) -> DltWindow:
    return DltWindow.objects.get(pk=participant.pk)


def alerts(kind: str = "", state: str = "queued", channel: str = "inbox") -> list[str]:
    rows = Notification.objects.filter(rule_id__startswith=f"dlt{kind}", state=state, channel=channel)
    return sorted(rows.values_list("occurrence", flat=True))


def candidates() -> list[tuple[str, str]]:
    return list(DltCandidate.objects.order_by("rule").values_list("rule", "state"))


@pytest.mark.parametrize(
    ("number", "state"),
    [(-1, "not_started"), (0, "open"), (20, "open"), (21, "closing"), (28, "closing"), (29, "closed")],
)
def test_the_state_of_a_window_follows_the_local_date(participant: Participant, number: int, state: str) -> None:
    day(participant, number)
    row = window(participant)
    assert (row.opens, row.closes, row.state) == (DAY_0, date(2026, 11, 7), state)
    assert row.judged_on == DAY_0 + timedelta(days=number)


def test_a_participant_who_was_not_infused_has_a_window_that_did_not_start(site: Site) -> None:
    participant = infused(site)
    infuse(participant, record_id=participant.infusions.get().record_id)
    watch.sweep()
    row = window(participant)
    assert (row.opens, row.closes, row.state, row.evaluable) == (None, None, "not_started", None)


def test_a_corrected_infusion_date_moves_the_window_with_the_next_event(participant: Participant) -> None:
    watch.sweep()
    infuse(participant, DAY_0 - timedelta(days=2), record_id=participant.infusions.get().record_id)
    watch.sweep()
    assert window(participant).closes == date(2026, 11, 5)
    actions = AuditEvent.objects.filter(record_kind="DltWindow").order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["create", "judge"]


def test_a_candidate_is_found_after_the_save_and_told_to_monitor_and_investigator(
    participant: Participant, site: Site, liu: User
) -> None:
    wang = MemberFactory(site=site, role=Role.INVESTIGATOR, username="wang")
    MemberFactory(site=site, role=Role.COORDINATOR)
    MemberFactory(site=site_in(published(), code="02"), role=Role.INVESTIGATOR)
    watch.sweep()
    save_log(participant, "CRS", PRESSORS, at="2026-10-13T08:00")
    watch.sweep()
    row = DltCandidate.objects.get(rule="CRS4")
    assert (row.rule, row.event_kind, row.state, row.occurrence) == ("CRS4", "CRS", "candidate", "4")
    assert row.working == "grade 4; rule CRS4: grade >= 4: met, for adjudication"
    told = Notification.objects.order_by("recipient__username", "channel")
    assert list(told.values_list("recipient__username", "channel", "urgent", "title")) == [
        (name, channel, True, f"{participant.number}: DLT candidate by rule CRS4, for adjudication")
        for name in ("liu", "wang")
        for channel in ("email", "inbox")
    ]
    assert told[0].occurrence == f"dlt-candidate:{row.event_id}:CRS4:4"
    assert told[0].link == f"/admin/studies/SCAR02/dlt/#p-{participant.pk}"
    assert {wang.pk, liu.pk} == set(told.values_list("recipient_id", flat=True))


def test_a_second_run_writes_nothing_at_all(participant: Participant, liu: User) -> None:
    save_log(participant, "CRS", PRESSORS, at="2026-10-13T08:00")
    watch.sweep()
    before = (AuditEvent.objects.count(), Notification.objects.count())
    assert str(watch.sweep()) == "judged 0, changed 0, failed 0"
    assert dlt.judge_participant(participant, actor=SYSTEM) is False
    assert (AuditEvent.objects.count(), Notification.objects.count()) == before


def test_the_act_names_the_job_and_on_whose_behalf(participant: Participant, site: Site) -> None:
    AuditEvent.objects.count()
    watch.sweep()
    event_row = AuditEvent.objects.get(record_kind="DltWindow")
    assert (event_row.actor, event_row.on_behalf_of) == ("system:dlt-watch", "")


@pytest.mark.parametrize(("hour", "state"), [("08:00", "pending"), ("08:01", "candidate")])
def test_72_hours_at_grade_3_are_not_yet_more_than_72(participant: Participant, hour: str, state: str) -> None:
    save_log(participant, "CRS", MASK, at="2026-10-13T08:00")
    save_log(participant, "CRS", MASK, at=f"2026-10-16T{hour}")
    watch.sweep()
    row = DltCandidate.objects.get()
    assert (row.rule, row.state) == ("CRS3", state)
    assert row.waits_for == ("the end of the grade, or the limit of the rule" if state == "pending" else "")
    hours = "72" if state == "pending" else "72.02"
    assert row.working.endswith(f"({hours} hours at grade 3 or above so far)")


def test_a_pending_candidate_says_what_it_waits_for_and_alerts_nobody(participant: Participant, liu: User) -> None:
    record = save_log(participant, "AE", event(("3", "2026-10-12")))
    day(participant, 9)
    row = DltCandidate.objects.get()
    assert (row.rule, row.event_id, row.state, row.waits_for) == (
        "ORGAN", record.pk, "pending", "the end of the grade, or the limit of the rule",
    )  # fmt: skip
    assert alerts() == []
    day(participant, 10)
    row.refresh_from_db()
    assert (row.state, row.waits_for) == ("candidate", "")
    assert alerts() == [f"dlt-candidate:{record.pk}:ORGAN:3"]
    assert row.working.endswith("met, for adjudication (at grade 3 or above, not yet over)")


def test_a_missing_causality_is_waited_for_and_never_taken_as_unrelated(participant: Participant) -> None:
    values = event(("3", "2026-10-12"), ("1", "2026-10-25"), CART=None)
    record = save_log(participant, "AE", values)
    day(participant, 16)
    assert DltCandidate.objects.get().waits_for == "causality to the CAR-T cells"
    change(record, CART="UNLIKELY")
    watch.sweep()
    assert candidates() == [("ORGAN", "withdrawn")]


def test_a_corrected_event_withdraws_candidate_and_alert_and_a_new_match_is_a_new_occurrence(
    participant: Participant, liu: User
) -> None:
    record = save_log(participant, "CRS", PRESSORS, at="2026-10-13T08:00")
    watch.sweep()
    key = alerts()[0]
    change(record, PRESSORS="0")
    watch.sweep()
    assert candidates() == [("CRS3", "withdrawn"), ("CRS4", "withdrawn")]
    assert (alerts(), alerts(state="withdrawn")) == ([], [key])
    assert AuditEvent.objects.filter(record_kind="Notification", action="withdraw").count() == 2
    change(record, PRESSORS="2")
    watch.sweep()
    assert (alerts(), alerts(state="withdrawn")) == ([f"{key}#2"], [key])
    assert candidates() == [("CRS3", "pending"), ("CRS4", "candidate")]


def test_an_alert_that_was_acknowledged_is_told_again_when_the_candidate_returns(
    participant: Participant, liu: User
) -> None:
    record = save_log(participant, "CRS", PRESSORS, at="2026-10-13T08:00")
    watch.sweep()
    from_liu = type(SYSTEM)(name="liu", user_id=str(liu.pk))
    for row in Notification.objects.all():
        acknowledge_notification(row, actor=from_liu)
    change(record, PRESSORS="0")
    watch.sweep()
    change(record, PRESSORS="3")
    watch.sweep()
    assert [key.rpartition(":")[2] for key in alerts()] == ["4", "4#2"]


def test_a_grade_that_rises_is_a_new_occurrence_and_one_that_falls_is_none(participant: Participant, liu: User) -> None:
    drowsy = {
        "ICE_DONE": "N", "CONSCIOUSNESS": "TACTILE", "CONSCIOUSNESS_OTHER": "N", "SEIZURE": "NONE", "MOTOR": "Y",
        "MOTOR_OTHER": "Y", "OEDEMA": "FOCAL", "HAEMORRHAGE": "N", "DIED": "N",
    }  # fmt: skip
    record = save_log(participant, "ICANS", drowsy, at="2026-10-14T08:00")
    watch.sweep()
    grades = []
    for other_cause in ("Y", "N", "Y"):
        change(record, MOTOR_OTHER=other_cause)
        watch.sweep()
        grades.append([key.rpartition(":")[2] for key in alerts()])
    assert grades == [["3"], ["3", "4"], ["3", "4"]]
    assert DltCandidate.objects.get().occurrence == "4"


def test_the_window_closing_without_its_last_assessment_is_told_once_and_taken_back_with_the_visit(
    participant: Participant, liu: User
) -> None:
    day(participant, 20)
    assert alerts() == []
    day(participant, 21)
    assert alerts() == ["dlt-window-closing:2026-10-31"]
    day(participant, 24)
    assert alerts() == ["dlt-window-closing:2026-10-31"]
    visit = Visit.objects.get(participant=participant, code="D28")
    set_clock(participant.study, datetime(2026, 11, 7, 10, tzinfo=UTC))
    start_visit(visit, on=date(2026, 11, 7), actor=SYSTEM)
    watch.sweep()
    assert (alerts(), alerts(state="withdrawn")) == ([], ["dlt-window-closing:2026-10-31"])


def test_three_days_without_a_worker_lose_nothing_and_double_nothing(participant: Participant, liu: User) -> None:
    day(participant, 26)
    save_log(participant, "CRS", PRESSORS, at="2026-11-05T08:00")
    day(participant, 29)
    identity = DltCandidate.objects.get(rule="CRS4").event_id
    expected = [f"dlt-candidate:{identity}:CRS4:4", "dlt-window-closed:2026-11-07"]
    assert (alerts(), alerts(channel="email")) == (expected, expected)
    assert window(participant).state == "closed"
    day(participant, 60)
    assert alerts() == expected


@pytest.mark.parametrize(
    ("day_0", "zone"),
    [
        (date(2026, 10, 10), "Europe/Berlin"),  # the clocks go back on 25 October
        (date(2026, 3, 14), "Europe/Berlin"),  # and forward on 29 March
        (date(2026, 3, 1), "America/New_York"),
        (date(2026, 10, 20), "America/New_York"),
    ],
)
def test_a_change_of_the_clocks_neither_loses_nor_doubles_an_alert(day_0: date, zone: str) -> None:
    site = site_in(published(at=datetime(day_0.year, day_0.month, day_0.day, tzinfo=UTC)), code="07", time_zone=zone)
    participant = infused(site, day_0)
    MemberFactory(site=site, role=Role.MEDICAL_MONITOR)
    at = datetime(day_0.year, day_0.month, day_0.day, tzinfo=UTC)
    seen: list[tuple[date, str]] = []
    while at.date() < day_0 + timedelta(days=31):
        set_clock(participant.study, at)
        watch.sweep()
        local = clock.local_today(participant.study, zone)
        seen.append((local, window(participant).state))
        at += timedelta(hours=6)
    days = {local: {state for each, state in seen if each == local} for local, _ in seen}
    assert all(len(states) == 1 for states in days.values())
    counted = Counter(next(iter(days[day_0 + timedelta(days=n)])) for n in range(30))
    assert counted == {"open": 21, "closing": 8, "closed": 1}
    closing, closed = day_0 + timedelta(days=21), day_0 + timedelta(days=28)
    rows = Notification.objects.filter(channel="inbox").order_by("occurrence").values_list("occurrence", "state")
    assert list(rows) == [
        (f"dlt-window-closed:{closed}", "queued"),
        (f"dlt-window-closing:{closing}", "withdrawn"),
    ]


def test_hours_at_a_grade_are_hours_also_over_the_change_of_the_clocks(site: Site) -> None:
    participant = infused(site, date(2026, 10, 20))
    save_log(participant, "CRS", MASK, at="2026-10-23T08:00")
    record = save_log(participant, "CRS", MASK, at="2026-10-26T07:00")
    watch.sweep()
    assert candidates() == [("CRS3", "pending")]  # 71 hours on the wall, 72 in truth
    change(record, AT="2026-10-26T07:01")
    watch.sweep()
    assert candidates() == [("CRS3", "candidate")]


def test_a_simulated_month_raises_each_alert_on_its_day(participant: Participant, liu: User) -> None:
    advance_clock(participant.study, days=31, actor=SYSTEM)
    # The closing window was overtaken within the one act of the clock, and nobody was told of it.
    assert (alerts(), alerts(state="withdrawn")) == (["dlt-window-closed:2026-11-07"], [])
    states = AuditEvent.objects.filter(record_kind="DltWindow").order_by("seq").values_list("action", flat=True)
    assert list(states) == ["create", "judge", "judge"]


def test_whoever_joins_later_is_told_of_what_is_open_and_not_of_what_closed_long_ago(
    participant: Participant, site: Site, liu: User
) -> None:
    save_log(participant, "CRS", PRESSORS, at="2026-10-13T08:00")
    day(participant, 29)
    late = MemberFactory(site=site, role=Role.INVESTIGATOR)
    day(participant, 30)
    found = Notification.objects.filter(recipient=late, channel="inbox").values_list("rule_id", flat=True)
    assert list(found) == ["dlt-candidate"]


def test_a_poisoned_participant_is_logged_noted_told_of_and_blocks_nobody(
    site: Site, liu: User, caplog: pytest.LogCaptureFixture
) -> None:
    poisoned, sound = infused(site), infused(site)
    for one in (poisoned, sound):
        save_log(one, "CRS", PRESSORS, at="2026-10-13T08:00")
    bad = {"v": "not a time"}
    record = FormRecord.objects.get(participant=poisoned)
    FormRecord.objects.filter(pk=record.pk).update(data={**record.data, "TEMP": {"v": "1e999999x"}, "AT": bad})
    with caplog.at_level(logging.ERROR):
        done = watch.sweep()
    assert done.failed == 1
    assert [found.getMessage() for found in caplog.records] == ["dlt_not_judged"]
    assert set(DltCandidate.objects.values_list("participant", flat=True)) == {sound.pk}
    noted = AuditEvent.objects.get(record_kind="DltWindow", action="not judged")
    assert noted.participant == str(poisoned.pk)
    assert Notification.objects.filter(rule_id="dlt-not-judged", participant=str(poisoned.pk)).count() == 2
    assert watch.sweep().failed == 0
    assert AuditEvent.objects.filter(action="not judged").count() == 1


def test_the_job_sweeps_and_leaves_its_heartbeat(participant: Participant) -> None:
    task()
    assert window(participant).state == "open"
    assert Heartbeat.objects.get(name="safety.sweep").detail == "judged 1, changed 1, failed 0"


@pytest.mark.parametrize("count", [1, 5])
def test_judging_takes_the_same_reads_for_any_number_of_participants(site: Site, liu: User, count: int) -> None:
    people = [infused(site) for _ in range(count)]
    for one in people:
        save_log(one, "CRS", MASK, at="2026-10-13T08:00")
    watch.sweep()
    set_clock(site.study, datetime(2026, 10, 14, 10, tzinfo=UTC))
    with CaptureQueriesContext(connection) as captured:
        done = watch.sweep_study(site.study)
    assert (done.seen, done.changed) == (count, 0)
    # Who is due; participants, infusions, versions, records, visits; windows, candidates, alerts; people; the day.
    assert len(captured) == 1 + 5 + 3 + 1 + 1
