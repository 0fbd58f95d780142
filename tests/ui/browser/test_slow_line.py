"""What is done while the server's word is on its way counts, once, and for what the person saw."""

from __future__ import annotations

import re
from typing import Any

import pytest
from waiting import becomes, eventually, settled


@pytest.fixture
def page(served: str, tab: Any) -> Any:
    tab.goto(served)
    tab.get_by_label("Search", exact=True).wait_for()
    ask(tab, "-haemorrhage")
    answered(tab, "do not affirm")
    settled(tab)
    tab.evaluate("window.late = 500")
    return tab


def ask(page: Any, words: str) -> None:
    page.get_by_label("Search", exact=True).fill(words)
    page.keyboard.press("Enter")


def answered(page: Any, pattern: str) -> None:
    page.locator(".bar").filter(has_text=re.compile(pattern)).wait_for()


@pytest.mark.parametrize("pause", [0, 400])
def test_what_is_typed_while_another_answer_comes_is_asked(page: Any, pause: int) -> None:
    """pause: milliseconds, within which the server has answered the first and the page may or may not know it"""
    page.get_by_role("radio", name="Reports").click()
    page.wait_for_timeout(pause)
    ask(page, "lesion")
    answered(page, "compared reports? fit")
    becomes(page, lambda: page.get_by_label("Search", exact=True).input_value(), "lesion")
    page.wait_for_timeout(pause)
    page.get_by_role("radio", name="Studies").click()
    ask(page, "oedema")
    page.wait_for_timeout(pause)
    ask(page, "no enhancement, lesion")
    answered(page, "compared stud(y|ies) fit")
    becomes(page, lambda: page.get_by_label("Search", exact=True).input_value(), "no enhancement, lesion")


def test_back_leads_to_the_question_before(page: Any) -> None:
    ask(page, "lesion")
    answered(page, "compared stud(y|ies) fit")
    settled(page)
    page.go_back()
    answered(page, "do not affirm")
    becomes(page, lambda: page.get_by_label("Search", exact=True).input_value(), "-haemorrhage")


def test_thumbs_given_one_after_the_other_all_count_and_for_the_words_they_were_given_to(page: Any) -> None:
    mine = "lesion or oedema"  # words that no other test of this room gives thumbs to
    ask(page, mine)
    answered(page, "compared stud(y|ies) fit")
    settled(page)
    pressed = page.locator(".thumb[aria-pressed=true]")
    becomes(page, pressed.count, 0)
    eventually(page, lambda: page.locator(".row").count() > 1)
    rows = min(page.locator(".row").count(), 3)
    page.get_by_label("Search", exact=True).blur()
    for _ in range(rows):
        page.keyboard.press("j")
        page.keyboard.press("u")
    ask(page, "oedema")
    answered(page, "compared stud(y|ies) fit")
    eventually(page, lambda: page.get_by_label("Search", exact=True).input_value() == "oedema" and pressed.count() == 0)
    settled(page)
    ask(page, mine)
    becomes(page, pressed.count, rows)
    for left in reversed(range(rows)):  # as it was
        pressed.first.click()
        becomes(page, pressed.count, left)
