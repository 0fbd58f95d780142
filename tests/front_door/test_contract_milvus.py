"""The contract of both doors once more, with the rows in PostgreSQL and the vectors in a real Milvus.

Run by `make test-servers`. SPINECHO_TEST_CONTRACT=whole runs every test of `test_contract` and `test_both_doors`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import copy_of_home
from doors import answering
from milvus_servers import running_milvus
from servers import Server

import spinecho
from spinecho.archive import Archive
from spinecho.maintaining.upkeep import copy_database
from spinecho.setup.settings import read_settings
from tests.front_door import test_both_doors, test_contract
from tests.front_door.test_both_doors import afar, flair
from tests.front_door.test_contract_postgresql import ALWAYS, archive, cohorts_door, door, first

__all__ = ["afar", "archive", "cohorts_door", "door", "first", "flair"]
WHOLE = os.environ.get("SPINECHO_TEST_CONTRACT") == "whole"
for _module in (test_contract, test_both_doors):
    for _name, _test in vars(_module).items():
        if _name.startswith("test_") and (WHOLE or _name in ALWAYS):
            globals()[_name] = _test


@pytest.fixture(scope="module")
def milvus() -> Iterator[str]:
    with running_milvus() as server:
        yield server.address


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def moved(
    milvus: str, shared: Path, postgresql: Server, tmp_path_factory: pytest.TempPathFactory, patched: pytest.MonkeyPatch
) -> tuple[Path, dict[str, str]]:
    """(a home, the settings of servers that hold what it held)"""
    home = tmp_path_factory.mktemp("moved") / "home"
    copy_of_home(shared, home)
    url = postgresql.make("contract_of_milvus")
    copy_database(home, url)
    for file in home.glob("spinecho.sqlite*"):
        file.unlink()
    patched.setattr("spinecho.db.vectors.servers.server_index.EXACT_UP_TO", 0)  # however few: the server is asked
    environment = {"SPINECHO_DATABASE": url, "SPINECHO_VECTORS": milvus}
    with Archive(read_settings(home=home, device="cpu", environment=environment)) as archive:
        assert all(not one.error for one in archive.builds.sync())
    return home, environment


@pytest.fixture(scope="module")
def address(moved: tuple[Path, dict[str, str]]) -> Iterator[str]:
    home, given = moved
    with answering(home, database=given["SPINECHO_DATABASE"], vectors=given["SPINECHO_VECTORS"]) as at:
        yield at


@pytest.fixture(scope="module")
def here(moved: tuple[Path, dict[str, str]]) -> Iterator[Archive]:
    with Archive(read_settings(home=moved[0], device="cpu", environment=moved[1])) as archive:
        yield archive


def test_answers_come_from_milvus_and_are_those_of_the_file(door: Any, shared: Path) -> None:
    with spinecho.open(shared, device="cpu") as file:
        for asked in ({"words": "lesion"}, {"words": "cyst", "where": "sequence=T1"}):
            ours, theirs = file.search(**asked), door.search(**asked)  # type: ignore[arg-type]
            assert [(one.study, round(one.score, 4)) for one in ours] == [
                (one.study, round(one.score, 4)) for one in theirs
            ]
            assert "milvus" in str(theirs.to_json()["build"])
