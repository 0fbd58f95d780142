"""What the site's reference pages are made from: nothing that the code has may be missing in them.

That the site builds strictly, without a link that leads nowhere, is seen by `make docs`, which `make test` begins with.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import spinecho
from spinecho.encoders.errors import Reason
from spinecho.ui.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
INTERNAL = {"SPINECHO_DEMO", "SPINECHO_STARTED_BY", "SPINECHO_SERVE"}
"""No settings: a name in generated files, and what the room hands to a process that it starts."""


@pytest.fixture(scope="module")
def from_code() -> Any:
    sys.path.insert(0, str(DOCS / "site"))
    try:
        return importlib.import_module("from_code")
    finally:
        sys.path.pop(0)


def test_every_command_and_option_has_its_place(from_code: Any) -> None:
    pages = from_code.command_pages()
    table = from_code.commands_table()

    def look(name: str, command: Any) -> None:
        if below := getattr(command, "commands", {}):
            for short, one in below.items():
                look(f"{name} {short}", one)
            return
        page = pages[name.split()[1]]
        assert f" {name}\n" in page
        assert f"`{name}`" in table
        for option in (one for param in command.params for one in param.opts if one.startswith("--")):
            assert option in page or option == "--help"

    look("spinecho", typer.main.get_command(app))


def test_every_variable_that_the_code_reads_is_told(from_code: Any) -> None:
    named = {
        name
        for package in ("db", "encoders", "indexer", "search", "ui", "spinecho")
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r"\bSPINECHO_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8") + from_code.settings_table()
    assert {name for name in named - INTERNAL if f"`{name}`" not in page} == set()


def test_every_reason_is_told_with_what_helps(from_code: Any) -> None:
    table = from_code.reasons_table()
    for reason in Reason:
        assert f"| `{reason}` | {reason.remedy.split('|')[0][:20]}" in table


def test_every_public_name_is_in_the_reference(from_code: Any) -> None:
    named = set(re.findall(r"::: spinecho\.(\w+)", from_code.python_names()))
    assert named == set(getattr(spinecho, "__all__", ())) - {"__version__"}


def test_notebooks_are_kept_without_outputs() -> None:
    for path in (DOCS / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")], path.name


def test_the_readme_fits_on_one_screen() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert text.count("Not a diagnostic device") == 1
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert {"docs/radiologist.md", "docs/researcher.md", "docs/data-team.md"} <= set(links)
    assert [link for link in links if not (ROOT / link).exists()] == []
