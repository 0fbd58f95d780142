"""The picture of the first notebook with its results: python docs/site/notebook_picture.py (make screenshots).

Runs it on demo/home, as `make demo` leaves it, and draws what a browser shows of it. Nothing is fetched: what the page
would load from elsewhere (formulas) is refused.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from playwright.sync_api import sync_playwright

TOP = Path(__file__).resolve().parents[2]
NOTEBOOK = TOP / "docs" / "notebooks" / "find-and-look.ipynb"
PICTURE = TOP / "docs" / "screens" / "notebook.png"
WIDTH, HEIGHT = 1100, 1700


def main() -> None:
    """Run, turn into HTML, draw."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(TOP)}}).execute()
    page, _ = HTMLExporter(theme="dark").from_notebook_node(notebook)
    with sync_playwright() as tools:
        system = shutil.which("chromium") or shutil.which("google-chrome")
        browser = tools.chromium.launch(executable_path=system)
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.route("**/*", lambda route: route.abort())
        tab.set_content(page)
        tab.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
