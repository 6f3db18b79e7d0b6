"""Pages in a real browser: keyboard alone, phone width, drafts, the leave warning, names, targets, no other host."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page

from tests.browser.house import STUDY, House

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROBES = (Path(__file__).parent / "probes.js").read_text()
"""Defines nameless(), small(least) and unringed() in the page."""


def pages(house: House) -> list[str]:
    """Return every page a coordinator works with."""
    study, person = f"/admin/studies/{STUDY}/", house.participant("01-001")
    return [
        "/admin/", f"{study}casebook/", f"{study}participants/", f"{study}participants/new/", f"{study}queries/", study,
        f"{study}exports/", f"{study}audit/", "/admin/inbox/", "/admin/go/?q=zz", person, f"{person}log/CRS/",
        f"{person}log/CRS/new/", f"{person}log/ICANS/new/", f"{person}log/AE/new/", house.visit("01-001", "D10"),
        house.visit("01-001", "D14"), house.visit("01-001", "D14") + "card/",
    ]  # fmt: skip


def probe(page: Page, call: str) -> object:
    return page.evaluate(f"() => {{ {PROBES}; return {call} }}")


def open_page(page: Page, house: House, path: str) -> None:
    answer = page.goto(f"{house.url}{path}")
    assert answer is not None
    assert answer.status == 200, path


@pytest.mark.parametrize(
    ("phone", "dark"), [(False, False), (False, True), (True, False)], ids=["desk", "dark", "phone"]
)
def test_every_page_is_named_reachable_and_fits(house: House, phone: bool, dark: bool) -> None:
    context, page = house.person("coordinator", phone=phone, dark=dark)
    for path in pages(house):
        open_page(page, house, path)
        assert probe(page, "nameless()") == [], path
        assert probe(page, f"small({36 if phone else 24})") == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], path  # type: ignore[index]
        assert page.locator("h1").count() >= 1, path
        assert ("dark" in (page.get_attribute("html", "class") or "")) is dark
    context.close()


def test_focus_is_always_visible(house: House) -> None:
    context, page = house.person("coordinator")
    for path in ("/admin/", f"/admin/studies/{STUDY}/casebook/", house.visit("01-001", "D10")):
        open_page(page, house, path)
        for _ in range(30):
            page.keyboard.press("Tab")
            assert probe(page, "unringed()") == ""
    context.close()


def test_a_day_14_is_started_and_its_vital_signs_completed_by_keyboard_alone(house: House) -> None:
    context, page = house.person("coordinator")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_selector("[data-page='casebook']")
    page.focus("[data-casebook] a.dz-cell[tabindex='0']")
    page.keyboard.press("Home")
    label = "document.activeElement.getAttribute('aria-label')"
    for _ in range(30):
        if str(page.evaluate(label)).startswith("01-001 D14"):
            break
        page.keyboard.press("ArrowRight")
    assert str(page.evaluate(label)).startswith("01-001 D14: Closing")
    page.keyboard.press("Enter")
    page.wait_for_selector("#dz-popover:not([hidden])")
    page.keyboard.press("t")
    page.keyboard.press("Enter")
    page.wait_for_selector("#VS-TIME")
    page.wait_for_function("document.activeElement.id === 'VS-TIME'")
    for value in ("08:30", "37.1", "104", "62", "88", "16", "97"):
        page.keyboard.type(value)
        page.keyboard.press("Enter")
    page.keyboard.press("Alt+n")
    page.keyboard.press("n")
    page.keyboard.press("Tab")
    page.keyboard.type("scales broken")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#VS .dz-st >> text=Complete")
    assert page.evaluate("location.hash") not in {"", "#VS"}
    assert page.evaluate("!!document.activeElement.closest('.dz-form')")
    assert page.input_value("#VS-SYSBP") == "104"
    assert page.inner_text("#r-VS-WEIGHT details.dz-null summary") == "Not done"
    context.close()


def test_a_draft_survives_a_reload_and_can_be_dropped(house: House) -> None:
    context, page = house.person("coordinator")
    path = house.visit("01-001", "D14")
    open_page(page, house, path)
    page.fill("#HEM-WBC", "5.4")
    page.keyboard.press("Tab")
    page.wait_for_selector("#HEM [data-state] >> text=Draft saved")
    page.reload()
    assert page.input_value("#HEM-WBC") == "5.4"
    assert "not saved yet" in page.inner_text("#HEM")
    page.click("#HEM button[value=discard]")
    page.wait_for_load_state("load")
    page.goto(f"{house.url}{path}")
    assert page.input_value("#HEM-WBC") == ""
    context.close()


def test_leaving_with_an_unsent_value_warns(house: House) -> None:
    context, page = house.person("coordinator")
    open_page(page, house, house.visit("01-001", "D14"))
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", agree)
    page.focus("#HEM-WBC")
    page.keyboard.type("7")
    page.reload()
    assert asked == ["beforeunload"]
    asked.clear()
    page.reload()
    assert asked == []
    context.close()


def test_values_typed_without_a_connection_stand_in_the_page_and_are_sent_when_it_is_back(house: House) -> None:
    context, page = house.person("coordinator")
    open_page(page, house, house.visit("01-001", "D14"))
    context.set_offline(True)
    page.fill("#HEM-WBC", "4.1")
    page.keyboard.press("Tab")
    page.wait_for_selector("#HEM [data-state] >> text=/Not saved: connection lost, [1-9][0-9]* values/")
    assert "4.1" not in page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    context.set_offline(False)
    page.wait_for_selector("#HEM [data-state] >> text=Draft saved")
    page.reload()
    assert page.input_value("#HEM-WBC") == "4.1"
    page.click("#HEM button[value=discard]")
    context.close()


def test_a_refused_value_says_what_was_expected_and_stays_in_its_field(house: House) -> None:
    context, page = house.person("coordinator")
    open_page(page, house, house.visit("01-001", "D14"))
    page.fill("#HEM-WBC", "plenty")
    page.keyboard.press("Tab")
    page.wait_for_selector("#m-HEM-WBC [role=alert]")
    said = page.inner_text("#m-HEM-WBC")
    assert "Expected a number" in said
    assert "plenty" in said
    assert page.input_value("#HEM-WBC") == "plenty"
    assert page.get_attribute("#HEM-WBC", "aria-invalid") == "true"
    assert page.get_attribute("#HEM-WBC", "aria-describedby") == "m-HEM-WBC"
    page.reload()
    assert page.input_value("#HEM-WBC") == "plenty"
    page.click("#HEM button[value=discard]")
    context.close()


def test_a_crs_assessment_at_phone_width_takes_a_few_taps_and_shows_its_grade_above_the_button(house: House) -> None:
    context, page = house.person("coordinator", phone=True)
    open_page(page, house, f"{house.participant('01-001')}log/CRS/new/")
    began = page.evaluate("performance.now()")
    page.fill("#CRS-AT", "2026-11-21 08:00")
    page.tap("[data-same]")
    page.fill("#CRS-TEMP", "38.4")
    page.locator("#CRS-TEMP").blur()
    page.wait_for_selector("#r-CRS-FEVER_OTHER:not([hidden])")
    page.tap("#r-CRS-FEVER_OTHER label:has(input[value=N])")
    page.wait_for_selector("[data-preview] >> text=CRS grade 1")
    grade, button = (page.locator(each).bounding_box() for each in ("[data-preview]", "button[value=complete]"))
    assert grade is not None
    assert button is not None
    assert grade["y"] < button["y"] <= 844 - button["height"]
    page.tap("button[value=complete]")
    page.wait_for_selector("[data-page='log']")
    assert page.evaluate("performance.now()") < began + 60_000
    assert "38.4" in page.inner_text("table")
    context.close()
