"""Every page of the menu: no error in the browser, no serious breach of accessibility."""

from __future__ import annotations

from typing import Any

import pytest
from waiting import eventually

from benchmarks.browser import Chrome, forbidden_in

VIEWS = ("Map", "Failures", "Encoders and builds", "Record")


def serious(page: Any) -> list[tuple[str, ...]]:
    """What axe calls serious or worse, once the page stands still."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.wait_for_timeout(2500)
    return [
        (one["id"], node["html"][:160], (node["any"] or node["all"] or node["none"] or [{"message": ""}])[0]["message"])
        for one in axe.run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [("cohorts", "Description"), ("archive", "Studies by body region"), ("evaluate", "Measure on")],
)
def test_a_page_opens_and_axe_finds_nothing_serious(served: str, chrome: Chrome, path: str, text: str) -> None:
    page = chrome.new_context(viewport={"width": 1440, "height": 900}).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    forbidden = forbidden_in(page)
    page.goto(f"{served}/{path}")
    page.get_by_text(text).first.wait_for()
    assert not serious(page)
    for view in VIEWS if path == "archive" else ():
        page.get_by_text(view, exact=True).click()
        assert not serious(page), view
        if view == "Map":
            eventually(page, lambda: page.locator(".js-plotly-plot .points path").count())
    assert not errors
    assert not forbidden
    page.context.close()


def test_a_side_in_which_nothing_is_takes_no_room(served: str, chrome: Chrome) -> None:
    """Streamlit sometimes keeps it when another page is opened, which puts nothing there."""
    page = chrome.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(served)
    side = page.get_by_test_id("stSidebar")
    side.wait_for()
    page.evaluate("document.querySelector('[data-testid=stSidebarUserContent]').replaceChildren()")
    side.wait_for(state="hidden")
    page.context.close()
