"""Thumbs that would do nothing tell why, and what unfolds opens by keys, in a browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from waiting import becomes, eventually

from benchmarks.browser import until

STEPS = 60
"""Presses of Tab that lead to anything on the page."""

PRESSED = "some => some.map(one => one.ariaPressed)"


@pytest.fixture
def page(served: str, tab: Any) -> Any:
    tab.goto(served)
    tab.get_by_label("Search", exact=True).wait_for()
    return tab


def ask(page: Any, words: str, answered: str) -> None:
    """answered: a pattern that the line above the list has once this very question is answered."""
    page.get_by_label("Search", exact=True).fill(words)
    page.keyboard.press("Enter")
    page.locator(".bar").filter(has_text=re.compile(answered)).wait_for()
    calm(page)


def calm(page: Any) -> None:
    until(page, "!document.querySelector('[data-testid=stApp]').dataset.testScriptState?.includes('running')")


def tab_to(page: Any, wanted: Any) -> None:
    """By the key alone, as one who has no mouse."""
    for _ in range(STEPS):
        page.keyboard.press("Tab")
        if wanted.evaluate("node => node.getRootNode().activeElement === node"):
            return
    raise AssertionError(f"Tab does not lead to {wanted}")


def refused(page: Any, reason: str) -> None:
    """The thumbs carry the reason, and the key of one writes it out beside the study that the keys are at."""
    thumbs = page.locator(".row .thumb")
    assert thumbs.evaluate_all("some => some.every(one => one.ariaDisabled === 'true')")
    assert set(thumbs.evaluate_all("some => some.map(one => one.title)")) == {reason}
    becomes(page, lambda: set(page.locator(".why").all_inner_texts()), {""})  # it is told when it is asked for
    page.get_by_label("Search", exact=True).blur()
    page.keyboard.press("j")
    thumbs = page.locator(".row[aria-current=true] .thumb")
    before = thumbs.evaluate_all(PRESSED)  # other tests of this room may have given some
    page.keyboard.press("u")
    becomes(page, lambda: page.locator(".row[aria-current=true] .why").inner_text(), reason)
    assert thumbs.evaluate_all(PRESSED) == before


def test_a_thumb_that_would_do_nothing_tells_why(page: Any) -> None:
    ask(page, "lesion", "compared stud(y|ies) fit")
    eventually(page, lambda: page.locator(".row").first.locator(".thumb").first.get_attribute("aria-disabled") is None)
    number = re.search(r"\bSD\d+\b", page.locator(".name").first.inner_text())
    assert number is not None
    ask(page, number.group(), "as named")
    refused(page, "These studies were named: there is nothing to refine")
    ask(page, "-haemorrhage", "do not affirm")
    refused(page, "Thumbs refine what is looked for; this search only leaves out")
    page.get_by_role("radio", name="Reports").click()
    ask(page, "lesion", "compared reports? fit")
    refused(page, "Thumbs refine searches for studies")
    another = page.locator(".row[aria-current=false]").filter(has=page.locator(".thumb")).first
    another.evaluate("node => { node.dataset.asked = 'by Tab'; }")
    another = page.locator(".row[data-asked]")
    tab_to(page, another.locator(".thumb").first)
    becomes(another, lambda: another.locator(".why").inner_text(), "Thumbs refine searches for studies")


def test_what_unfolds_opens_by_keys_wherever_the_list_stands(page: Any) -> None:
    ask(page, "lesion", "compared stud(y|ies) fit")
    weights = page.locator("details.weighed")
    tab_to(page, weights.locator("summary"))
    page.keyboard.press("Enter")
    eventually(page, lambda: weights.evaluate("node => node.open"))
    page.keyboard.press("Space")
    eventually(page, lambda: not weights.evaluate("node => node.open"))
    page.locator(".row").first.focus()  # the keys of the list are at a study now: Enter would open it
    weights.locator("summary").focus()
    page.keyboard.press("Enter")
    eventually(page, lambda: weights.evaluate("node => node.open"))
    eventually(page, page.locator(".row").first.is_visible)  # the study was not opened
