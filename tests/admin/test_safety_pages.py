"""The monitors' pages: adverse events to review, the grid of CRS and ICANS, DLT windows, suggestions of terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from safety.models import AdverseEvent
from safety.selectors.board import dlt_board
from safety.selectors.columns import casebook_columns
from safety.selectors.grid import assessments_grid
from safety.selectors.review import ReviewFilters, adverse_events, count_events
from safety.services import watch
from seeds.factories.trials import SYSTEM, MemberFactory
from tests.support.safety import (
    ALERT_ICANS,
    DAY_0,
    FEBRILE,
    WELL,
    event,
    infused,
    published,
    save_log,
    set_clock,
    site_in,
)
from trials.domain.roles import Role
from trials.models import Participant, Site
from trials.services.access import actor_of

pytestmark = pytest.mark.django_db
MASK = {**FEBRILE, "OXYGEN": "MASK", "HYPOXIA_OTHER": "N"}
AE_RULES = ("BLOOD", "DEATH", "ORGAN")
PRESSORS = {**FEBRILE, "HYPOTENSION": "Y", "PRESSORS": "2", "HYPOTENSION_OTHER": "N"}


@pytest.fixture
def site() -> Site:
    return site_in(published())


@pytest.fixture
def participant(site: Site) -> Participant:
    return infused(site)


@pytest.fixture
def monitor(site: Site) -> Client:
    return signed_in(site, Role.MEDICAL_MONITOR)


def signed_in(site: Site, role: Role) -> Client:
    client = Client()
    client.force_login(MemberFactory(site=site, role=role), backend="trials.backends.PasswordBackend")
    return client


def page(client: Client, name: str, query: str = "") -> str:
    answer = client.get(reverse(f"admin:{name}", args=["SCAR02"]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def on_day(site: Site, number: int) -> None:
    set_clock(site.study, datetime(DAY_0.year, DAY_0.month, DAY_0.day, 10, tzinfo=UTC) + timedelta(days=number))
    watch.sweep()


def test_events_are_listed_gravest_first_with_course_and_working(participant: Participant, monitor: Client) -> None:
    save_log(participant, "AE", event(("1", "2026-10-12")))
    record = save_log(participant, "AE", event(("2", "2026-10-12"), ("4", "2026-10-14"), SERIOUS="LIFE"))
    text = page(monitor, "adverse_events")
    assert text.index("Grade 4: the highest of its course") < text.index("Grade 1: the highest of its course")
    assert reverse("admin:record", args=[record.pk]) in text
    assert reverse("admin:item_history", args=[record.pk]) in text
    assert "2 of 2" in text


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, [2, 1, 3]),
        ({"grade": "3"}, [2]),
        ({"min_grade": "2"}, [2]),
        ({"grade": "0"}, [3]),
        ({"serious": "1"}, [2]),
        ({"related": "1"}, [2, 1]),
        ({"term": "nausea"}, [1]),
        ({"participant": "02-"}, []),
        ({"site": "01", "grade": "1"}, [1]),
        ({"grade": "drop"}, [2, 1, 3]),
    ],
)
def test_each_filter_keeps_what_it_says(participant: Participant, query: dict[str, str], numbers: list[int]) -> None:
    save_log(participant, "AE", event(("1", "2026-10-12"), CTCAE="Nausea"))
    save_log(participant, "AE", event(("3", "2026-10-13"), SERIOUS="HOSPITAL"))
    save_log(participant, "AE", {"TERM": "Dizzy", "CART": "UNLIKELY"})
    filters = ReviewFilters.read(query)
    found = adverse_events(SYSTEM, participant.study, filters)
    assert [row.number for row in found] == numbers
    assert count_events(SYSTEM, participant.study, filters)["passing"] == len(numbers)


def test_a_chip_counts_the_rows_that_it_opens(participant: Participant, monitor: Client) -> None:
    save_log(participant, "AE", event(("3", "2026-10-13"), SERIOUS="HOSPITAL"))
    save_log(participant, "AE", event(("1", "2026-10-13")))
    text = page(monitor, "adverse_events")
    assert "Serious <b>1</b>" in text
    assert "1 of 2" in page(monitor, "adverse_events", "?serious=1")
    assert "No event passes these filters" in page(monitor, "adverse_events", "?grade=5")
    save_log(participant, "AE", {"TERM": "Dizzy"})
    text = page(monitor, "adverse_events")
    assert "Grade not recorded <b>1</b>" in text
    assert text.index("Grade 1: the highest of its course") < text.index("Dizzy")


def test_an_event_whose_seriousness_nobody_answered_reads_not_answered(
    participant: Participant, monitor: Client
) -> None:
    save_log(participant, "AE", event(("3", "2026-10-13")))
    row = page(monitor, "adverse_events").split("<tbody>")[1]
    assert "Not answered" in row
    assert ">No<" not in row


@pytest.mark.parametrize(("start", "marks"), [("2026-10-13", 1), ("2026-10", 0), (None, 0)])
def test_an_event_without_a_certain_day_of_onset_is_listed_and_has_no_mark_on_the_axis(
    participant: Participant, site: Site, monitor: Client, start: str | None, marks: int
) -> None:
    save_log(participant, "AE", event(("3", "2026-10-13"), START=start))
    on_day(site, 9)
    row = dlt_board(SYSTEM, participant.study)[0].rows[0]
    assert [(found.rule, day) for found, day in row.candidates] == [("ORGAN", 3 if marks else None)]
    body = page(monitor, "dlt_windows").split("<tbody>")[1].split("</tbody>")[0]
    assert body.count("dz-w-mark") == marks
    assert "ORGAN" in body


def test_the_dose_of_a_group_stands_in_the_unit_as_people_write_it(
    participant: Participant, site: Site, monitor: Client
) -> None:
    on_day(site, 1)
    text = page(monitor, "dlt_windows")
    assert "× 10⁶" in text
    assert "10*6" not in text


def test_the_grid_shows_the_worst_grade_of_a_day_and_never_0_for_what_nobody_saw(
    participant: Participant, monitor: Client, site: Site
) -> None:
    save_log(participant, "CRS", FEBRILE, at="2026-10-13T08:00")
    save_log(participant, "CRS", MASK, at="2026-10-13T16:00")
    save_log(participant, "CRS", {**FEBRILE, "OXYGEN": None}, at="2026-10-14T08:00")
    save_log(participant, "CRS", WELL, at="2026-10-16T08:00")
    set_clock(site.study, datetime(2026, 10, 18, 10, tzinfo=UTC))
    row = assessments_grid(SYSTEM, site.study).rows[0]
    cells = row.cells["CRS"]
    assert {day: (cell.grade, cell.at_least) for day, cell in cells.items()} == {3: (3, 3), 4: (None, 1), 6: (0, 0)}
    assert (row.cells["ICANS"], row.lived) == ({}, 8)
    text = page(monitor, "assessments")
    number = participant.number
    assert f"{number} CRS Day 3: grade 3. 08:00 CRS grade 1" in text
    assert f"{number} CRS Day 4: not evaluable." in text
    assert f"{number} CRS Day 5: not assessed" in text
    assert f"{number} ICANS Day 6: not assessed" in text
    assert f"{number} CRS Day 9: not yet" in text
    assert "dz-gr-none" in text
    assert "16:00 CRS grade 3" in page(monitor, "assessments", "?view=table")


def test_an_assessment_without_a_place_is_counted_aloud(participant: Participant, monitor: Client) -> None:
    save_log(participant, "CRS", FEBRILE)
    assert "1 assessment has no time" in page(monitor, "assessments")


def test_the_board_shows_day_state_candidate_rule_and_working(
    participant: Participant, monitor: Client, site: Site
) -> None:
    save_log(participant, "CRS", PRESSORS, at="2026-10-13T08:00")
    on_day(site, 9)
    text = page(monitor, "dlt_windows")
    assert "day 9 of 28, 19 days left" in text
    assert "DLT candidate" in text
    assert "rule CRS4" in text
    assert "From the start of the first infusion to Day 28 after the last, inclusive." in text
    assert "No source defines a DLT." in text
    assert "grade 4; rule CRS4: grade &gt;= 4: met, for adjudication" in text
    assert "waits for the end of the grade, or the limit of the rule" in text
    assert "1 treated · 0 evaluable · 1 pending · 0 not evaluable · 1 candidates" in text
    assert 'role="img" aria-label="day 9 of 28, 19 days left"' in text
    table = page(monitor, "dlt_windows", "?view=table")
    assert 'class="dz-window"' not in table
    assert "Day 3 to 9" in table


def test_the_board_never_says_dlt_of_what_nobody_adjudicated(
    participant: Participant, site: Site, monitor: Client
) -> None:
    save_log(participant, "CRS", PRESSORS, at="2026-10-13T08:00")
    on_day(site, 40)
    rows = [row for group in dlt_board(SYSTEM, participant.study) for row in group.rows]
    assert [(row.window.state, row.status) for row in rows] == [("closed", "candidate")]
    body = page(monitor, "dlt_windows").split("<tbody>")[1].split("</tbody>")[0]
    assert "#g-stop" not in body
    assert "Closed, no DLT" not in body


def test_a_closed_window_with_a_pending_rule_does_not_read_closed_without_dlt(
    participant: Participant, site: Site
) -> None:
    save_log(participant, "AE", event(("3", "2026-10-12"), ("1", "2026-10-25"), CART=None))
    on_day(site, 29)
    rows = [row for group in dlt_board(SYSTEM, participant.study) for row in group.rows]
    assert [(row.window.state, row.status) for row in rows] == [("closed", "pending")]


@pytest.mark.parametrize(
    ("blank", "shown"),
    [({"OXYGEN": None}, "≥1?"), ({"OXYGEN": "NONE"}, "1"), ({**MASK, "PRESSORS": None, "HYPOTENSION": None}, "≥3?")],
)
def test_the_grade_of_an_episode_is_not_settled_while_a_blank_could_raise_it(
    participant: Participant, site: Site, monitor: Client, blank: dict[str, str | None], shown: str
) -> None:
    save_log(participant, "CRS", FEBRILE, at="2026-10-13T08:00")
    save_log(participant, "CRS", {**FEBRILE, **blank}, at="2026-10-14T08:00")
    on_day(site, 9)
    bar = dlt_board(SYSTEM, participant.study)[0].rows[0].episodes[0]
    assert (bar.shown, bar.settled) == (shown, shown == "1")
    assert f">{shown}</text>" in page(monitor, "dlt_windows")
    table = page(monitor, "dlt_windows", "?view=table")
    assert ("not settled" in table) is (shown != "1")


def test_what_may_still_match_is_one_line_an_event_below_the_candidates(
    participant: Participant, site: Site, monitor: Client
) -> None:
    save_log(participant, "AE", {"TERM": "Dizzy", "START": "2026-10-13"})
    on_day(site, 4)
    save_log(participant, "CRS", PRESSORS, at="2026-10-14T08:00")
    on_day(site, 9)
    row = dlt_board(SYSTEM, participant.study)[0].rows[0]
    assert [found.rule for found, _ in row.found] == ["CRS4"]
    waiting = {each.event_kind: each for each in row.waiting}
    assert len(row.waiting) == len(waiting) == 2
    assert (waiting["CRS"].kind, waiting["CRS"].rules) == ("duration", ("CRS3",))
    assert (waiting["AE"].kind, waiting["AE"].rules, waiting["AE"].day) == ("fact", AE_RULES, 3)
    body = page(monitor, "dlt_windows").split("<tbody>")[1].split("</tbody>")[0]
    assert f"may still meet rules {', '.join(AE_RULES)}: waits for " in body
    assert "may still meet rule CRS3: waits for the end of the grade, or the limit of the rule" in body
    assert body.index("rule CRS4") < body.index("may still meet")
    assert all(expression in body.split("</summary>", 1)[1] for expression in ("rule CRS3: ", "rule ORGAN: "))
    whole = monitor.get(reverse("admin:participant", args=[participant.pk])).content.decode()
    assert whole.index("CRS4:</b>") < whole.index("may still meet rule CRS3: waits for ")
    assert f"may still meet rules {', '.join(AE_RULES)}: waits for " in whole
    assert whole.count("may still meet") == 2


def test_a_filter_never_hides_a_candidate(participant: Participant, site: Site, monitor: Client) -> None:
    other = infused(site)
    save_log(participant, "CRS", PRESSORS, at="2026-10-13T08:00")
    on_day(site, 9)
    text = page(monitor, "dlt_windows", "?state=closed")
    assert f"p-{participant.pk}" in text
    assert f"p-{other.pk}" not in text


def test_a_site_sees_its_own_participants_and_nobody_elses(participant: Participant, site: Site) -> None:
    foreign = infused(site_in(participant.version, code="02"))
    for one in (participant, foreign):
        save_log(one, "AE", event(("3", "2026-10-13")))
        save_log(one, "CRS", PRESSORS, at="2026-10-13T08:00")
    watch.sweep()
    client = signed_in(site, Role.COORDINATOR)
    for name in ("adverse_events", "assessments", "dlt_windows"):
        text = page(client, name)
        assert participant.number in text
        assert foreign.number not in text


def test_suggestions_are_near_terms_as_options(monitor: Client) -> None:
    answer = monitor.get(reverse("admin:code_suggestions"), {"q": "platelet"})
    assert answer.content.decode() == '<option value="Platelet count decreased"></option>'
    assert monitor.get(reverse("admin:code_suggestions"), {"q": ""}).content == b""
    assert b"<b>" not in monitor.get(reverse("admin:code_suggestions"), {"q": "<b>pain"}).content


def test_the_casebook_gets_worst_grades_and_the_number_of_events(participant: Participant, site: Site) -> None:
    other = infused(site)
    save_log(participant, "CRS", MASK, at="2026-10-13T08:00")
    save_log(participant, "CRS", FEBRILE, at="2026-10-14T08:00")
    save_log(participant, "ICANS", {**ALERT_ICANS, "COUNTS": "N"}, at="2026-10-14T08:00")
    save_log(participant, "AE", event(("1", "2026-10-12")))
    save_log(participant, "AE", event(("2", "2026-10-12")))
    with CaptureQueriesContext(connection) as captured:
        found = casebook_columns(participant.study, SYSTEM)
    assert found == {
        participant.pk: {"CRS": 3, "CRS_MOST": 3, "ICANS": 1, "ICANS_MOST": 1, "AE": 2},
        other.pk: {"CRS": None, "CRS_MOST": None, "ICANS": None, "ICANS_MOST": None, "AE": 0},
    }
    assert len(captured) == 1


def test_the_casebook_says_at_least_while_a_blank_could_raise_the_worst_grade(
    participant: Participant, monitor: Client
) -> None:
    save_log(participant, "CRS", FEBRILE, at="2026-10-13T08:00")
    save_log(participant, "CRS", {**FEBRILE, "OXYGEN": None}, at="2026-10-14T08:00")
    found = casebook_columns(participant.study, SYSTEM)[participant.pk]
    assert found["CRS"] == 1
    assert (found["CRS_MOST"] or 0) > 1
    text = page(monitor, "casebook")
    assert "≥1?" in text
    assert "Worst CRS grade at least 1, not settled" in text
    whole = monitor.get(reverse("admin:participant", args=[participant.pk])).content.decode()
    assert "not settled: a blank could raise it" in whole
    assert "≥1?" in whole


@pytest.mark.parametrize("count", [1, 4])
def test_the_pages_read_in_the_same_statements_for_any_number_of_rows(site: Site, count: int) -> None:
    for _ in range(count):
        one = infused(site)
        save_log(one, "AE", event(("3", "2026-10-13")))
        save_log(one, "CRS", PRESSORS, at="2026-10-13T08:00")
    watch.sweep()
    user = MemberFactory(site=site, role=Role.MONITOR)
    actor = actor_of(user)
    with CaptureQueriesContext(connection) as memberships:
        assert count_events(actor, site.study, ReviewFilters())["total"] == count
    assert len(memberships) == 2
    for read, statements in (
        (lambda: adverse_events(actor, site.study, ReviewFilters()), 2),
        (lambda: dlt_board(actor, site.study), 5),
        (lambda: assessments_grid(actor, site.study), 2),
    ):
        with CaptureQueriesContext(connection) as captured:
            read()
        assert len(captured) == statements
    assert AdverseEvent.objects.count() == count
