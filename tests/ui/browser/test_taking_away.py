"""What leaves a page as a file is on record at the click; a table has no button that goes past the record."""

from __future__ import annotations

from pathlib import Path

from pages import acts
from waiting import becomes, eventually, settled

from benchmarks.browser import SECRET, Chrome


def test_a_download_is_on_record_at_the_click_and_tables_have_none(
    served_home: tuple[str, Path], chrome: Chrome
) -> None:
    address, home = served_home
    context = chrome.new_context(accept_downloads=True)
    page = context.new_page()
    # The first page carries the secret: a download carries the cookie, and no header of Playwright's. Another page
    # opened before this one would open the archive too, and this one would wait for both.
    page.goto(f"{address}/archive?secret={SECRET}", wait_until="commit")
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for()  # of a room that nobody has asked yet, on a busy machine
    table.hover()
    page.get_by_role("button", name="Search").first.wait_for()
    eventually(page, page.get_by_test_id("stElementToolbar").first.is_visible)
    eventually(page, lambda: not any(one.is_visible() for one in page.locator('[aria-label^="Download as CSV"]').all()))
    page.goto(f"{address}/cohorts")
    page.get_by_text("Freeze this list").wait_for()
    page.get_by_label("Name", exact=True).fill("taken away")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Freeze this list", disabled=False).click()
    page.get_by_text("Frozen as version").wait_for()
    before = len(acts(home, "download"))  # there is a record by now
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="Prepare the export").click()
    link = page.get_by_role("link", name="Download the zip")
    link.wait_for()
    settled(page)
    assert len(acts(home, "download")) == before
    link.click()
    becomes(page, lambda: len(acts(home, "download")), before + 1)
    taken = context.request.get(f"{address}{link.get_attribute('href')}").body()  # the same, by the browser's cookie
    becomes(page, lambda: len(acts(home, "download")), before + 2)
    assert [(act.facts["version"], act.facts["bytes"]) for act in acts(home, "download")[:2]] == [(1, len(taken))] * 2
    assert page.url.endswith("/cohorts")  # what is handed out takes nobody away from the page
    context.close()
