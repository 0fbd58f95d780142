"""Others' encoders from a hub on this machine: verified, converted, embedded beside; and what is recommended."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from archives import copy_of_home
from hub_server import COMMIT, Hub, serving
from pages import acts
from parts_encoder import brain, write_nifti
from published_formats import save_biomedclip, save_hlip
from typer.testing import CliRunner

import spinecho
from spinecho.db.queries.learning.recommending import ArchiveContents
from spinecho.encoders.catalogue import PUBLISHED, published
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.measuring.figures import Figure
from spinecho.encoders.pip_weights import unsound_weights
from spinecho.encoders.registry import CHECKPOINTS
from spinecho.learning.encoder_advice import Machine, suggestions
from spinecho.learning.encoder_trials import LicenceNotAccepted, judged, wanted
from spinecho.ui.cli.app import app

BIOMEDCLIP = published("biomedclip")
PICKLE = "open_clip_pytorch_model.bin"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub") / "repository"
    save_biomedclip(folder, pickled=True)
    (folder / "README.md").write_text("# BiomedCLIP")
    (folder / "training.py").write_text("raise SystemExit")
    assert BIOMEDCLIP is not None
    with serving(Hub(BIOMEDCLIP.repository, folder)) as served:
        yield served


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trials")
    for number, sequence in enumerate(("T1w", "T2w")):
        write_nifti(folder / "scans" / "sub-0" / f"sub-0_{sequence}.nii.gz", brain(number))
    with spinecho.open(folder / "home", create=True, device="cpu") as archive:
        archive.index(folder / "scans", workers=1)
    return folder / "home"


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    copy_of_home(made, tmp_path / "home")
    return tmp_path / "home"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_from_the_hub_to_beside_the_encoder_that_answers(home: Path, hub: Hub) -> None:
    digest = sha256(hub.folder / PICKLE)
    with spinecho.open(home, device="cpu") as archive:
        done = archive.encoders.try_out("biomedclip", source=hub.address, digest=digest, accept_licence=True)
        assert done.fetched is not None
        assert done.fetched.converted is not None
        assert done.added is not None
        folder = home / "encoders" / "biomedclip"
        assert done.fetched.commit == COMMIT
        assert done.fetched.checked[PICKLE] == "the digest that was given"
        assert done.fetched.checked["tokenizer.json"] == "Git's digest of the repository"
        assert done.fetched.converted.before == digest
        assert sha256(folder / "open_clip_model.safetensors") == done.fetched.converted.after
        assert not (folder / PICKLE).exists()
        assert not (folder / "training.py").exists()
        assert json.loads((folder / "source.json").read_text())["converted"]["before"] == digest
        assert not list(unsound_weights(home / "encoders"))
        assert (done.encoder, done.added.encoder.state, done.added.ahead) == ("open-clip:biomedclip", "beside", 0)
        assert (done.better, done.switched) == (False, False)
        assert "nothing could be measured" in done.why
        asked = len(hub.asked)
        again = archive.encoders.try_out("biomedclip", only_fetch=True)
        assert (again.fetched, len(hub.asked)) == (None, asked)
        archive.encoders.switch("open-clip:biomedclip")
    with spinecho.open(home, device="cpu") as archive:
        assert len(archive.search("left mass")) == 1
    (folder / "tokenizer.json").write_text("{}")
    assert "biomedclip/tokenizer.json is missing, or is not the file" in str(list(unsound_weights(home / "encoders")))
    assert "try-encoder" in {act.action for act in acts(home)}


def test_an_encoder_of_studies_gives_each_scan_the_vector_of_its_study(home: Path, tmp_path: Path) -> None:
    """Its folder's name says nothing here: what layers attend within is told by the repository it is from."""
    save_hlip(tmp_path / "brought")
    with spinecho.open(home, device="cpu") as archive:
        done = archive.encoders.try_out("hlip", source=str(tmp_path / "brought"), accept_licence=True)
        assert done.added is not None
        assert (done.encoder, done.added.volumes, done.added.ahead) == ("hlip:hlip", 2, 0)
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as rows:
        space = f"WHERE space_id = {done.added.encoder.number}"
        vectors = rows.execute(f"SELECT data FROM vectors {space}").fetchall()
        assert rows.execute("SELECT count(*) FROM studies").fetchone() == (1,)
    assert len(vectors) == 2
    assert len(set(vectors)) == 1


def refused(home: Path, match: str, **options: Any) -> None:
    options = {"accept_licence": True, "only_fetch": True} | options
    with spinecho.open(home, device="cpu") as archive, pytest.raises(EncoderUnavailable, match=match):
        archive.encoders.try_out("biomedclip", **options)
    assert not any((home / "encoders").glob("*"))


def test_a_digest_that_does_not_match_is_refused_and_nothing_kept(
    home: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(home, r"52cc993c.* is known: its authors have changed it", source=hub.address)
    refused(home, "no file of weights has the sha256 0000", source=hub.address, digest="0" * 64)
    monkeypatch.setitem(hub.lies, PICKLE, "1" * 64)
    refused(home, f"{PICKLE} has the sha256 .* its repository states 1111", source=hub.address)


def test_nothing_is_fetched_before_the_licence_is_accepted(home: Path, hub: Hub) -> None:
    asked = len(hub.asked)
    with spinecho.open(home, device="cpu") as archive, pytest.raises(LicenceNotAccepted) as shown:
        archive.encoders.try_out("biomedclip", source=hub.address)
    assert (shown.value.terms.licence, shown.value.terms.on_card) == ("MIT", "mit")
    assert "meant for research alone" in str(shown.value)
    assert len(hub.asked) == asked
    ran = CliRunner().invoke(app, ["encoders", "try", "biomedclip", "--from", hub.address, "--home", str(home)])
    assert ran.exit_code == 2
    assert "licence MIT (https://opensource.org/license/mit), its card states 'mit'" in " ".join(ran.output.split())


def test_a_folder_that_was_brought_here(home: Path, tmp_path: Path) -> None:
    """Nobody states digests there: the table's is asked for, and what is in no table is said to be unchecked."""
    save_biomedclip(tmp_path / "other")
    arguments = ["--from", str(tmp_path / "other"), "--only-fetch", "--accept-licence", "--home", str(home)]
    ran = CliRunner().invoke(app, ["encoders", "try", "open-clip:somebody/Tiny-CLIP", *arguments])
    assert ran.exit_code == 0, ran.output
    assert "no digest was known to hold it against" in " ".join(ran.output.split())
    with spinecho.open(home, device="cpu") as archive, pytest.raises(EncoderUnavailable, match="is taken by somebody"):
        archive.encoders.try_out("clip:else/Tiny-CLIP", only_fetch=True)
    refused_names = ("nothing", "clip:nothing", "clip:a/../b", "else:a/b")
    for name in refused_names:
        with pytest.raises(EncoderUnavailable, match="none that is known here"):
            wanted(name)


def test_a_repository_without_weights_or_with_names_that_are_none(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(home, "holds no weights", source=str(tmp_path / "empty"))
    refused(home, "there is no folder", source=str(tmp_path / "nowhere"))
    for name in ("a.pt", "b.pt"):
        (tmp_path / "empty" / name).write_bytes(b"x")
    refused(home, r"holds several pickles \(a\.pt, b\.pt\)", source=str(tmp_path / "empty"))


def figure(value: float, low: float, high: float) -> Figure:
    return Figure(value, 0.1, (low, high), 100, 100)


@pytest.mark.parametrize(
    ("before", "after", "everything", "better", "said"),
    [
        (figure(0.2, 0.1, 0.3), figure(0.4, 0.3, 0.5), (0.1, 0.2), True, "better here"),
        (figure(0.2, 0.1, 0.3), figure(0.3, 0.15, 0.4), (0.1, 0.2), False, "not certainly better"),
        (figure(0.2, 0.1, 0.3), figure(0.4, 0.3, 0.5), (0.2, 0.1), False, "less often among all"),
        (None, figure(0.4, 0.3, 0.5), (0.1, 0.2), True, "cannot be asked that"),
        (figure(0.2, 0.1, 0.3), None, (0.1, None), False, "spinecho adapt"),
    ],
)
def test_what_is_better(before: Any, after: Any, everything: Any, better: bool, said: str) -> None:
    whole = tuple(None if value is None else figure(value, 0.0, 1.0) for value in everything)
    found, why = judged({"report to scan, one region and sequence": (before, after), "report to scan": whole})  # type: ignore[dict-item]
    assert found is better
    assert said in why


CARD = Machine(16, 128.0, "cuda", 140.0, 300_000.0, 500_000.0, network=True)
LAPTOP = Machine(4, 16.0, "cpu", 0.0, 100.0, 50_000.0, network=True)
BRAINS = ArchiveContents(100_000, 20_000, {"brain": 100_000}, 9_000, 15_000, ("No mass.",))


def worth(contents: ArchiveContents, languages: dict[str, float], machine: Machine) -> dict[str, tuple[str, str]]:
    regions = {name: count / max(1, contents.volumes) for name, count in contents.regions.items()}
    return {one.name: (one.worth, one.why) for one in suggestions(contents, regions, languages, machine)}


def test_what_is_recommended_follows_from_the_archive_and_the_machine() -> None:
    english = {"en": 1.0}
    card = worth(BRAINS, english, CARD)
    assert next(iter(card)) == "adapt"
    assert {name for name, (when, _) in card.items() if when == "now"} == {"adapt", "hlip", "medsiglip", "biomedclip"}
    laptop = worth(BRAINS, english, LAPTOP)
    assert laptop["medsiglip"][0] == "not here"
    assert "days on this CPU" in laptop["medsiglip"][1]
    knees = worth(replace(BRAINS, regions={"knee": 100_000}), english, CARD)
    assert knees["hlip"] == ("not here", "0% of the scans are of what it was made for (brain)")
    german = worth(BRAINS, {"de": 0.9, "en": 0.1}, CARD)
    assert german["multilingual-e5-small"][0] == "now"
    assert german["pubmedbert-base-embeddings"][0] == "not here"
    few = worth(replace(BRAINS, patients=20, reported_studies=20), english, CARD)
    assert few["adapt"] == ("later", "reports of 20 patients, and it takes 150")
    assert "few studies have reports" in few["medsiglip"][1]
    offline = worth(BRAINS, english, replace(CARD, network=False))
    assert offline["hlip"][0] == "later"
    assert "--from FOLDER" in offline["hlip"][1]
    full = worth(BRAINS, english, replace(CARD, free_mb=10.0))
    assert "10 MB are free" in full["biomedclip"][1]


def test_a_recommendation_for_an_archive_as_a_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    ran = CliRunner().invoke(app, ["encoders", "recommend", "--home", str(home), "--device", "cpu", "--json"])
    assert ran.exit_code == 0, ran.output
    said = json.loads(ran.stdout)
    assert (said["volumes"], said["patients_with_reports"], said["machine"]["network"]) == (2, 0, False)
    assert {one["name"] for one in said["suggestions"]} == {"adapt", *(one.name for one in PUBLISHED)}
    assert all(one["hours"] >= 0 for one in said["suggestions"])
    shown = CliRunner().invoke(app, ["encoders", "recommend", "--home", str(home), "--device", "cpu"])
    assert "no hub answers" in shown.output


def test_every_published_encoder_can_be_opened_by_its_kind() -> None:
    assert {one.kind for one in PUBLISHED} <= {*CHECKPOINTS, ""}
    assert all(len(digest) == 64 for one in PUBLISHED for digest in one.sha256.values())
    assert len({one.name for one in PUBLISHED}) == len({one.repository for one in PUBLISHED}) == len(PUBLISHED)
