"""A new user, no documentation: find a planted lesion, open it, scroll, find others, make a cohort, take it away."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import copy_of_home
from made_once import four_studies, made_once
from waiting import eventually

from benchmarks.browser import SECRET, Chrome, forbidden_in, serve
from spinecho.indexer.phantom import plan_cases

STUDIES = 4
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served demonstration archive, as `make demo` makes it, only smaller."""
    home = copy_of_home(made_once("four", four_studies) / "home", tmp_path_factory.mktemp("first-day") / "home")
    with serve(home) as address:
        yield address


class Day:
    """One person's tab. `reach` takes the steps up to one that were not taken yet, so that each test stands alone."""

    def __init__(self, page: Any) -> None:
        self.page, self.done = page, 0
        self.accession, self.words = planted()

    def reach(self, step: int) -> None:
        while self.done < step:
            self.done += 1
            getattr(self, f"step_{self.done}")()

    def step_1(self) -> None:
        self.page.get_by_label("Search", exact=True).fill(self.words)
        self.page.keyboard.press("Enter")
        self.page.locator(".row").first.wait_for()

    def step_2(self) -> None:
        self.page.locator(".name", has_text=self.accession).first.click()
        self.page.locator(".viewer[data-ready]").wait_for()
        self.page.wait_for_timeout(300)

    def step_3(self) -> None:
        self.before = self.page.locator(".viewer").first.get_attribute("data-slice")
        self.page.keyboard.press("ArrowDown")
        self.page.wait_for_timeout(200)

    def step_4(self) -> None:
        self.page.get_by_role("button", name="More like this").click()
        self.page.get_by_text("Like this study").wait_for()
        self.page.locator(".row").nth(2).wait_for()

    def step_5(self) -> None:
        self.page.get_by_role("link", name="Cohorts").click()
        self.page.get_by_label("Name", exact=True).wait_for()
        self.page.get_by_label("Name", exact=True).fill("like my lesion")
        self.page.keyboard.press("Enter")
        freeze = self.page.get_by_role("button", name="Freeze this list")
        pytest.importorskip("playwright.sync_api").expect(freeze).to_be_enabled()
        freeze.click()
        self.page.get_by_text("Frozen as version 1").wait_for()

    def step_6(self) -> None:
        self.page.get_by_text("Export", exact=True).click()
        self.page.get_by_role("button", name="Prepare the export").click()
        self.page.get_by_role("link", name="Download the zip").wait_for()


@pytest.fixture(scope="module")
def day(room: str, chrome: Chrome) -> Iterator[Day]:
    context = chrome.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    forbidden = forbidden_in(page)
    page.goto(f"{room}/?secret={SECRET}")  # a download carries the cookie, and no header of Playwright's
    page.get_by_label("Search", exact=True).wait_for()
    yield Day(page)
    assert not forbidden, "the room does what its own policy forbids"
    context.close()


def planted() -> tuple[str, str]:
    """(accession number, what to type) of the first planted lesion that has a side."""
    for case in plan_cases(STUDIES, seed=0):
        for lesion in case.lesions:
            if lesion.side in ("left", "right"):
                return case.accession_number, f"{lesion.kind} in the {lesion.side} {lesion.site}"
    raise AssertionError("no lesion was planted")


def test_1_a_planted_lesion_is_found_by_its_description(day: Day) -> None:
    day.reach(1)
    names = day.page.locator(".name").all_inner_texts()
    assert any(day.accession in name for name in names[:3]), names
    eventually(day.page, lambda: day.page.locator(".row mark").count())


def test_2_it_is_opened(day: Day) -> None:
    day.reach(2)
    eventually(day.page, lambda: day.page.locator(".report button").count() > 3)


def test_3_and_scrolled_to_where_the_evidence_is(day: Day) -> None:
    day.reach(3)
    eventually(day.page, lambda: day.page.locator(".viewer").first.get_attribute("data-slice") != day.before)
    day.page.get_by_text("Evidence for the words searched for").click()
    day.page.locator('button[data-do="heat"]').wait_for()


def test_4_three_like_it_are_found(day: Day) -> None:
    day.reach(4)
    eventually(day.page, lambda: day.page.locator(".row").count() >= 3)
    eventually(day.page, lambda: not any(day.accession in name for name in day.page.locator(".name").all_inner_texts()))


def test_5_a_cohort_is_made(day: Day) -> None:
    day.reach(5)
    assert "cohorts" in day.page.url


def test_6_and_taken_away(day: Day, room: str) -> None:
    day.reach(6)
    link = day.page.get_by_role("link", name="Download the zip")
    taken = day.page.request.get(f"{room}{link.get_attribute('href')}")  # what the browser would ask for
    with zipfile.ZipFile(io.BytesIO(taken.body())) as packed:
        assert {"studies.csv", "manifest.json"} <= {Path(name).name for name in packed.namelist()}
