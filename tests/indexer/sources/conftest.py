"""One Orthanc and one home for all pulls, small studies to fill them with, and homes of their own for watches."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from orthancs import PASSWORD, Orthanc, orthanc
from small_studies import small_study

import spinecho
from spinecho.archive import Archive


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """pynetdicom leaves sockets to the garbage collector: in the module that opened them, not in another."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of three studies of two series of two slices."""
    folder = tmp_path_factory.mktemp("phantoms")
    return [path for number in range(3) for path in small_study(folder, number, slices=2)]


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory, phantoms: list[Path]) -> Iterator[Orthanc]:
    """A server that holds the phantoms; tests that change it start their own."""
    with orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        server.fill(phantoms)
        server.wait_stable()
        yield server


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's password stands in the environment."""
    monkeypatch.setenv("TEST_PACS_PASSWORD", PASSWORD)
    monkeypatch.delenv("SPINECHO_DATABASE", raising=False)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """The archive of a home of the test's own."""
    with spinecho.open(tmp_path / "home", device="cpu", create=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def pulling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """An archive that all pulls share: each has a source, and so a spool, of its own, and nothing is indexed."""
    with spinecho.open(tmp_path_factory.mktemp("pulling") / "home", device="cpu", create=True) as opened:
        yield opened
