"""A new user, no documentation: find a planted lesion, open it, scroll, find others, make a cohort, take it away."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Chrome, serve

from db.database import Database
from indexer.phantom import plan_cases, write_archive
from indexer.pipeline import index_archive
from ui.settings import read_settings
from ui.wiring import open_dual

STUDIES = 12
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="a-first-day")]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served demonstration archive, as `make demo` makes it, only smaller."""
    folder = tmp_path_factory.mktemp("first-day")
    write_archive(folder / "archive", studies=STUDIES)
    settings = read_settings(home=folder / "home", device="cpu", environment={})
    database = Database.open(settings.database)
    index_archive(database, settings.builds, [folder / "archive"], lambda: open_dual(settings))
    database.close()
    with serve(settings.home) as address:
        yield address


@pytest.fixture(scope="module")
def page(room: str, chrome: Chrome) -> Iterator[Any]:
    """One person's tab, from the first test to the last."""
    context = chrome.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.goto(room)
    page.get_by_label("Search", exact=True).wait_for(timeout=60_000)
    yield page
    context.close()


@pytest.fixture(scope="module")
def planted() -> tuple[str, str]:
    """(accession number, what to type) of the first planted lesion that has a side."""
    for case in plan_cases(STUDIES, seed=0):
        for lesion in case.lesions:
            if lesion.side in ("left", "right"):
                return case.accession_number, f"{lesion.kind} in the {lesion.side} {lesion.site}"
    raise AssertionError("no lesion was planted")


def test_1_a_planted_lesion_is_found_by_its_description(page: Any, planted: tuple[str, str]) -> None:
    page.get_by_label("Search", exact=True).fill(planted[1])
    page.keyboard.press("Enter")
    page.locator(".row").first.wait_for()
    names = page.locator(".name").all_inner_texts()
    assert any(planted[0] in name for name in names[:3]), names
    assert page.locator(".row mark").count()


def test_2_it_is_opened(page: Any, planted: tuple[str, str]) -> None:
    page.locator(".name", has_text=planted[0]).first.click()
    page.locator(".viewer[data-ready]").wait_for(timeout=30_000)
    assert page.locator(".report button").count() > 3


def test_3_and_scrolled_to_where_the_evidence_is(page: Any) -> None:
    viewer = page.locator(".viewer").first
    page.wait_for_timeout(300)
    before = viewer.get_attribute("data-slice")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(200)
    assert viewer.get_attribute("data-slice") != before
    page.get_by_text("Evidence for the words searched for").click()
    page.locator('button[data-do="heat"]').wait_for(timeout=60_000)


def test_4_three_like_it_are_found(page: Any) -> None:
    page.get_by_role("button", name="More like this").click()
    page.get_by_text("Like this study").wait_for(timeout=20_000)
    page.locator(".row").nth(2).wait_for(timeout=20_000)


def test_5_a_cohort_is_made(page: Any) -> None:
    page.get_by_role("link", name="Cohorts").click()
    page.get_by_label("Name", exact=True).wait_for(timeout=20_000)
    page.get_by_label("Name", exact=True).fill("like my lesion")
    page.keyboard.press("Enter")
    freeze = page.get_by_role("button", name="Freeze this list")
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect(freeze).to_be_enabled(timeout=20_000)
    freeze.click()
    page.get_by_text("Frozen as version 1").wait_for(timeout=20_000)


def test_6_and_taken_away(page: Any, tmp_path: Path) -> None:
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="Prepare the export").click()
    button = page.get_by_role("button", name="Download the zip")
    button.wait_for(timeout=30_000)
    with page.expect_download() as told:
        button.click()
    told.value.save_as(tmp_path / "cohort.zip")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "cohort.zip").read_bytes())) as packed:
        assert {"studies.csv", "manifest.json"} <= {Path(name).name for name in packed.namelist()}
