"""The contract of both doors once more, over HTTP with the rows in PostgreSQL: a few tests of it, or all on demand.

SPINECHO_TEST_CONTRACT=whole runs every test of `test_contract` and `test_both_doors`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import copy_of_home
from doors import SECRET, answering
from servers import Server

import spinecho
from spinecho.archive import Archive
from spinecho.maintaining.upkeep import copy_database
from spinecho.setup.settings import read_settings
from tests.front_door import test_both_doors, test_contract
from tests.front_door.test_both_doors import afar, flair

__all__ = ["afar", "flair"]
WHOLE = os.environ.get("SPINECHO_TEST_CONTRACT") == "whole"
ALWAYS = {
    "test_searches_are_the_same", "test_counts_are_the_same", "test_thumbs_are_kept_through_either",
    "test_facets_failures_and_whose_acts_these_are", "test_a_cohort_from_its_rules_to_its_end", "test_tokens",
    "test_the_record",
}  # fmt: skip
for _module in (test_contract, test_both_doors):
    for _name, _test in vars(_module).items():
        if _name.startswith("test_") and (WHOLE or _name in ALWAYS):
            globals()[_name] = _test


@pytest.fixture(scope="module")
def moved(shared: Path, postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(a home, the database on a server that its rows were copied to)"""
    home = tmp_path_factory.mktemp("moved") / "home"
    copy_of_home(shared, home)
    url = postgresql.make("contract")
    copy_database(home, url)
    for file in home.glob("spinecho.sqlite*"):
        file.unlink()
    return home, url


@pytest.fixture(scope="module")
def address(moved: tuple[Path, str]) -> Iterator[str]:
    home, url = moved
    with answering(home, database=url) as at:
        yield at


@pytest.fixture(scope="module")
def here(moved: tuple[Path, str]) -> Iterator[Archive]:
    home, url = moved
    with Archive(read_settings(home=home, device="cpu", environment={"SPINECHO_DATABASE": url})) as archive:
        yield archive


@pytest.fixture(scope="module")
def archive(here: Archive) -> Archive:
    return here


@pytest.fixture(scope="module")
def first(here: Archive) -> str:
    study = here.search("lesion")[0].study
    assert study is not None
    return study.uid


@pytest.fixture(scope="module")
def door(address: str) -> Iterator[Any]:
    with spinecho.connect(address, token=SECRET) as remote:
        yield remote


@pytest.fixture
def cohorts_door(door: Any) -> Any:
    return door


def test_the_names_of_the_selection_are_tests() -> None:
    assert {name for name in ALWAYS if name in globals()} == ALWAYS


def test_a_server_over_postgresql_answers_as_the_file_does(door: Any, shared: Path) -> None:
    with spinecho.open(shared, device="cpu") as file:
        for asked in ({"words": "lesion"}, {"where": "sequence=T1"}, {"words": "no lesion", "reports": True, "k": 2}):
            ours, theirs = file.search(**asked), door.search(**asked)  # type: ignore[arg-type]
            assert [(one.rank, one.study, round(one.score, 4)) for one in ours] == [
                (one.rank, one.study, round(one.score, 4)) for one in theirs
            ]
        assert door.facets("sequence", "sex", where="age>1") == file.facets("sequence", "sex", where="age>1")
