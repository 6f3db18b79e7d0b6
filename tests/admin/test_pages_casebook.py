"""The casebook as a page: states of cells on both sides of each boundary, bands, chips, filters, statements."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from capture.admin.casebook import anchor_of, count_states, render_rows, select_rows
from capture.domain.casebook import Cell, FormsOfVisit, cell_of
from capture.selectors.casebook import Casebook, CasebookRow, CasebookVisit, read_casebook
from seeds.factories.capture import participant_in, site_of, study_version
from seeds.factories.trials import SYSTEM, MemberFactory, infuse
from trials.domain.roles import Role
from trials.domain.schedule import VisitFacts, VisitStatus, Window, WindowState, status_on
from trials.models import Participant, Site
from trials.services.access import actor_of

WINDOW = Window(date(2026, 11, 23), date(2026, 11, 21), date(2026, 11, 25))
FIVE = frozenset({"A", "B", "C", "D", "E"})


def cell(today: date, *, actual: date | None = None, done: int = 0, **more: Any) -> Cell:
    facts = VisitFacts(WINDOW, planned=more.get("planned"), actual=actual, missed=more.get("missed", False),
                       cancelled=False)  # fmt: skip
    forms = FormsOfVisit.count(FIVE, [(form, "complete", 0) for form in sorted(FIVE)[:done]])
    return cell_of(status_on(facts, today), forms, opens=WINDOW.opens, ended_on=more.get("ended_on"))


@pytest.mark.parametrize(
    ("today", "state", "small"),
    [
        (date(2026, 11, 20), "not_due", ""),
        (date(2026, 11, 21), "window_open", "0/5"),
        (date(2026, 11, 22), "closing", "0/5"),
        (date(2026, 11, 25), "closing", "0/5"),
        (date(2026, 11, 26), "overdue", "+1 d"),
    ],
)
def test_a_visit_without_a_date_goes_from_not_due_over_open_and_closing_to_overdue(
    today: date, state: str, small: str
) -> None:
    assert (cell(today).state, cell(today).small) == (state, small)


@pytest.mark.parametrize(
    ("actual", "done", "state", "small"),
    [
        (date(2026, 11, 21), 4, "in_progress", "4/5"),
        (date(2026, 11, 21), 5, "complete", ""),
        (date(2026, 11, 25), 5, "complete", ""),
        (date(2026, 11, 26), 5, "out_of_window", "+1 d"),
        (date(2026, 11, 20), 5, "out_of_window", "-1 d"),
        (date(2026, 11, 26), 4, "in_progress", "4/5"),
    ],
)
def test_a_visit_with_a_date_is_in_progress_until_its_forms_are_done(
    actual: date, done: int, state: str, small: str
) -> None:
    found = cell(date(2026, 12, 1), actual=actual, done=done)
    assert (found.state, found.small) == (state, small)


def test_a_visit_that_opens_after_the_end_is_not_applicable_and_one_on_the_day_is_not() -> None:
    after = cell(date(2026, 11, 22), ended_on=date(2026, 11, 20))
    same = cell(date(2026, 11, 22), ended_on=date(2026, 11, 21))
    assert (after.state, same.state) == ("not_applicable", "closing")


def test_a_missed_visit_stays_missed_after_the_end() -> None:
    assert cell(date(2026, 11, 22), missed=True, ended_on=date(2026, 11, 1)).state == "missed"


def row(number: str, *, dose: str = "", level: int = 0, condition: str = "SLE", **cells: Cell) -> CasebookRow:
    visits = {code: CasebookVisit(uuid4(), code, 0, each) for code, each in cells.items()}
    return CasebookRow(
        id=uuid4(), number=number, condition=condition, state="treated", arm="MAIN" if dose else "", dose=dose,
        dose_number=level, site="01", study_day=14, visits=visits, extra={"CRS": None, "ICANS": 0, "AE": 2},
    )  # fmt: skip


BOOK = Casebook(
    ("D0", "D14"),
    (
        row("01-001", dose="1 10*6 cells/kg", level=2, D0=Cell("complete", queries=2), D14=Cell("closing", "0/9")),
        row("01-002", dose="0.5 10*6 cells/kg", level=1, condition="RA", D0=Cell("complete"), D14=Cell("not_due")),
        row("01-003", D0=Cell("not_due"), D14=Cell("not_due")),
    ),
)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", ["01-001", "01-002", "01-003"]),
        ("find=002", ["01-002"]),
        ("condition=RA", ["01-002"]),
        ("state=closing", ["01-001"]),
        ("state=queries", ["01-001"]),
        ("state=overdue", []),
        ("state=nonsense", ["01-001", "01-002", "01-003"]),
        ("find=001&condition=RA", []),
    ],
)
def test_filters_of_the_address_choose_rows(query: str, numbers: list[str]) -> None:
    assert [each.number for each in select_rows(BOOK, QueryDict(query))] == numbers


def test_each_chip_counts_the_rows_that_its_filter_shows() -> None:
    counts = count_states(BOOK)
    assert counts == {"closing": 1, "in_progress": 0, "queries": 1, "out_of_window": 0, "overdue": 0}
    assert all(len(select_rows(BOOK, QueryDict(f"state={name}"))) == n for name, n in counts.items())


@pytest.mark.urls("config.urls")
def test_rows_stand_by_dose_from_the_highest_down_and_whoever_has_none_comes_last() -> None:
    body = render_rows(BOOK.columns, BOOK.rows, "D0")
    places = [body.index(text) for text in ("1 × 10⁶ cells/kg", "01-001", "0.5 × 10⁶ cells/kg", "01-002", "01-003")]
    assert places == sorted(places)
    assert "No dose level yet" in body
    assert body.count('<td role="gridcell" class="dz-anchor">') == 3


def test_a_cell_says_participant_visit_state_forms_and_queries_in_words() -> None:
    body = render_rows(BOOK.columns, BOOK.rows)
    assert 'aria-label="01-001 D14: Closing, 0/9"' in body
    assert 'aria-label="01-001 D0: Complete, 2 open queries"' in body


def test_an_ungraded_scale_is_a_dash_and_never_zero() -> None:
    (first, *_rest) = render_rows(("D0",), BOOK.rows[:1]).split("</tr>")[1:]
    assert '<td class="dz-m dz-e1">–</td>' in first
    assert 'aria-label="Worst ICANS grade 0"' in first


def test_text_of_a_participant_is_escaped() -> None:
    body = render_rows(("D0",), [row("01-<b>", condition="<script>", D0=Cell("complete"))])
    assert "<script>" not in body
    assert "01-<b>" not in body


@pytest.fixture
def site() -> Site:
    return site_of(study_version("BOOK1"))


def signed_in(site: Site, role: Role = Role.COORDINATOR) -> Client:
    client = Client()
    client.force_login(MemberFactory(site=site, role=role, username=f"u-{uuid4().hex[:8]}"),
                       backend="trials.backends.PasswordBackend")  # fmt: skip
    return client


@pytest.mark.django_db
def test_an_empty_casebook_says_so_and_a_filter_that_hides_all_offers_to_clear_it(site: Site) -> None:
    client, url = signed_in(site), reverse("admin:casebook", args=["BOOK1"])
    assert "Nobody has been screened yet" in client.get(url).content.decode()
    participant_in(site.activations.get().version, site)
    hidden = client.get(f"{url}?find=zz").content.decode()
    assert "No participant passes these filters" in hidden
    assert 'href="?"' in hidden


@pytest.mark.django_db
def test_the_day_0_column_is_that_of_the_schedule(site: Site) -> None:
    assert anchor_of(site.activations.get().version) == "D0"
    assert anchor_of(None) == ""


@pytest.mark.django_db
def test_the_page_takes_as_many_statements_for_six_participants_as_for_one(site: Site) -> None:
    client, url = signed_in(site), reverse("admin:casebook", args=["BOOK1"])
    version = site.activations.get().version
    participant_in(version, site)
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(url)
    for _ in range(5):
        participant_in(version, site)
    with CaptureQueriesContext(connection) as six:
        body = client.get(url).content.decode()
    assert Participant.objects.count() == 6
    assert body.count("data-participant=") == 6
    assert len(six) == len(one)
    matrix = [each["sql"] for each in six if "capture_formrecord" in each["sql"] or "trials_visit" in each["sql"]]
    assert len(matrix) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("participants", [1, 5])
def test_the_matrix_is_read_in_three_statements_for_any_number_of_participants(site: Site, participants: int) -> None:
    version = site.activations.get().version
    for _ in range(participants):
        infuse(participant_in(version, site), date(2025, 12, 20))
    read_casebook(version.study, actor=SYSTEM)  # the version is compiled once and kept
    with CaptureQueriesContext(connection) as captured:
        book = read_casebook(version.study, actor=SYSTEM)
    assert (len(captured), len(book.rows)) == (3, participants)
    # 5 January is Day 16: the last day of the window of Day 14.
    states = {code: (visit.cell.state, visit.cell.days) for code, visit in book.rows[0].visits.items()}
    assert (states["D14"], states["D0"], states["D28"]) == (("closing", 0), ("overdue", 16), ("not_due", 0))
    assert book.rows[0].study_day == 16


@pytest.mark.django_db
def test_a_coordinator_reads_the_matrix_of_the_own_site_only(site: Site) -> None:
    version = site.activations.get().version
    own, other = participant_in(version, site), participant_in(version, site_of(version, "02"))
    actor = actor_of(MemberFactory(site=site, role=Role.COORDINATOR))
    assert [row.id for row in read_casebook(version.study, actor=actor).rows] == [own.pk]
    assert {row.id for row in read_casebook(version.study, actor=SYSTEM).rows} == {own.pk, other.pk}


def test_a_status_out_of_its_window_keeps_its_sign() -> None:
    early = cell_of(VisitStatus(WindowState.OUT_OF_WINDOW, -2), FormsOfVisit(), opens=None, ended_on=None)
    assert early.small == "-2 d"
