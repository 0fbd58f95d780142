"""Reading the pages as AppTest gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import pytest
from archives import copy_of_home
from streamlit.testing.v1 import AppTest

from spinecho.db.people.record import Entry, Record

PAGE = Path(__file__).resolve().parents[1] / "ui" / "page.py"


class DemoHome(Protocol):
    """What the fixture `demo_home` gives."""

    archive: Path
    home: Path
    hostile_study: str
    hostile_series: str
    hostile_sentence: str


class Indexed(Protocol):
    """What the fixture `indexed` gives: a folder of DICOM and reports, and the home that it was indexed into."""

    files: Path
    home: Path


def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("SPINECHO_HOME", str(home))
    monkeypatch.setenv("SPINECHO_DEVICE", "cpu")
    return calm(AppTest.from_file(str(PAGE), default_timeout=120).run())


def calm(page: AppTest) -> AppTest:
    assert not page.exception, [error.message for error in page.exception]
    return page


def ask(page: AppTest, words: str) -> AppTest:
    return calm(page.text_input(key="words").set_value(words).run())


def texts(page: AppTest) -> list[str]:
    return [element.value for element in page.text]


def component(page: AppTest, name: str) -> dict[str, Any] | None:
    """What a component of ours was given; None where it is not on the page."""
    for element in page.get("bidi_component"):
        if element.proto.component_name == name:
            held = element.proto
            found = json.loads(held.json or held.mixed.json)
            return found if isinstance(found, dict) else {"rows": found}
    return None


def listed(page: AppTest) -> dict[str, Any]:
    """What the list of results shows."""
    found = component(page, "spinecho_results")
    assert found is not None, "no list of results"
    return found


def rows(page: AppTest) -> list[str]:
    """The studies' UIDs, best first."""
    return [hit["uid"] for hit in listed(page)["hits"]]


def sentences(page: AppTest) -> list[str]:
    return ["".join(piece["t"] for piece in one["pieces"]) for hit in listed(page)["hits"] for one in hit["sentences"]]


def page_of(name: str, *, role: str = "manager") -> AppTest:
    """A page drawn for a person of a role, over the home that the environment names."""
    script = f"""
from spinecho.search.access.personal_archive import Person, Role
from spinecho.ui.views.style import trouble
from spinecho.ui.views.session.opened import enter
from spinecho.ui.views.{name}.page import {name}_page
from spinecho.setup.settings import read_settings
{name}_page(enter(read_settings(), Person("ada", Role("{role}"))))
"""
    return AppTest.from_string(script, default_timeout=120)


def acts(home: Path, action: str | None = None) -> tuple[Entry, ...]:
    """What the record of a home says, newest first."""
    record = Record.open(home / "record.sqlite", write=False)
    try:
        return record.entries(action=action, most=10_000)
    finally:
        record.close()


def private_home(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a home that a test may write into, and the environment that names it."""
    copy = copy_of_home(home, folder / "home")
    monkeypatch.setenv("SPINECHO_HOME", str(copy))
    monkeypatch.setenv("SPINECHO_DEVICE", "cpu")
    return copy
