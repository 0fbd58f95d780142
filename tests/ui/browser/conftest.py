"""One browser and one served room for the tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from browsing import FLAGS, Chrome, DemoHome, serve


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    """Debian's Chromium, else Playwright's own."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="pages are looked at with playwright: pip install '.[dev]'"
    )
    with sync_api.sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        try:
            browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        except sync_api.Error as error:
            pytest.skip(f"no browser to look with ('playwright install chromium' brings one): {str(error)[:120]}")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(demo_home: DemoHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a room over a copy of the demonstration."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(demo_home.home, home)
    with serve(home) as address:
        yield address
