"""A demonstration archive of three studies, indexed once, and a copy of its home for each test that changes it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from archives import copy_of_home
from doors import answering
from made_once import four_studies, made_once
from parts_encoder import brain, write_nifti
from trusting import trust

import spinecho


@dataclass(frozen=True)
class Indexed:
    """A folder of DICOM and reports, and the home that it was indexed into."""

    files: Path
    home: Path


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    once = made_once("four", four_studies)
    return Indexed(once / "archive", copy_of_home(once / "home", tmp_path_factory.mktemp("front") / "home"))


@pytest.fixture
def home(indexed: Indexed, tmp_path: Path) -> Path:
    copy_of_home(indexed.home, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def archive(indexed: Indexed) -> spinecho.Archive:
    return spinecho.open(indexed.home, device="cpu")


@pytest.fixture(scope="session")
def shared(indexed: Indexed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home for both doors, with a series of three volumes and a rejected file beside the demonstration's."""
    folder = tmp_path_factory.mktemp("doors")
    copy_of_home(indexed.home, folder / "home")
    voxels = np.stack([brain(number) for number in range(3)], axis=3)
    write_nifti(folder / "more" / "sub-1" / "sub-1_dwi.nii.gz", voxels)
    shutil.copy(Path(__file__), folder / "more" / "notes.dcm")
    with spinecho.open(folder / "home", device="cpu") as archive:
        archive.index([folder / "more"], workers=1)
    trust(folder / "home" / "spinecho.sqlite")
    return folder / "home"


@pytest.fixture(scope="session")
def address(shared: Path) -> Iterator[str]:
    """Where a server answers for it."""
    with answering(shared) as url:
        yield url


@pytest.fixture(scope="session")
def here(shared: Path) -> Iterator[spinecho.Archive]:
    """The same home, opened here."""
    with spinecho.open(shared, device="cpu") as archive:
        yield archive


@pytest.fixture(scope="session")
def first(here: spinecho.Archive) -> str:
    """UID of the study that fits best."""
    study = here.search("lesion")[0].study
    assert study is not None
    return study.uid
