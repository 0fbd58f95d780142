"""Every page of the menu: no error in the browser, no serious breach of accessibility."""

from __future__ import annotations

import pytest

from benchmarks.browser import Chrome


@pytest.mark.parametrize(
    ("path", "text"),
    [("cohorts", "Description"), ("archive", "Studies by body region"), ("evaluate", "Measure on")],
)
def test_a_page_opens_and_axe_finds_nothing_serious(served: str, chrome: Chrome, path: str, text: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = chrome.new_context(viewport={"width": 1440, "height": 900}).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{served}/{path}")
    page.get_by_text(text).first.wait_for(timeout=60_000)
    page.wait_for_timeout(2500)
    found = axe.run(page).response["violations"]
    serious = [
        (one["id"], node["html"][:160], (node["any"] or node["all"] or node["none"] or [{"message": ""}])[0]["message"])
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert not serious
    assert not errors
    page.context.close()
