"""A count or a search that takes long, in a browser: the page stays as it was, the hand stays where it is, and a tab
that is closed leaves no work behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from archives import copy_of_home
from pages import DemoHome, acts
from waiting import becomes, eventually

from benchmarks import browser
from spinecho.encoders.sandbox.environment import module_path
from spinecho.ui.server.jobs.queue import Queue

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def held(demo_home: DemoHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Path]]:
    """(a server's address, its home, the file that holds its counts and searches while it is there)"""
    home = tmp_path_factory.mktemp("held") / "home"
    copy_of_home(demo_home.home, home)
    file = home.parent / "held"
    path = os.pathsep.join((str(Path(__file__).parents[1] / "held"), *module_path()))
    with browser.serve(home, environment={"PYTHONPATH": path, "SPINECHO_TEST_HELD": str(file)}) as address:
        yield address, home, file
        file.unlink(missing_ok=True)  # else it does not end


@pytest.fixture
def page(held: tuple[str, Path, Path], tab: Any) -> Iterator[Any]:
    tab.goto(f"{held[0]}/cohorts")
    tab.locator('[data-testid="stMetricValue"]').first.wait_for()
    yield tab
    held[2].unlink(missing_ok=True)


def expect(found: Any) -> Any:
    """Playwright's."""
    return pytest.importorskip("playwright.sync_api").expect(found)


def fill(page: Any, text: str) -> Any:
    field = page.get_by_label("Condition, row 1")
    field.fill(text)
    page.keyboard.press("Enter")
    return field


def states(home: Path) -> list[str]:
    """Of all jobs that count, the first one first."""
    with closing(Queue(home)) as queue:
        return [job.state for job in reversed(queue.of(None)) if job.kind == "shown-count"]


def test_the_last_count_stays_and_the_hand_too_until_the_newest_one_is_there(
    held: tuple[str, Path, Path], page: Any
) -> None:
    _, home, file = held
    studies, old = page.locator('[data-testid="stMetricValue"]').first, page.locator(".st-key-counts-waiting")
    before, place = studies.inner_text(), studies.bounding_box()["y"]
    assert int(before) > 0
    file.touch()
    field = fill(page, "age<200")
    page.get_by_text("Counting").first.wait_for()
    expect(old).to_be_visible()
    expect(studies).to_have_text(before)
    eventually(page, lambda: abs(studies.bounding_box()["y"] - place) < 1)
    expect(field).to_be_focused()
    eventually(page, lambda: states(home)[-1] == "running")
    fill(page, "age<0")
    becomes(page, lambda: states(home)[-2], "cancelled")
    expect(studies).to_have_text(before)
    file.unlink()
    expect(studies).to_have_text("0")
    expect(old).to_have_count(0)
    expect(field).to_be_focused()
    becomes(page, field.input_value, "age<0")
    assert states(home)[-2:] == ["cancelled", "done"]


def test_a_tab_that_is_closed_ends_the_count_it_waited_for(
    held: tuple[str, Path, Path], page: Any, chrome: browser.Chrome
) -> None:
    address, home, file = held
    file.touch()
    with closing(chrome.new_context()) as context:
        other = context.new_page()
        other.goto(f"{address}/cohorts")
        fill(other, "age<150")
        other.get_by_text("Counting").first.wait_for()
        eventually(page, lambda: states(home)[-1] == "running")
    becomes(page, lambda: states(home)[-1], "cancelled")
    file.unlink()
    fill(page, "age<0")
    expect(page.locator('[data-testid="stMetricValue"]').first).to_have_text("0")


def test_a_tab_that_is_closed_holds_nobody_up_and_its_search_ends_by_itself(
    held: tuple[str, Path, Path], page: Any, chrome: browser.Chrome
) -> None:
    address, home, file = held
    with closing(chrome.new_context()) as context:
        other = context.new_page()
        other.goto(address)
        field = other.get_by_label("Search", exact=True)
        field.wait_for()
        file.touch()
        field.fill("bright lesion")
        other.keyboard.press("Enter")
        other.locator('[data-testid="stStatusWidget"], [data-testid="stSpinner"]').first.wait_for()
    page.goto(f"{address}/archive")  # what needs no search is there meanwhile
    page.get_by_test_id("stDataFrame").first.wait_for()
    assert not acts(home, "search")
    file.unlink()
    eventually(page, lambda: len(acts(home, "search")) == 1)
    page.goto(address)
    page.get_by_label("Search", exact=True).fill("bright lesion")
    page.keyboard.press("Enter")
    page.locator(".row").first.wait_for()
