"""The story of a Day 14: a site enters, its monitor sees it, another site's does not, a client reads it."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.house import PASSWORD, STUDY, House

pytestmark = [pytest.mark.browser, pytest.mark.slow]

UNKNOWN = "Not found, or not yours to see."
VITALS = {"TIME": "08:30", "TEMP": "37.1", "SYSBP": "104", "DIABP": "62", "PULSE": "88", "RESP": "16", "OXYSAT": "97"}


def fill(page: Page, form: str, values: dict[str, str]) -> None:
    """Type into the fields of a form as a person does, field by field."""
    for name, value in values.items():
        page.fill(f"#{form}-{name}", value)
        page.keyboard.press("Tab")


def choose(page: Page, name: str, code: str) -> None:
    """Choose in a segmented item or in a list."""
    radio = page.locator(f"input[type=radio][name='i:{name}'][value='{code}']")
    if radio.count():
        radio.check(force=True)
    else:
        page.select_option(f"select[name='i:{name}']", code)


def sign_out(page: Page) -> None:
    page.click("button:has-text('Sign out')")
    page.wait_for_selector("#id_username")


def enter_day_14(page: Page, house: House) -> None:
    """Open the visit from the casebook, be warned about a weight, correct it, complete the form."""
    page.goto(f"{house.url}/admin/studies/{STUDY}/casebook/")
    page.click("tr[data-participant='01-001'] a[aria-label^='01-001 D14']")
    page.click("#dz-popover button[value=today]")
    page.wait_for_selector("#VS-TIME")
    before = float(page.inner_text("#r-VS-WEIGHT .dz-prev"))
    fill(page, "VS", {**VITALS, "WEIGHT": f"{before * 1.24:.1f}"})
    page.wait_for_selector("#m-VS-WEIGHT >> text=Weight changed by more than 10 %")
    assert page.inner_text("#f-VS-WEIGHT") == "Check"
    fill(page, "VS", {"WEIGHT": f"{before:g}"})
    page.wait_for_selector("#m-VS-WEIGHT", state="hidden")
    page.wait_for_selector("#VS [data-state] >> text=Draft saved")
    page.click("#VS button[value=complete]")
    page.wait_for_selector("#VS .dz-st >> text=Complete")


def enter_crs(page: Page, house: House, number: str) -> None:
    """Add an assessment with fever and low-flow oxygen; its grade shows with the working before it is saved."""
    page.goto(f"{house.url}{house.participant(number)}log/CRS/")
    page.click("text=New row")
    fill(page, "CRS", {"AT": "2026-11-20 08:00", "TEMP": "38.9", "PRESSORS": "0"})
    page.wait_for_selector("#r-CRS-FEVER_OTHER:not([hidden])")
    for name, code in (
        ("FEVER_OTHER", "N"), ("TREATED", "NONE"), ("HYPOTENSION", "N"), ("VASOPRESSIN", "N"), ("OXYGEN", "CANNULA"),
        ("DIED", "N"),
    ):  # fmt: skip
        choose(page, name, code)
    page.wait_for_selector("#r-CRS-FLOW:not([hidden])")
    fill(page, "CRS", {"FLOW": "2"})
    choose(page, "HYPOXIA_OTHER", "N")
    page.wait_for_selector("[data-preview] >> text=CRS grade 2")
    working = page.inner_text("[data-preview]")
    assert "2" in working
    assert "L/min" in working
    page.click("button[value=complete]")
    page.wait_for_selector("[data-page='log']")
    assert "38.9" in page.inner_text("table")


def token(house: House, username: str) -> str:
    secret = base64.b64encode(f"{username}:{PASSWORD}".encode()).decode()
    return str(ask(house, "token/", f"Basic {secret}", {"days": 1})["token"])


def ask(house: House, path: str, authorization: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{house.url}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": authorization, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def test_a_day_14_visit_and_a_crs_day_are_entered_seen_by_their_monitor_alone_and_read_by_a_client(
    house: House,
) -> None:
    visit = house.visit("01-001", "D14")
    context, page = house.person("coordinator")
    enter_day_14(page, house)
    weight = page.input_value("#VS-WEIGHT")
    enter_crs(page, house, "01-001")
    sign_out(page)
    context.close()

    context, page = house.person("monitor")
    page.goto(f"{house.url}{visit}")
    assert page.input_value("#VS-WEIGHT") == weight
    assert page.is_disabled("#VS-WEIGHT")
    assert page.locator("button[value=complete]").count() == 0
    page.goto(f"{house.url}{house.participant('01-001')}log/CRS/")
    assert "38.9" in page.inner_text("table")
    context.close()

    context, page = house.person("monitor2")
    page.goto(f"{house.url}/admin/studies/{STUDY}/casebook/")
    assert page.locator("tr[data-participant='01-001']").count() == 0
    assert page.locator("tr[data-participant='02-001']").count() == 1
    for path in (visit, house.participant("01-001"), f"{house.participant('01-001')}log/CRS/"):
        answer = page.goto(f"{house.url}{path}")
        assert answer is not None
        assert answer.status == 404
        assert UNKNOWN in page.inner_text("body")
    context.close()

    place = f"study={STUDY}&participant={house.participant('01-001').split('/')[-2]}&limit=1000"
    mine = f"Token {token(house, 'coordinator')}"
    forms = ask(house, f"forms/?form=VS&{place}", mine)["items"]
    (entered,) = [each for each in forms if each["visit"] == visit.split("/")[-2]]
    assert {name: entered["values"][name]["value"] for name in VITALS} == VITALS
    assert entered["values"]["WEIGHT"]["value"] == weight
    grades = ask(house, f"assessments/?scale=CRS&{place}", mine)["items"]
    assert [each["grade"] for each in grades if each["at"].startswith("2026-11-20T08:00")] == [2]
    events = ask(house, f"audit-events/?{place}", mine)["items"]
    told = [each for each in events if each["record_id"] == entered["id"] and "WEIGHT" in each["deltas"]]
    assert [each["deltas"]["WEIGHT"]["new"] for each in told] == [entered["values"]["WEIGHT"]]
    assert {each["actor"] for each in told} == {"coordinator"}
    theirs = f"Token {token(house, 'monitor2')}"
    assert ask(house, f"forms/?form=VS&{place}", theirs)["items"] == []
    assert ask(house, f"audit-events/?{place}", theirs)["items"] == []
