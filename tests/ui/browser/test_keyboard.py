"""The pages without a mouse: the focus stays where it was, shortcuts reach what is seen, and Back goes one step."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from pages import DemoHome
from waiting import ask, becomes, eventually, settled

from benchmarks.browser import Chrome

FOCUSED = """() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at === document.body ? "nothing" : at.getAttribute("aria-label") ?? at.textContent;
}"""


def focused(page: Any) -> str:
    return str(page.evaluate(FOCUSED))


def at(page: Any) -> int:
    """The row that the keys are at, from 0; -1 for none."""
    marks = page.locator(".row").evaluate_all("rows => rows.map(row => row.getAttribute('aria-current'))")
    return int(marks.index("true")) if "true" in marks else -1


def thumbs(page: Any) -> list[str | None]:
    return [one.get_attribute("aria-pressed") for one in page.locator(".thumb").all()]


def test_what_was_pressed_keeps_the_focus_though_all_is_drawn_anew(page: Any) -> None:
    ask(page, "lesion")
    row = page.locator(".row").nth(1)
    for name, word in (("compare", "picked"), ("This fits (u)", "refine by 1 thumb"), ("This fits (u)", "")):
        button = row.get_by_role("button", name=name, exact=True)
        button.focus()
        before = focused(page)
        page.keyboard.press("Space")
        if word:
            page.get_by_text(word).first.wait_for()
        settled(page)
        becomes(page, lambda before=before: focused(page), before)
        eventually(page, lambda: row.evaluate("row => row.contains(row.getRootNode().activeElement)"))
    page.get_by_role("button", name="lesion", exact=True).press("Enter")
    page.keyboard.press("Escape")
    becomes(page, lambda: focused(page), "lesion")
    page.get_by_role("button", name="Clear", exact=True).press("Enter")  # gone with what it cleared
    settled(page)
    eventually(page, lambda: focused(page).startswith("Result "))


def test_a_series_that_was_chosen_keeps_the_focus(served: str, tab: Any) -> None:
    tab.goto(f"{served}/study?study=1")
    tab.locator(".viewer[data-ready]").wait_for()
    second = tab.locator(".rail button[aria-pressed]").nth(1)
    name = second.text_content()
    second.press("Enter")
    tab.locator(".rail button[aria-pressed=true]").filter(has_text=name).wait_for()
    settled(tab)
    becomes(tab, lambda: focused(tab), name)


def test_keys_do_nothing_behind_the_sheet_and_all_behind_a_checkbox(page: Any) -> None:
    ask(page, "lesion")
    page.get_by_label("Computed, localizers too").focus()  # it takes the space bar, and no other key
    page.keyboard.press("j")
    becomes(page, lambda: at(page), 0)
    before = thumbs(page)
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard").wait_for()
    for key in ("j", "ArrowDown", "u", "x", "m", "d", "/"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    settled(page)
    becomes(page, lambda: (at(page), thumbs(page)), (0, before))
    eventually(page, page.get_by_role("heading", name="Keyboard").is_visible)
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard").wait_for(state="hidden")
    page.keyboard.press("j")
    becomes(page, lambda: at(page), 1)


def test_back_goes_to_where_one_was_and_to_no_address_between(page: Any) -> None:
    ask(page, "lesion")
    page.wait_for_url("**/?search=*")
    steps = [page.url]
    page.locator(".name").first.click()
    page.locator(".viewer[data-ready]").wait_for()
    steps.append(page.url)
    page.get_by_role("button", name="More like this").click()
    page.get_by_text("Like this study").wait_for()
    page.locator(".row").first.wait_for()
    settled(page)
    steps.append(page.url)
    for address in reversed(steps[:-1]):
        page.go_back()
        settled(page)
        assert page.url == address
        page.locator(".viewer[data-ready]" if "study=" in address else ".row").first.wait_for()
    for address in steps[1:]:
        page.go_forward()
        settled(page)
        assert page.url == address


def test_the_list_of_a_scan_and_of_words_beside_it_is_come_back_to(page: Any, demo_home: DemoHome) -> None:
    scan = next(path for path in sorted(demo_home.archive.rglob("*.dcm")))
    page.get_by_role("button", name="Scan").click()
    page.locator('input[type="file"]').set_input_files(str(scan))
    page.get_by_text("Like the scan").wait_for()
    page.locator(".row").first.wait_for()
    ask(page, "lesion")
    names = page.locator(".name").all_inner_texts()
    for back in (page.go_back, lambda: page.get_by_role("button", name="Results").click()):
        page.locator(".name").first.click()
        page.locator(".viewer[data-ready]").wait_for()
        back()
        page.get_by_text("Like the scan").wait_for()
        page.locator(".row").first.wait_for()
        settled(page)
        becomes(page, lambda: page.locator(".name").all_inner_texts(), names)
        becomes(page, lambda: page.get_by_label("Search", exact=True).input_value(), "lesion")
    page.get_by_role("button", name="Clear", exact=True).first.click()
    page.get_by_text("Like the scan").wait_for(state="detached")
    becomes(page, lambda: page.get_by_label("Search", exact=True).input_value(), "lesion")


CONTROLS = """() => {
    const found = [], walk = (node) => {
        for (const one of node.querySelectorAll("*")) {
            if (one.shadowRoot) walk(one.shadowRoot);
            if (!one.matches("button, input, select, textarea, a[href]")) continue;
            if (!one.checkVisibility({ opacityProperty: true })) continue;
            const box = one.getBoundingClientRect();
            if (box.width < 8 || box.height < 8 || one.closest("[data-testid=stDataFrame], header")) continue;
            found.push([one.getAttribute("aria-label") ?? one.textContent, box.left, box.top, box.right, box.bottom]);
        }
    };
    walk(document.querySelector("[data-testid=stMain]"));
    return [found, document.documentElement.scrollWidth - innerWidth];
}"""


@pytest.mark.parametrize("path", ["cohorts", "?search", "evaluate"])
def test_no_control_lies_over_another_at_any_width(served: str, chrome: Chrome, path: str) -> None:
    page = chrome.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{served}/{'' if path == '?search' else path}")
    if path == "?search":
        ask(page, "lesion")
    else:
        page.get_by_text({"cohorts": "Add a rule", "evaluate": "Measure on"}[path]).first.wait_for()
        settled(page)
    for width in (1280, 768, 380):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(400)
        controls, wider = page.evaluate(CONTROLS)
        assert wider <= 0, width
        assert len(controls) > 3, width
        for (one, *a), (other, *b) in itertools.combinations(controls, 2):
            lies_over = min(a[2], b[2]) - max(a[0], b[0]) > 2 and min(a[3], b[3]) - max(a[1], b[1]) > 2
            assert not lies_over, (width, one, other)
    if path == "cohorts":  # dark words on the dark ground of a disabled button
        words = page.get_by_role("button", name="Freeze this list").locator("p")
        red, green, blue = words.evaluate(
            "one => getComputedStyle(one).color.match(/[\\d.]+/g).slice(0, 3).map(Number)"
        )
        assert min(red, green, blue) > 100
    page.context.close()
