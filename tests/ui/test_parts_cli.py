"""Spots and predictions at the command line, with an encoder small enough to know by heart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from parts_encoder import brain, parts_dual, plain_dual, write_nifti
from typer.testing import CliRunner, Result

from spinecho.encoders import registry
from spinecho.search.query import BoxError
from spinecho.setup.boxes import read_box
from spinecho.ui.cli.app import app
from spinecho.ui.printing import console

LEFT = (slice(0, 8), slice(8, 16), slice(4, 8))
RIGHT = (slice(16, 24), slice(8, 16), slice(4, 8))


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.out, "_width", 200)
    monkeypatch.setitem(registry.ENCODERS, "parts", lambda _: parts_dual())
    monkeypatch.setitem(registry.ENCODERS, "plain", lambda _: plain_dual())


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    for name, boxes in {"sub-1": {"bright": LEFT}, "sub-2": {"bright": RIGHT}, "sub-3": {}}.items():
        write_nifti(folder / name / f"{name}_T1w.nii.gz", brain(int(name[-1]), **boxes))
    return folder


@pytest.fixture
def home(scans: Path, tmp_path: Path) -> Path:
    assert run("index", scans, home=tmp_path / "home").exit_code == 0
    return tmp_path / "home"


def run(*arguments: str | Path, home: Path, encoder: str | None = "parts") -> Result:
    options = ["--encoder", encoder] if encoder else []
    return CliRunner().invoke(
        app, [*map(str, arguments), *options, "--home", str(home), *([] if not encoder else ["--device", "cpu"])],
        env={"COLUMNS": "220"},
    )  # fmt: skip


def as_json(*arguments: str | Path, home: Path, encoder: str | None = "parts") -> dict[str, Any]:
    result = run(*arguments, "--json", home=home, encoder=encoder)
    assert result.exit_code in (0, 1), result.output
    value: dict[str, Any] = json.loads(result.stdout)
    return value


@pytest.mark.parametrize("box", ["0,0.34,0.34,0.33,0.66,0.66", "0:8,8:16,4:8"])
def test_a_spot_is_found_in_fractions_and_in_voxels(home: Path, scans: Path, box: str) -> None:
    found = as_json("search", "image", scans / "sub-1", "--box", box, home=home)
    best = [Path(hit["series"][0]["paths"][0]).parent.name for hit in found["hits"]]
    assert set(best[:2]) == {"sub-1", "sub-2"}
    assert found["hits"][best.index("sub-2")]["series"][0]["region"]["slices"]["sagittal"] == [16, 23]
    assert len(found["query"]["box"]) == 6
    shown = run("search", "image", scans / "sub-1", "--box", box, home=home).stdout
    assert "best region: slices axial 5-8; R A S 0.67 0.33 0.33 to 1.00 0.67 0.67 (1.00)" in shown


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ("0,0,0,1,1", "cannot read the box"),
        ("a,b,c,d,e,f", "write --box R0,A0,S0,R1,A1,S1"),
        ("0,0,0,1,1,2", "outside of the volume"),
        ("0.5,0,0,0.4,1,1", "along R: inverted"),
        ("0,0.5,0,1,0.5,1", "along A: empty"),
        ("0,0,nan,1,1,1", "outside of the volume"),
        ("0:8,8:16", "cannot read the box"),
        ("0:8,8:16,4:13", "which has 0:12"),
        ("-1:8,8:16,4:8", "voxels -1:8 along R lie outside"),
        ("8:8,8:16,4:8", "along R: empty"),
        ("9:8,8:16,4:8", "along R: inverted"),
        ("0:8,8:16,4.5:8", "cannot read the box"),
    ],
)
def test_a_box_that_is_none_exits_with_2_and_says_why(home: Path, scans: Path, box: str, says: str) -> None:
    result = run("search", "image", scans / "sub-1", f"--box={box}", home=home)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_voxels_of_volumes_that_differ_in_shape_are_refused_and_fractions_are_not(
    home: Path, scans: Path, tmp_path: Path
) -> None:
    both = tmp_path / "both"
    write_nifti(both / "one_T1w.nii.gz", brain(1))
    write_nifti(both / "two_T2w.nii.gz", brain(2)[:20])
    result = run("search", "image", both, "--box=0:8,8:16,4:8", home=home)
    assert result.exit_code == 2
    assert "20 x 24 x 12, 24 x 24 x 12 voxels: give fractions" in " ".join(result.stderr.split())
    assert as_json("search", "image", both, "--box=0,0,0,0.5,1,1", home=home)["query"]["volumes"] == 2


def test_an_encoder_without_parts_says_so(scans: Path, tmp_path: Path) -> None:
    run("index", scans, home=tmp_path / "home", encoder="plain")
    result = run("search", "image", scans / "sub-1", "--box=0:8,8:16,4:8", home=tmp_path / "home", encoder="plain")
    assert result.exit_code == 2
    assert "does not tell the parts of a scan apart" in " ".join(result.stderr.split())


def test_predictions_are_marked_counted_and_filtered_by(home: Path) -> None:
    status = as_json("status", home=home, encoder=None)
    assert status["predicted"]["brightness"] == {"volumes": 3, "known": 3}
    assert status["predicted"]["finding"] == {"volumes": 3, "known": 0}
    assert "predicted finding: 3 volumes, sure of 0" in run("status", home=home, encoder=None).stdout
    assert status["archive"]["volumes_with_regions"] == 3
    shown = run("search", "text", "bright", home=home).stdout
    assert "predicted" in shown
    assert "brightness dim (0." in " ".join(shown.split())
    found = as_json("search", "text", "bright", "--where", "predicted.brightness=dim", home=home)
    assert len(found["hits"]) == 3
    facts = {fact["task"]: fact for fact in found["hits"][0]["series"][0]["predicted"]}
    assert facts["brightness"]["value"] == "dim"
    assert facts["age"]["number"] > 0
    sure = ["--where", "predicted.brightness=dim", "--where", "predicted.score>=0.99"]
    assert as_json("search", "text", "bright", *sure, home=home)["hits"] == []
    result = run("search", "text", "bright", "--where", "predicted.brightnes=dim", home=home)
    assert result.exit_code == 2
    assert "did you mean 'predicted.brightness'" in " ".join(result.stderr.split())


def test_predicting_later_goes_on_where_it_stopped(scans: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    result = run("predict", home=home)
    assert result.exit_code == 2
    assert "spinecho index" in " ".join(result.stderr.split())
    run("index", scans, home=home, encoder="plain")
    refused = run("predict", home=home, encoder="plain")
    assert refused.exit_code == 2
    assert "nothing to add" in " ".join(refused.stderr.split())
    first = as_json("predict", "--limit", "1", "--workers", "1", home=home)
    assert (first["series"], first["ahead"]) == (1, 2)
    second = run("predict", home=home)
    assert second.exit_code == 0
    assert "2 volumes of 2 series done (brightness, age, finding)" in second.stdout
    assert as_json("predict", home=home)["series"] == 0


def test_voxels_and_fractions_are_one_box() -> None:
    assert read_box("0:8,8:16,4:8", (16, 16, 8)) == (0, 0.5, 0.5, 0.5, 1, 1)
    assert read_box(" 0, 0.5,0.5 ,0.5,1,1", (1, 1, 1)) == (0, 0.5, 0.5, 0.5, 1, 1)
    with pytest.raises(BoxError, match="outside"):
        read_box("0:2,0:1,0:1", (1, 1, 1))
