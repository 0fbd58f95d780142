"""`adapt` from rows to a switch and back, over an archive without pixels: what is stored is all that it reads."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from archives import copy_of_home
from parts_encoder import BINS, Greys, PartsEncoder, Words
from sqlalchemy import text as sql
from taught_home import FACTS

import spinecho
import spinecho.learning.adapting
from spinecho.db.errors import StorageFailure
from spinecho.db.files import file_index, runs
from spinecho.db.reports import study_matching
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import (
    Listing,
    NewClause,
    NewPassage,
    NewRegions,
    NewReport,
    NewSeries,
    NewVolume,
    Scanned,
    Stat,
)
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.networks.parts_of_volumes import GRID
from spinecho.encoders.registry import ENCODERS
from spinecho.encoders.training.adapting import FitConfig
from spinecho.setup.private import private_files

QUICK = FitConfig(steps=20, every=10, batch=32, width=48, dim=32)
FINDINGS = ("a bright coin", "a dark hoop", "some pale stripes", "one grey swarm", "a round target")


def parts(_: str) -> DualEncoder:
    image = PartsEncoder()
    return DualEncoder("parts", image, Words(), Greys(image.space))


def store(database: Database, patients: int, *, text: str | None = None) -> None:
    """Scans that show one of five findings in their regions, with reports that name it."""
    rng, ids, image, words = np.random.default_rng(2), {}, parts("").image.space, Words()
    looks = rng.normal(size=(len(FINDINGS), BINS))
    spaces = [
        storing.serve(
            database, role, model=one.model, revision=one.revision, preprocessing=one.preprocessing, dim=one.dim,
            encoder="parts",
        ).id
        for role, one in (("image", image), ("text", words.space))
    ]  # fmt: skip
    run = runs.start_run(database, ["/data"])
    file_index.compare(database, root="/data", run=run, listings=[Listing("/data/x", ())])
    names = [*(f"{n}.dcm" for n in range(patients)), "reports.csv"]
    file_index.record(database, run, [Scanned("/data/x", Stat(name, 1, 1), "dicom") for name in names])
    with database.begin() as session:
        ids = {str(name): number for name, number in session.execute(sql("SELECT name, id FROM files"))}
    reports, meaning = [], pack(words.encode(["x"])[0])
    for n in range(patients):
        cells = 1.0 + 0.3 * rng.normal(size=(27, BINS))
        cells[n % 3] += 3 * looks[n % len(FINDINGS)]
        cells /= np.linalg.norm(cells, axis=1, keepdims=True)
        whole = cells.mean(axis=0) / np.linalg.norm(cells.mean(axis=0))
        volume = NewVolume(
            "0", FACTS, (8, 8, 8), (), {}, (ids[f"{n}.dcm"],), b"", pack(whole.astype(np.float32)),
            NewPassage("header", 0, 0, 5, "FLAIR", "present", "", meaning),
            NewRegions(GRID, pack(cells.astype(np.float32))),
        )  # fmt: skip
        study = {
            "uid": f"1.2.{n}", "accession_number": "", "patient_id": f"P{n}", "date": None, "description": "",
            "sex": None, "age_years": None,
        }  # fmt: skip
        series = {"uid": f"1.2.{n}.1", "number": 1, "description": "", "protocol": ""}
        storing.store_series(
            database, run, NewSeries(study, series, [volume]), image_space=spaces[0], text_space=spaces[1]
        )
        said = text or f"There is {FINDINGS[n % len(FINDINGS)]} of {10 + n % 7} mm."
        clause = NewClause(0, len(said), said, "present")
        passage = NewPassage("findings", 0, 0, len(said), said, "present", "", meaning, (clause,))
        reports.append(NewReport(n + 1, "", f"1.2.{n}", said, [passage]))
    storing.store_reports(database, run, ids["reports.csv"], reports, (), text_space=spaces[1], first=True, last=True)
    study_matching.match_reports(database)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, str | None], Path]:
    """Homes by patients and by the text of every report, made once."""

    @cache
    def made(patients: int, text: str | None) -> Path:
        home = tmp_path_factory.mktemp("adapt") / "home"
        with private_files(), pytest.MonkeyPatch.context() as patch:
            patch.setitem(ENCODERS, "parts", parts)
            home.mkdir(mode=0o700)
            database = Database.open(home / "spinecho.sqlite")
            store(database, patients, text=text)
            database.close()
        return home

    return made


@pytest.fixture
def archive(
    request: pytest.FixtureRequest,
    homes: Callable[[int, str | None], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[spinecho.Archive]:
    monkeypatch.setitem(ENCODERS, "parts", parts)
    monkeypatch.setattr(spinecho.learning.adapting, "FitConfig", lambda minutes: QUICK)
    copy_of_home(homes(*getattr(request, "param", (200, None))), tmp_path / "home")
    with spinecho.open(tmp_path / "home", device="cpu") as opened:
        yield opened


def live(archive: spinecho.Archive) -> list[tuple[str, str]]:
    return [(one.encoder.partition("-")[0], one.state) for one in archive.encoders.list()]


def test_an_archive_adapts_its_encoder_switches_to_it_and_goes_back(archive: spinecho.Archive, tmp_path: Path) -> None:
    stages: set[str] = set()
    made = archive.adapt(switch=True, on_progress=lambda stage, *_: stages.add(stage))
    assert made.better, made.why
    assert made.encoder.startswith("adapted:adapted-")
    assert made.added is not None
    assert made.added.volumes == 200
    assert made.added.series == 0, "no scan is read again"
    assert {"read sentences", "train", "encode"} <= stages
    assert live(archive) == [("adapted:adapted", "serves"), ("parts", "before")]
    assert not (tmp_path / "home" / "encoders" / ".adapting").exists()
    with spinecho.open(tmp_path / "home", device="cpu") as again:
        found = [hit.study.uid for hit in again.search("a bright coin", k=5, by="scans") if hit.study]
        assert found
        assert {int(uid.rpartition(".")[2]) % len(FINDINGS) for uid in found} == {0}
        unseen = made.patients["held out"]
        told = again.evaluate(resamples=20)
        assert told.archive["patients"] == unseen, "what it learned from is neither asked nor searched"
        assert any("learned from the reports" in said for said in told.warnings)
        assert again.self_test()["pairs"] == unseen
        compared = again.encoders.compare("parts").figures["report to scan"]
        assert compared[0] is not None
        assert compared[1] is not None
        assert compared[0].value == pytest.approx(made.figures["report to scan"][2].value, abs=0.03)
    assert archive.encoders.rollback().encoder == "parts"
    assert live(archive) == [("parts", "serves"), ("adapted:adapted", "before")]


@pytest.mark.parametrize("archive", [(60, None), (200, "There is a bright coin.")], indirect=True)
def test_too_little_to_learn_from_is_said_and_nothing_is_changed(archive: spinecho.Archive) -> None:
    with pytest.raises(spinecho.learning.adapting.NotAdaptable, match=r"takes 150|word for word"):
        archive.adapt()
    assert live(archive) == [("parts", "serves")]


@pytest.mark.parametrize("stop", ["train", "encode"])
def test_a_run_that_stops_anywhere_leaves_what_answers_and_goes_on(archive: spinecho.Archive, stop: str) -> None:
    def interrupt(stage: str, done: int, known: int) -> None:
        if stage == stop and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive.adapt(switch=True, on_progress=interrupt)
    assert live(archive)[0] == ("parts", "serves")
    made = archive.adapt(switch=True)
    assert made.better
    assert live(archive) == [("adapted:adapted", "serves"), ("parts", "before")]


def test_a_full_disk_is_said_before_anything_is_done(
    archive: spinecho.Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(Path.cwd())._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(StorageFailure, match="adapting takes about"):
        archive.adapt()
    assert live(archive) == [("parts", "serves")]
