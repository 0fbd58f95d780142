"""What leaves a page as a file is on record at the click; a table has no button that goes past the record."""

from __future__ import annotations

from pathlib import Path

from archives import copy_of_home
from pages import DemoHome, acts

from benchmarks.browser import SECRET, Chrome, serve


def test_a_download_is_on_record_at_the_click_and_tables_have_none(
    demo_home: DemoHome, tmp_path: Path, chrome: Chrome
) -> None:
    home = tmp_path / "home"
    copy_of_home(demo_home.home, home)
    with serve(home) as address:
        page = chrome.new_context(accept_downloads=True).new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{address}/?secret={SECRET}")  # a download carries the cookie, and no header of Playwright's
        page.goto(f"{address}/archive")
        table = page.get_by_test_id("stDataFrame").first
        table.hover()
        page.get_by_role("button", name="Search").first.wait_for()
        assert page.get_by_test_id("stElementToolbar").first.is_visible()
        assert not any(one.is_visible() for one in page.locator('[aria-label^="Download as CSV"]').all())
        page.goto(f"{address}/cohorts")
        page.get_by_text("Freeze this list").wait_for()
        page.get_by_label("Name", exact=True).fill("everybody")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Freeze this list", disabled=False).click()
        page.get_by_text("Frozen as version").wait_for()
        page.get_by_text("Export", exact=True).click()
        page.get_by_role("button", name="Prepare the export").click()
        button = page.get_by_role("button", name="Download the zip")
        button.wait_for()
        assert not acts(home, "download")
        with page.expect_download() as started:
            button.click()
        size = Path(started.value.path()).stat().st_size
        (act,) = acts(home, "download")
        assert (act.facts["version"], act.facts["bytes"]) == (1, size)
