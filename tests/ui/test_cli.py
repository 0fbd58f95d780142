"""The command line: what it prints, what it exits with, what it says when something is wrong."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives import Home, copy_of
from PIL import Image
from trusting import FAILED, trust
from typer.testing import CliRunner, Result

from spinecho.indexer.sources import folder as source
from spinecho.search.evaluation.judgements import read_judgements
from spinecho.ui.cli.app import app


def run(*arguments: str | Path, home: Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--home", str(home)], env={"COLUMNS": "200"})


def as_json(*arguments: str | Path, home: Path) -> dict[str, Any]:
    result = run(*arguments, "--json", home=home)
    assert result.exit_code in (0, 1), result.output
    value: dict[str, Any] = json.loads(result.stdout)
    return value


def test_indexing_tells_counts_reasons_and_seconds(archive: Path, tmp_path: Path) -> None:
    found = as_json("index", archive, "--workers", "1", home=tmp_path / "home")
    assert found["counts"]["series"] > 5
    assert found["reasons"] == {"UNSUPPORTED_TYPE": 1}
    assert {"discover", "scan", "read", "encode", "store", "wall"} <= set(found["seconds"])
    again = run("index", home=tmp_path / "home")  # no folder: those of the last run
    assert again.exit_code == 0
    assert "unchanged" in again.stdout


def test_status_and_failures(indexed: Home) -> None:
    status = as_json("status", home=indexed.folder)
    assert status["archive"]["studies"] == 5
    assert status["pending_series"] == 0
    assert status["spaces"]["image"]["build"] == "000001"
    assert run("status", home=indexed.folder).exit_code == 0
    assert as_json("failures", home=indexed.folder)["failures"] == []
    assert len(as_json("failures", "--all", home=indexed.folder)["failures"]) == 1
    assert "truth.json" in run("failures", "--all", home=indexed.folder).stdout


@pytest.mark.parametrize("want", ["study", "report"])
def test_search_by_words(indexed: Home, want: str) -> None:
    found = as_json("search", "text", "lesion in the brain", "--want", want, "-k", "3", home=indexed.folder)
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    assert found["hits"][0]["passages"][0]["assertion"] in {"present", "absent", "uncertain"}
    result = run("search", "text", "lesion in the brain", "--want", want, home=indexed.folder)
    assert result.exit_code == 0
    assert result.stdout.startswith("spinecho")
    assert "not aligned" not in result.stdout


def test_search_by_scan_and_by_study(indexed: Home) -> None:
    first = as_json("search", "text", "brain", "--sequence", "T2,FLAIR,T1", home=indexed.folder)["hits"][0]
    slices = Path(first["series"][0]["paths"][0])
    for scan in (slices, slices.parent):
        found = as_json("search", "image", scan, home=indexed.folder)
        assert found["hits"][0]["channels"]["image"] > 0.6
    assert as_json("search", "image", slices.parent, "--want", "report", home=indexed.folder)["hits"]
    found = as_json("search", "study", first["study_uid"], home=indexed.folder)
    assert first["study_uid"] not in {hit["study_uid"] for hit in found["hits"]}


def test_words_beside_an_example(indexed: Home) -> None:
    first = as_json("search", "text", "brain", home=indexed.folder)["hits"][0]
    found = as_json("search", "text", "lesion", "--like", first["study_uid"], home=indexed.folder)
    assert first["study_uid"] != found["hits"][0]["study_uid"]
    scan = Path(first["series"][0]["paths"][0]).parent
    assert as_json("search", "text", "lesion", "--like", scan, home=indexed.folder)["hits"]
    gone = run("search", "text", "lesion", "--like", "1.2.3.4", home=indexed.folder)
    assert (gone.exit_code, "no study '1.2.3.4'" in gone.output) == (2, True)


def test_the_slices_that_speak_for_words_are_named_and_drawn(indexed: Home, tmp_path: Path) -> None:
    first = as_json("search", "text", "brain", home=indexed.folder)["hits"][0]
    told = as_json("search", "why", first["study_uid"], "lesion", "--out", tmp_path / "maps", home=indexed.folder)
    assert len(told["series"]) == len(first["series"])
    for series in told["series"]:
        assert series["stands_out"]
        assert series["score"] >= series["floor"] == 0.25
        scores = [one["score"] for one in series["slices"]]
        assert scores == sorted(scores, reverse=True)
        with Image.open(series["picture"]) as picture:
            red, _, blue = (np.asarray(band, np.int32) for band in picture.split())
            assert picture.size == (512, 512)
        line = red - blue > 20
        assert 0 < line.mean() < 0.05, "lines, and the scan under them as it was"
    assert run("search", "why", first["study_uid"], "lesion", home=indexed.folder).exit_code == 0
    assert "no study" in run("search", "why", "1.2", "lesion", home=indexed.folder).output
    assert run("search", "why", first["study_uid"], "no lesion", home=indexed.folder).exit_code == 2


def test_nothing_stands_out_and_nothing_is_shown_without_a_passed_test(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    uid = as_json("search", "text", "brain", home=home.folder)["hits"][0]["study_uid"]
    trust(home.database, floor=90.0)
    told = as_json("search", "why", uid, "lesion", "--out", tmp_path / "maps", home=home.folder)
    assert all(not one["stands_out"] and not one["slices"] and "picture" not in one for one in told["series"])
    assert not (tmp_path / "maps").exists() or not list((tmp_path / "maps").iterdir())
    assert "nothing stands out" in run("search", "why", uid, "lesion", home=home.folder).stdout
    trust(home.database, sides=FAILED)
    refused = run("search", "why", uid, "lesion", home=home.folder)
    assert refused.exit_code == 2
    said = " ".join(refused.stderr.split())
    assert "52 % of 80 patients (41 to 63; chance 50)" in said
    assert "spinecho adapt" in said
    assert "52 % of 80" in " ".join(run("status", home=home.folder).stdout.split())


def test_thumbs_refine_a_search_and_become_judgements(indexed: Home, tmp_path: Path) -> None:
    home = indexed.folder
    hits = as_json("search", "text", "signal abnormality", home=home)["hits"]
    good, bad = hits[-1]["study_uid"], hits[0]["study_uid"]
    kept = as_json("feedback", "add", "signal abnormality", "--good", good, "--bad", bad, home=home)
    assert (kept["good"], kept["bad"]) == ([good], [bad])
    refined = [
        hit["study_uid"] for hit in as_json("search", "text", "signal abnormality", "--refine", home=home)["hits"]
    ]
    assert bad not in refined
    assert refined.index(good) < [hit["study_uid"] for hit in hits].index(good)
    filtered = run("search", "text", "signal abnormality", "--refine", "--sequence", "T2", home=home)
    assert "no thumbs are kept" in filtered.output, "thumbs belong to words and filters together"
    assert len(as_json("feedback", "list", home=home)["thumbs"]) == 2
    path = tmp_path / "judgements.csv"
    assert as_json("feedback", "export", path, home=home)["judgements"] == 2
    (judged,) = read_judgements(path)
    assert judged.grades == {good: 1, bad: 0}
    assert as_json("feedback", "add", "signal abnormality", "--clear", bad, home=home)["bad"] == []
    assert as_json("feedback", "forget", "signal abnormality", home=home)["forgotten"] == 1
    assert run("feedback", "list", home=home).stdout.startswith("no thumbs")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "at least one study"),
        (("--good", "1.2", "--bad", "1.2"), "both good and bad"),
        (("--good", "9"), "no study"),
    ],
)
def test_thumbs_that_cannot_be(indexed: Home, options: tuple[str, ...], said: str) -> None:
    result = run("feedback", "add", "lesion", *options, home=indexed.folder)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_filters_narrow(indexed: Home) -> None:
    every = as_json("search", "text", "brain", "-k", "50", home=indexed.folder)["hits"]
    women = as_json("search", "text", "brain", "-k", "50", "--sex", "F", home=indexed.folder)["hits"]
    men = as_json("search", "text", "brain", "-k", "50", "--where", "sex=M", home=indexed.folder)["hits"]
    assert len(every) == len(women) + len(men) == 5
    old = as_json("search", "text", "brain", "-k", "50", "--age", "0-120", home=indexed.folder)["hits"]
    assert len(old) == 5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["search", "text", "?!"], "no word"),
        (["search", "text", ""], "no word"),
        (["search", "text", "brain", "-k", "0"], "at least 1"),
        (["search", "text", "brain", "--where", "sequenc=T2"], "did you mean 'sequence'"),
        (["search", "text", "brain", "--where", "nonsense"], "write it like"),
        (["search", "text", "brain", "--age", "young"], "write 40-60"),
        (["search", "text", "brain", "--want", "picture"], "study, report"),
        (["search", "text", "brain", "--encoder", "clip"], "slices-minilm"),
        (["search", "text", "brain", "--device", "cuda"], "--device cpu"),
        (["search", "text", "brain", "--text-model", "nobody/nothing"], "nobody/nothing"),
        (["search", "image", "/nowhere/scan.dcm"], "nothing at"),
        (["search", "study", "1.2.3"], "no study '1.2.3'"),
        (["index", "/nowhere"], "no folder /nowhere"),
        (["index", __file__], "is a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_exits_with_2_and_one_clear_line(indexed: Home, arguments: list[str], says: str) -> None:
    if "cuda" in arguments:
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("there is a card here")
    result = run(*arguments, home=indexed.folder)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_errors_are_json_too_when_json_is_asked_for(indexed: Home) -> None:
    result = run("search", "study", "1.2.3", "--json", home=indexed.folder)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == "QueryError"


def test_a_query_image_that_is_no_scan(indexed: Home, tmp_path: Path) -> None:
    (tmp_path / "text.dcm").write_text("no scan at all, only a text that was given a name")
    (tmp_path / "empty").mkdir()
    for path, says in ((tmp_path / "text.dcm", "NOT_DICOM"), (tmp_path / "empty", "no MR image")):
        result = run("search", "image", path, home=indexed.folder)
        assert result.exit_code == 2
        assert says in " ".join(result.stderr.split())


def test_more_than_there_is_is_no_error(indexed: Home) -> None:
    assert len(as_json("search", "text", "brain", "-k", "100000", home=indexed.folder)["hits"]) == 5


def test_before_anything_is_indexed(tmp_path: Path) -> None:
    for arguments in (["status"], ["failures"], ["search", "text", "brain"], ["ui"], ["index"]):
        result = run(*arguments, home=tmp_path / "new")
        assert result.exit_code == 2, arguments
        assert "spinecho index" in " ".join(result.stderr.split())


def test_an_empty_folder_and_one_without_mr(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("index", tmp_path / "empty", home=tmp_path / "home")
    assert result.exit_code == 0
    assert "no files" in result.stdout
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("Dear colleague, thank you for the cake.")
    (tmp_path / "letters" / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    result = run("index", tmp_path / "letters", home=tmp_path / "home")
    assert result.exit_code == 1  # a letter could hold a report, a picture a scan
    assert "NOT_READ 2" in result.stdout
    result = run("search", "text", "brain", home=tmp_path / "home")
    assert result.exit_code == 0
    assert "the index is empty" in result.stdout


def test_a_folder_that_refuses_is_listed_and_forgotten_once_it_lets_us_in(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "archive"
    (root / "locked").mkdir(parents=True)
    (root / "open").mkdir()
    scan = next((archive / "dicom").rglob("*.dcm")).read_bytes()
    (root / "open" / "scan.dcm").write_bytes(scan)
    real = os.access
    monkeypatch.setattr(
        source.os, "access", lambda path, mode: not str(path).endswith("locked") and real(path, mode)
    )  # root may read everything, so the refusal itself is acted
    result = run("index", root, home=tmp_path / "home")
    assert result.exit_code == 1
    assert "UNREADABLE" in run("failures", home=tmp_path / "home").stdout
    monkeypatch.undo()
    assert run("index", root, home=tmp_path / "home").exit_code == 0


def test_an_older_database_is_refused_until_it_is_upgraded(indexed: Home, tmp_path: Path) -> None:
    home = copy_of(indexed, tmp_path / "home")
    with sqlite3.connect(home.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    result = run("search", "text", "brain", home=home.folder)
    assert result.exit_code == 2
    assert "spinecho db upgrade" in " ".join(result.stderr.split())


def test_upgrading_what_is_new_already_changes_nothing(indexed: Home) -> None:
    result = run("db", "upgrade", home=indexed.folder)
    assert result.exit_code == 0
    assert "nothing to do" in result.stdout


def test_two_runs_do_not_write_at_once(indexed: Home, archive: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import indexing_lock
with indexing_lock(Settings(home=Path({str(indexed.folder)!r}))):
    print("locked", flush=True)
    time.sleep(60)
"""
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        result = run("index", archive, home=indexed.folder)
        other.kill()
    assert result.exit_code == 3
    assert f"process {other.pid} is indexing" in " ".join(result.stderr.split())
    assert run("index", archive, home=indexed.folder).exit_code == 0


def test_help_teaches() -> None:
    for arguments in ([], ["index"], ["search"], ["search", "text"], ["failures"], ["demo"], ["ui"], ["db"]):
        result = CliRunner().invoke(app, [*arguments, "--help"])
        assert result.exit_code == 0
        assert len(result.stdout) > 200


@pytest.mark.slow
def test_the_demonstration_writes_indexes_searches_and_says_what_next(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    result = run("demo", archive, "--studies", "2", "--tour", home=tmp_path / "home")
    assert result.exit_code == 0, result.output
    for part in ("text to image", "image to text", "image to image", "text to text", " ui --home"):
        assert part in result.stdout
    assert json.loads((archive / "truth.json").read_text(encoding="utf-8"))["studies"]


def test_a_demonstration_tells_the_next_command_as_it_has_to_be_typed(tmp_path: Path) -> None:
    told = run("demo", tmp_path / "an archive", "--studies", "1", home=tmp_path / "a home").output
    command = told.strip().partition("Next: spinecho ")[2]
    assert shlex.split(command) == ["index", str(tmp_path / "an archive"), "--home", str(tmp_path / "a home")]
