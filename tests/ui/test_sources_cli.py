"""`spinecho sources` and `spinecho watch`: what they print, and that a watch ends cleanly when it is told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_studies import small_study
from typer.testing import CliRunner

from spinecho.ui.cli.app import app


def run(home: Path, *words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home)])
    assert done.exit_code == status, done.output
    return done.output


def test_a_source_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    home, files = tmp_path / "home", tmp_path / "files"
    small_study(files, 0)
    run(home, "sources", "add", "share", "folder", f"path={files}")
    assert json.loads(run(home, "sources", "list", "--json"))["sources"][0]["settings"] == {"path": str(files)}
    assert "can be listed" in run(home, "sources", "test", "share")
    assert "there is a source 'share' already" in run(home, "sources", "add", "share", "folder", "path=/", status=2)
    assert "studies" in run(home, "sources", "pull", "share")
    run(home, "sources", "remove", "share")
    assert json.loads(run(home, "sources", "list", "--json")) == {"sources": []}
    assert "no source" in run(home, "sources", "test", "share", status=2)


def test_a_folder_is_one_source_by_whatever_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, files = tmp_path / "home", tmp_path / "files"
    files.mkdir()
    (tmp_path / "link").symlink_to(files)
    (tmp_path / "above").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    run(home, "sources", "add", "one", "folder", "path=link")
    for path in ("link", "files", f"{files}/", "files/../files", "./files/.", f"{tmp_path}/above/link"):
        told = " ".join(run(home, "sources", "add", "two", "folder", f"path={path}", status=2).split())
        assert "that is the source 'one' already" in told, path
    run(home, "sources", "add", "other", "folder", f"path={tmp_path}")
    run(home, "sources", "add", "pacs", "dicomweb", "url=https://pacs.example/dicom-web")
    told = run(home, "sources", "add", "pacs2", "dicomweb", "url=https://pacs.example/dicom-web/", status=2)
    assert "the source 'pacs' already" in " ".join(told.split())
    run(home, "sources", "add", "pacs3", "dicomweb", "url=https://pacs.example/dicom-web", "since=20200101")
    assert len(json.loads(run(home, "sources", "list", "--json"))["sources"]) == 4


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that nothing is added to."""
    return tmp_path_factory.mktemp("empty") / "home"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["x", "carrier-pigeon"], "no kind of source"),
        (["x", "dicomweb"], "needs url"),
        (["x", "dicomweb", "url=ftp://pacs"], "an address such as"),
        (["x", "dicomweb", "url=https://a", "colour=red"], "no setting of dicomweb"),
        (["../x", "folder", "path=/"], "cannot name a source"),
        (["x", "dicom", "host=a", "port=99999", "ae=PACS"], "from 1 to 65535"),
        (["x", "dicom", "host=a", "port=104", "ae=PACS", "retrieve=move"], "move_port"),
        (["x", "dicom", "host=a", "port=104", "ae=A_TITLE_OF_MORE_THAN_16"], "AE title"),
        (["x", "folder", "path"], "NAME=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_told(empty: Path, words: list[str], told: str) -> None:
    assert told in " ".join(run(empty, "sources", "add", *words, status=2).split())


def test_a_watch_follows_a_folder_and_ends_on_sigterm(tmp_path: Path) -> None:
    home, files = tmp_path / "home", tmp_path / "files"
    small_study(files, 0, series=1, slices=2)
    command = [sys.executable, "-m", "spinecho.ui.cli.app", "watch", str(files), "--home", str(home), "--json"]
    environment = {**os.environ, "SPINECHO_DEVICE": "cpu"}
    with subprocess.Popen(
        [*command, "--every", "3600", "--workers", "1"], stdout=subprocess.PIPE, text=True, env=environment
    ) as watching:
        assert watching.stdout is not None
        try:
            first = json.loads(watching.stdout.readline())
            small_study(files, 1, series=1, slices=2)  # the folder tells; an hour is not waited for
            second = json.loads(watching.stdout.readline())
            watching.send_signal(signal.SIGTERM)
            assert watching.wait(60) == 0
        finally:
            watching.kill()  # leaving the block waits for its end, however long that takes
    assert (first["indexed"]["series"], second["indexed"]["series"]) == (1, 1)
    assert first["trouble"] == second["trouble"] == []
    assert json.loads(run(home, "status", "--json"))["archive"]["studies"] == 2
