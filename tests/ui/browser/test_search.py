"""The search page in a browser: what AppTest cannot press."""

from __future__ import annotations

from typing import Any

import pytest
from pages import DemoHome
from waiting import becomes, eventually

from benchmarks.browser import Chrome, until


def ask(page: Any, words: str) -> None:
    page.get_by_label("Search", exact=True).fill(words)
    page.keyboard.press("Enter")
    page.get_by_role("group", name="What is searched for").get_by_text(words.split(",", maxsplit=1)[0]).first.wait_for()
    page.locator(".row").first.wait_for()
    until(page, "!document.querySelector('[data-testid=stApp]').dataset.testScriptState?.includes('running')")


def at(page: Any) -> int:
    """The row that the keys are at."""
    marks = page.locator(".row").evaluate_all("rows => rows.map(row => row.getAttribute('aria-current'))")
    return int(marks.index("true")) if "true" in marks else -1


def test_words_from_outside_are_text_in_the_browser_too(page: Any, demo_home: DemoHome) -> None:
    ask(page, "bright lesion of the spleen")
    first = page.locator(".row").first
    eventually(page, lambda: demo_home.hostile_sentence in first.locator(".sentence").first.inner_text())
    eventually(page, lambda: demo_home.hostile_study in first.locator(".name").inner_text())
    eventually(page, lambda: not page.locator(".row script, .row b, .row a, .row code").count())
    eventually(page, lambda: {"lesion", "spleen"} <= set(first.locator("mark").all_inner_texts()))
    becomes(page, first.locator(".mark").first.inner_text, "present")


def test_the_address_reopens_the_search_in_a_new_tab(page: Any, chrome: Chrome) -> None:
    ask(page, "lesion, no haemorrhage")
    page.wait_for_url("**/?search=*")
    assert "lesion" not in page.url
    names = page.locator(".name").all_inner_texts()
    other = chrome.new_context().new_page()
    other.goto(page.url)
    other.locator(".row").first.wait_for()
    becomes(other, lambda: other.get_by_label("Search", exact=True).input_value(), "lesion, no haemorrhage")
    becomes(other, lambda: other.locator(".name").all_inner_texts(), names)


def test_chips_are_edited_and_removed(page: Any) -> None:
    ask(page, "lesion, no haemorrhage")
    box = page.get_by_label("Search", exact=True)
    page.get_by_role("button", name="not haemorrhage").click()
    page.get_by_label("Edit haemorrhage").fill("oedema")
    page.keyboard.press("Enter")
    page.get_by_label("Remove oedema").wait_for()
    becomes(page, box.input_value, "lesion, no oedema")
    page.get_by_label("Remove oedema").click()
    page.get_by_label("Remove oedema").wait_for(state="detached")
    becomes(page, box.input_value, "lesion")


def focus_search(page: Any) -> None:
    """By its key, pressed again until the page listens: it stands before its keys do."""
    for _ in range(80):
        page.keyboard.press("/")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Search":
            return
        page.wait_for_timeout(250)
    raise AssertionError("the key / does not lead to the search box")


def test_keys_move_pick_and_judge(page: Any) -> None:
    focus_search(page)
    page.keyboard.type("lesion")
    page.keyboard.press("Enter")
    page.locator(".row").first.wait_for()
    page.get_by_label("Search", exact=True).blur()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    assert at(page) == 1
    page.keyboard.press("k")
    assert at(page) == 0
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_text("2 of 4 picked").wait_for()
    eventually(page, lambda: page.get_by_role("button", name="Compare side by side").is_enabled())
    page.keyboard.press("u")
    page.get_by_role("button", name="refine by 1 thumb").wait_for()
    page.get_by_role("button", name="refine by 1 thumb").click()
    page.locator("button[aria-pressed=true]", has_text="refine by").wait_for()
    page.keyboard.press("u")
    page.get_by_role("button", name="refine by 1 thumb").wait_for(state="detached")


def test_more_like_this_and_back(page: Any) -> None:
    ask(page, "lesion")
    name = page.locator(".name").first.inner_text()
    page.locator(".row").first.get_by_role("button", name="like", exact=True).click()
    page.get_by_role("button", name="Clear").last.wait_for()
    page.get_by_text("Like this study").wait_for()
    expect = pytest.importorskip("playwright.sync_api").expect
    expect(page.locator(".name").filter(has_text=name)).to_have_count(0)


def test_the_sheet_of_keys_opens_and_closes(page: Any) -> None:
    focus_search(page)
    page.get_by_label("Search", exact=True).blur()
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard").wait_for()
    eventually(page, lambda: page.get_by_text("more like this one").is_visible())
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("heading", name="Keyboard").wait_for(state="hidden")


def test_no_serious_breach_of_accessibility(page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for words in ("", "lesion, no haemorrhage"):
        if words:
            ask(page, words)
        found = axe.run(page).response["violations"]
        serious = [
            (one["id"], node["html"][:200], node["any"][0]["message"] if node["any"] else "")
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
        assert not serious
