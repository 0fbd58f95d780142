"""One browser and one served room for the tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from archives import copy_of_home
from pages import DemoHome

from benchmarks import browser
from spinecho.encoders.sandbox.environment import module_path


@pytest.fixture(scope="session")
def chrome() -> Iterator[browser.Chrome]:
    """Debian's Chromium, else Playwright's own."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="pages are looked at with playwright: pip install '.[dev]'"
    )
    with ExitStack() as opened:
        try:
            started = opened.enter_context(browser.chrome())
        except sync_api.Error as error:  # one that is there and does not start is a failure
            if "Executable doesn't exist" not in str(error):
                raise
            pytest.skip("no browser to look with; Debian's chromium, or 'playwright install chromium', brings one")
        sync_api.expect.set_options(timeout=browser.PATIENCE_MS)
        yield started


LATE = """(() => {
    const listen = WebSocket.prototype.addEventListener;
    WebSocket.prototype.addEventListener = function (kind, heard, ...more) {
        const later = message => setTimeout(() => heard.call(this, message), window.late ?? LATE_MS);
        return listen.call(this, kind, kind === "message" ? later : heard, ...more);
    };
})()""".replace("LATE_MS", str(int(os.environ.get("SPINECHO_LATE_MS", "0"))))
"""Everything from the server comes `window.late` milliseconds later than it was sent, in its order."""


@pytest.fixture
def tab(chrome: browser.Chrome) -> Iterator[Any]:
    """An empty page, wide enough for everything; no script may fail in it."""
    context = chrome.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(LATE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert not errors
    context.close()


@pytest.fixture(scope="session")
def served(served_home: tuple[str, Path]) -> str:
    """The address of a room over a copy of the demonstration."""
    return served_home[0]


@pytest.fixture
def page(served: str, tab: Any) -> Any:
    """The search page of that room."""
    tab.goto(served)
    tab.get_by_label("Search", exact=True).wait_for()
    return tab


@pytest.fixture(scope="session")
def served_home(demo_home: DemoHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(its address, the home)"""
    home = tmp_path_factory.mktemp("served") / "home"
    copy_of_home(demo_home.home, home)
    heard = home.parent / "heard"
    listening = os.pathsep.join((str(Path(__file__).parents[1] / "outside"), *module_path()))
    with browser.serve(home, environment={"PYTHONPATH": listening, "SPINECHO_TEST_OUTSIDE": str(heard)}) as address:
        yield address, home
    assert not heard.exists(), f"the room spoke to other machines: {heard.read_text()}"
