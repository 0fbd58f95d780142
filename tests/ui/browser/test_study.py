"""The viewer under the hand, and the way from a sentence to a study and on."""

from __future__ import annotations

from typing import Any

import pytest
from waiting import becomes, eventually

from benchmarks.browser import Chrome


@pytest.fixture
def page(served: str, tab: Any) -> Any:
    tab.goto(f"{served}/study?study=1")
    tab.locator(".viewer[data-ready]").wait_for()
    tab.wait_for_timeout(300)
    return tab


def now(page: Any, name: str) -> str:
    page.wait_for_timeout(120)
    return str(page.locator(".viewer").first.get_attribute(f"data-{name}"))


def test_keys_scroll_window_and_lay_out(page: Any) -> None:
    start = int(now(page, "slice"))
    page.keyboard.press("ArrowDown")
    becomes(page, lambda: int(now(page, "slice")), start + 1)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("End")
    last = int(now(page, "slice"))
    page.keyboard.press("Home")
    eventually(page, lambda: int(now(page, "slice")) == 1 < start < last)
    page.keyboard.press("PageDown")
    becomes(page, lambda: int(now(page, "slice")), min(11, last))
    usual = now(page, "window")
    page.keyboard.press("5")
    eventually(page, lambda: now(page, "window") == "0 4095" != usual)
    page.keyboard.press("0")
    becomes(page, lambda: now(page, "window"), usual)
    page.keyboard.press("p")
    page.locator(".stage.planes").wait_for()
    becomes(page, lambda: [pane.inner_text() for pane in page.locator(".letter.left").all()].count("R"), 2)
    page.keyboard.press("p")
    page.keyboard.press("i")
    page.locator('button[data-do="invert"][aria-pressed="true"]').wait_for()


def test_the_wheel_scrolls_and_a_drag_sets_the_window_without_the_server(page: Any) -> None:
    box = page.locator(".pane canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    start = int(now(page, "slice"))
    page.mouse.wheel(0, 100)
    becomes(page, lambda: int(now(page, "slice")), start + 1)
    usual = now(page, "window")
    page.mouse.down()
    page.mouse.move(x + 60, y + 30)
    page.mouse.up()
    eventually(page, lambda: now(page, "window") != usual)
    assert not asked


def test_the_patients_left_is_on_the_viewers_right(page: Any) -> None:
    eventually(page, lambda: page.locator(".pane:not(.hidden) .letter.left").first.inner_text() in ("R", "A"))


def test_a_marked_spot_is_searched_for(page: Any) -> None:
    page.keyboard.press("s")
    box = page.locator(".pane canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y - 60)
    page.mouse.down()
    page.mouse.move(x + 60, y + 60, steps=4)
    page.mouse.up()
    page.get_by_text("With a spot like one of").wait_for()
    page.locator(".row").first.wait_for()


def test_a_sentence_finds_studies_that_say_it(page: Any) -> None:
    sentence = page.locator(".report button").last
    words = sentence.inner_text().split("\n")[-1]
    sentence.click()
    page.locator(".row").first.wait_for()
    eventually(page, lambda: page.get_by_label("Search", exact=True).input_value() in words)
    assert "study=" not in page.url


def test_studies_are_compared_with_linked_scrolling(served: str, chrome: Chrome) -> None:
    page = chrome.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{served}/compare?studies=1,2")
    page.locator(".viewer[data-ready]").nth(1).wait_for()
    first, second = page.locator(".viewer").nth(0), page.locator(".viewer").nth(1)
    page.wait_for_timeout(500)
    before = second.get_attribute("data-slice")
    first.locator(".pane canvas").first.hover()
    for _ in range(4):
        page.mouse.wheel(0, 100)
        page.wait_for_timeout(80)
    eventually(page, lambda: second.get_attribute("data-slice") != before)


def test_no_serious_breach_of_accessibility(page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    assert not [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]
