"""Encoders of an archive over both doors of this machine: another one beside, the switch, back, retired."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import copy_of_home
from pages import acts
from parts_encoder import brain, write_nifti
from typer.testing import CliRunner

import spinecho
from spinecho.db.store.held_spaces import SwitchRefused
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.measuring.figures import EvaluationError
from spinecho.encoders.registry import ENCODERS
from spinecho.ui.cli.app import app

OTHER = "slices-minilm"


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with another encoder beside."""
    folder = tmp_path_factory.mktemp("encoders")
    home = folder / "home"
    for number in range(2):
        write_nifti(folder / "scans" / f"sub-{number}" / f"{number}_T1w.nii.gz", brain(number))
    with spinecho.open(home, create=True, device="cpu") as archive:
        archive.index(folder / "scans", workers=1)
        done = archive.encoders.add(OTHER)
        assert (done.ahead, done.switched, done.warnings) == (0, False, ())
        assert done.encoder.state == "beside"
        assert done.volumes == done.encoder.vectors == archive.status()["archive"]["volumes"]
    return home


@pytest.fixture
def archive_of_two(added: Path, tmp_path: Path) -> Iterator[spinecho.Archive]:
    copy_of_home(added, tmp_path / "home")
    with spinecho.open(tmp_path / "home", device="cpu") as archive:
        yield archive


def run(home: Path, *arguments: str, status: int = 0) -> Any:
    done = CliRunner().invoke(app, ["encoders", *arguments, "--home", str(home), "--json"])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def test_a_switch_is_followed_by_whoever_opens_the_archive(archive_of_two: spinecho.Archive, tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = [hit.study.uid for hit in archive_of_two.search("T1") if hit.study]
    assert [one["state"] for one in run(home, "list")["encoders"]] == ["serves", "beside"]
    switched = run(home, "switch", OTHER)
    assert (switched["encoder"], switched["state"], switched["lacking"]) == (OTHER, "serves", 0)
    assert [hit.study.uid for hit in archive_of_two.search("T1") if hit.study] == before
    with spinecho.open(home, device="cpu") as archive:
        assert archive.status()["spaces"]["image"]["encoder"] == OTHER
        hits = archive.similar(study=before[0], k=3)  # type: ignore[arg-type]
        assert len(hits)
        assert archive.encoders.rollback().encoder == "spinecho"
        assert [one.state for one in archive.encoders.list()] == ["serves", "before"]
    said = [act.action for act in acts(home)]
    assert [name for name in said if name.endswith("-encoder")][-2:] == ["roll-back-encoder", "switch-encoder"]


def lacking(archive: spinecho.Archive) -> dict[str, int]:
    return {one.encoder: one.lacking for one in archive.encoders.list()}


def test_scans_have_a_vector_of_whichever_encoder_answers_at_the_end_of_a_run(
    archive_of_two: spinecho.Archive, tmp_path: Path
) -> None:
    """A switch while a run stores what the encoder before says."""

    def switch(stage: str, done: int, _: int) -> None:
        if (stage, done) == ("read", 0):
            archive_of_two.encoders.switch(OTHER)

    write_nifti(tmp_path / "third" / "3_T1w.nii.gz", brain(3))
    done = archive_of_two.index(tmp_path / "third", workers=1, on_progress=switch)
    assert lacking(archive_of_two) == {OTHER: 0, "spinecho": 0}
    assert [said for said in done.warnings if f"1 scans that had no vector of {OTHER!r}" in said]


def test_what_cannot_be_opened_is_not_gone_back_to(
    archive_of_two: spinecho.Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_of_two.encoders.switch(OTHER)
    monkeypatch.delitem(ENCODERS, "spinecho")
    with pytest.raises(EncoderUnavailable, match="spinecho"):
        archive_of_two.encoders.rollback()
    assert [one.state for one in archive_of_two.encoders.list()] == ["serves", "before"]
    assert archive_of_two.encoders.list()[0].encoder == OTHER


def test_a_retired_encoder_is_told_from_one_that_never_was(archive_of_two: spinecho.Archive) -> None:
    encoders = archive_of_two.encoders
    number = encoders.retire(OTHER).number
    for refused in (encoders.switch, encoders.retire):
        with pytest.raises(SwitchRefused, match=f"retire {number} --undo"):
            refused(OTHER)
    encoders.retire(OTHER, undo=True)
    encoders.switch(OTHER)
    encoders.retire("spinecho")
    with pytest.raises(SwitchRefused, match="is retired"):
        encoders.rollback()


def test_retiring_and_taking_it_back(archive_of_two: spinecho.Archive, tmp_path: Path) -> None:
    encoders = archive_of_two.encoders
    with pytest.raises(SwitchRefused, match="answers now"):
        encoders.retire("spinecho")
    assert encoders.retire(OTHER).state == "retired"
    assert run(tmp_path / "home", "retire", OTHER, "--undo")["state"] == "beside"
    with pytest.raises(spinecho.QueryError, match="not retired"):
        encoders.retire(OTHER, undo=True)


def test_what_cannot_be_asked(archive_of_two: spinecho.Archive, tmp_path: Path) -> None:
    encoders = archive_of_two.encoders
    with pytest.raises(spinecho.QueryError, match="give a number of: 1"):
        encoders.switch("nothing of the kind")
    with pytest.raises(EncoderUnavailable):
        encoders.add("nothing of the kind")
    with pytest.raises(spinecho.QueryError, match="answers already"):
        encoders.add("spinecho")
    with pytest.raises(spinecho.QueryError, match="share"):
        encoders.add(OTHER, share=0.0)
    with pytest.raises(spinecho.QueryError, match="answers now"):
        encoders.compare("spinecho")
    with pytest.raises(EvaluationError, match="patients with reports in all"):
        encoders.compare(OTHER)
    assert [one.state for one in encoders.list()] == ["serves", "beside"]
    assert "no space is held" in json.dumps(run(tmp_path / "home", "switch", "99", status=2))
