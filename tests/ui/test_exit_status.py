"""What a command ends with when something fails: one line, a status that says whose turn it is, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakSet

import pytest
import typer
from parts_encoder import brain, write_nifti
from safetensors import SafetensorError
from typer.testing import CliRunner

from spinecho.db.errors import Busy, StoreError
from spinecho.db.schema.database import Database
from spinecho.encoders.training.loop.state import RunBusy
from spinecho.errors import SpinechoError
from spinecho.setup.readers import ReadersBusy
from spinecho.ui.cli import index, status
from spinecho.ui.cli.app import app
from spinecho.ui.printing.failing import message_and_status

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("error", "exits", "words"),
    [
        (StoreError("what was asked cannot be"), 2, "what was asked"),
        (OSError(28, "No space left on device", "/home/x/index.lock"), 3, "make room"),
        (PermissionError(13, "Permission denied", "/home/x/index.lock"), 3, "/home/x/index.lock: Permission denied"),
        (OSError(30, "Read-only file system", "/home/x"), 3, "--home"),
        (OSError(5, "Input/output error"), 3, "Input/output error"),
        (
            SafetensorError(
                'Error while serializing: I/O error: No space left on device (os error 28) at path "/home/x"'
            ),
            3,
            "make room",
        ),
        (SafetensorError("Error while deserializing header: invalid JSON"), 70, "SPINECHO_TRACEBACK"),
        (MemoryError(), 3, "memory"),
        (UnicodeEncodeError("ascii", "\udce4", 0, 1, "no"), 3, "cannot be written"),
        (RuntimeError("Secret^Name"), 70, "SPINECHO_TRACEBACK"),
        (KeyboardInterrupt(), 130, "stopped"),
        (typer.Abort(), 1, "Aborted"),
    ],
)
def test_whatever_fails_is_one_line(
    error: BaseException, exits: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(status, "open_archive", fail)
    monkeypatch.setattr(index, "open_archive", fail)
    monkeypatch.setattr(Database, "opened", WeakSet())  # what other tests left open, and damaged, is no reason here
    for command in (["status"], ["index", str(tmp_path)], ["failures"]):
        done = CliRunner().invoke(app, [*command, "--home", str(tmp_path / "home")])
        assert done.exit_code == exits, done.output
        assert words in done.stderr
        assert "Traceback" not in done.output
        assert "Secret" not in done.output
        assert len(done.stderr.splitlines()) == 1
        done = CliRunner().invoke(app, [*command, "--home", str(tmp_path / "home"), "--json"])
        assert done.exit_code == exits
        assert json.loads(done.stdout)["error"] == type(error).__name__


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may go into, unlike those of pytest."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def spinecho(*arguments: str | Path, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in which something is done once everything is imported."""
    script = (
        "import os, resource, sys, spinecho.db.vectors.build, spinecho.indexer.pipeline, spinecho.ui.cli.app\n"
        "import spinecho.ui.cli.index, spinecho.ui.cli.status\n"
        f"import spinecho.encoders.registry\n{before}\nspinecho.ui.cli.app.app()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_home_that_may_not_be_written(open_folder: Path) -> None:
    home, archive = open_folder / "home", open_folder / "archive"
    home.mkdir(mode=0o755)
    archive.mkdir(mode=0o755)
    arguments = ["index", "/nowhere", "--home", str(open_folder / "warm")]
    warm = f"typer.testing.CliRunner().invoke(spinecho.ui.cli.app.app, {arguments!r})"
    drop = "os.setgroups([]); os.setgid(65534); os.setuid(65534)" if os.geteuid() == 0 else ""
    home.chmod(0o555)
    elsewhere = open_folder / "record"
    elsewhere.mkdir()
    elsewhere.chmod(0o777)
    for record, named in (("", str(home / "record.sqlite")), (str(elsewhere), str(home))):
        place = f"os.environ['SPINECHO_RECORD'] = {record!r}"
        done = spinecho("index", archive, "--home", home, before=f"import typer.testing\n{warm}\n{place}\n{drop}")
        assert done.returncode == 3, done.stderr
        assert done.stderr.count("\n") == 1
        assert named in done.stderr
        assert "Permission denied" in done.stderr


def test_a_disk_without_room_and_then_with_room(tmp_path: Path) -> None:
    archive, home = tmp_path / "archive", tmp_path / "home"
    for number in range(3):
        write_nifti(archive / f"sub-{number}" / f"sub-{number}_T1w.nii.gz", brain(number))
    full = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({150 << 10},) * 2)"
    done = spinecho("index", archive, "--home", home, "--workers", "1", before=full)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().count("\n") == 0
    done = spinecho("index", archive, "--home", home, "--workers", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["volumes"] == 3


def test_ctrl_c(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    slow = "spinecho.ui.cli.status.open_archive = lambda *a, **k: (print('on', flush=True), time.sleep(60))"
    script = f"import spinecho.ui.cli.app, spinecho.ui.cli.status, time\n{slow}\n"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{script}spinecho.ui.cli.app.app()", "status", "--home", str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("imported", ["typer", "rich", "sqlalchemy"])
def test_ctrl_c_while_it_is_being_loaded(imported: str, tmp_path: Path, as_json: bool) -> None:
    """Half a second in which it is a program that somebody called by mistake."""
    script = (
        "import importlib.abc, os, signal, sys\n"
        "class Pressed(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, *_):\n"
        f"        os.kill(os.getpid(), signal.SIGINT) if name == {imported!r} else None\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from spinecho.ui.cli.entry import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "status", "--home", str(tmp_path), *(["--json"] if as_json else [])],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert json.loads(done.stdout)["error"] == "KeyboardInterrupt" if as_json else done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    not str(ROOT).isascii(),
    reason="Python starts under LC_ALL=C in no editable installation whose folder has letters beyond ASCII",
)
def test_a_terminal_in_ascii_and_names_of_any_letters(tmp_path: Path) -> None:
    archive, home = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xc3\xa4rchiv\xe4\n\x1b[31m")), tmp_path / "hömé"
    archive.mkdir()
    (archive / os.fsdecode(b"Sch\xe4del.zip")).write_bytes(b"PK\x03\x04")
    for arguments in (["index", archive, "--workers", "1"], ["failures"], ["failures", "--json"]):
        done = spinecho(*arguments, "--home", home, PYTHONIOENCODING="ascii", LANG="C", LC_ALL="C")
        assert done.returncode in (0, 1), done.stderr
        assert done.stdout.isascii()
        assert "\x1b" not in done.stdout
        assert "Traceback" not in done.stderr
        if arguments == ["failures"]:
            (line,) = [line for line in done.stdout.splitlines() if line.startswith("TRUNCATED /")]
            assert "Sch\\xE4del.zip" in line
    (failure,) = json.loads(done.stdout)["failures"]
    assert failure["path"].endswith("Sch\\xE4del.zip")


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spinecho.ui.cli.app", "status", "--home", str(tmp_path), "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("kind", [Busy, ReadersBusy, RunBusy])
def test_what_is_done_when_it_is_asked_again_is_no_wrong_usage(kind: type[SpinechoError]) -> None:
    assert message_and_status(kind("wait for it"))[1] == 3


@pytest.mark.parametrize("below", ["", "deeper/home"])
def test_a_home_that_is_a_file_is_told_as_that(below: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for command in (["status"], ["doctor"], ["index", str(tmp_path)], ["search", "text", "x"]):
        done = CliRunner().invoke(app, [*command, "--home", str(tmp_path / "file" / below)])
        assert done.exit_code == 2
        assert f"{tmp_path / 'file'} is a file" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"
