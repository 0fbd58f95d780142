"""The rules of a cohort under the hand: rows are moved, copied and taken back, and counts follow."""

from __future__ import annotations

from typing import Any

import pytest
from waiting import becomes, eventually


@pytest.fixture
def page(served: str, tab: Any) -> Any:
    tab.goto(f"{served}/cohorts")
    tab.get_by_label("Condition, row 1").wait_for()
    return tab


def conditions(page: Any) -> list[str]:
    return [one.input_value() for one in page.locator('input[data-at="condition"]').all()]


def fill(page: Any, row: int, text: str) -> None:
    page.get_by_label(f"Condition, row {row}").fill(text)
    page.keyboard.press("Enter")


def test_rows_are_moved_copied_and_taken_back_from_the_keyboard(page: Any) -> None:
    fill(page, 1, "sequence=FLAIR")
    page.get_by_role("button", name="Add a rule").click()
    page.keyboard.type("sex=F")
    becomes(page, lambda: conditions(page), ["sequence=FLAIR", "sex=F"])
    page.keyboard.press("Alt+ArrowUp")
    becomes(page, lambda: conditions(page), ["sex=F", "sequence=FLAIR"])
    page.keyboard.press("Alt+Shift+ArrowDown")  # the row that was moved is still in the hand
    becomes(page, lambda: conditions(page), ["sex=F", "sex=F", "sequence=FLAIR"])
    page.keyboard.press("End")
    page.keyboard.type(",M")
    page.keyboard.press("Tab")
    becomes(page, lambda: conditions(page), ["sex=F", "sex=F,M", "sequence=FLAIR"])
    page.get_by_role("button", name="Undo").click()
    becomes(page, lambda: conditions(page), ["sex=F", "sex=F", "sequence=FLAIR"])
    page.get_by_label("Condition, row 1").focus()
    page.keyboard.press("Alt+z")
    becomes(page, lambda: conditions(page), ["sex=F", "sequence=FLAIR"])
    page.get_by_label("Remove, row 2").click()
    becomes(page, lambda: conditions(page), ["sex=F"])


def test_excludes_stand_after_includes_and_do_not_move_among_them(page: Any) -> None:
    fill(page, 1, "sequence=FLAIR")
    page.get_by_role("button", name="Add a rule").click()
    fill(page, 2, "sex=F")
    page.get_by_label("Include or exclude, row 1").select_option("exclude")
    becomes(page, lambda: conditions(page), ["sex=F", "sequence=FLAIR"])
    eventually(page, lambda: page.get_by_label("Move up, row 2").is_disabled())
    eventually(page, lambda: page.get_by_label("Move down, row 1").is_disabled())


def test_a_rule_recounts_and_what_is_wrong_stands_under_its_row(page: Any) -> None:
    count = page.locator('[data-testid="stMetricValue"]').first
    count.wait_for()
    eventually(page, lambda: int(count.inner_text()) > 0)
    fill(page, 1, "age<0")
    becomes(page, count.inner_text, "0")
    fill(page, 1, "sequenze=T2")
    page.get_by_text("did you mean 'sequence'").wait_for()
    field = page.get_by_label("Condition, row 1")
    becomes(page, field.input_value, "sequenze=T2")
    becomes(page, lambda: field.get_attribute("aria-invalid"), "true")
    fill(page, 1, "sequence=T2")
    eventually(page, lambda: not page.get_by_text("did you mean 'sequence'").count())


def test_pasted_rules_stay_though_a_field_is_left_for_the_button(page: Any) -> None:
    page.get_by_text("As text (TOML)").click()
    page.get_by_label("Paste a definition").fill('name = "x"\n[[include]]\nfilter = "age>=1"\n')
    page.get_by_label("Condition, row 1").fill("sex=F")
    page.get_by_role("button", name="Use it").click()  # the field tells of its change as it is left
    becomes(page, lambda: conditions(page), ["age>=1"])
    page.wait_for_timeout(1500)
    becomes(page, lambda: conditions(page), ["age>=1"])
