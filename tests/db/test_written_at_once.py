"""A small file that several processes write at once is always one of theirs, whole, and none of them fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from waiting import comes

from spinecho.db.durable import content_of, is_held, take, with_digest, write_durably
from spinecho.db.upkeep.leftovers import leftovers

_WRITER = """
import sys
from pathlib import Path
from spinecho.db.durable import with_digest, write_durably
me, path, enough = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
number = 0
while number < 40 or not enough.exists():
    number += 1
    write_durably(path, with_digest(bytes([me]) * (1 + 40_009 * ((number * (me + 2)) % 7))))
"""
_KILLED = """
import os, signal, sys
from pathlib import Path
import spinecho.db.durable as durable
def killed(*_): os.kill(os.getpid(), signal.SIGKILL)
setattr(durable.os, sys.argv[2], killed)
durable.write_durably(Path(sys.argv[1]), b"of one that was killed" * 1000)
"""


def test_processes_that_write_one_file_neither_tear_nor_fail(tmp_path: Path) -> None:
    folder, enough = tmp_path / "home", tmp_path / "enough"
    folder.mkdir()
    path = folder / "state"
    write_durably(path, with_digest(b"first"))
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(me), path, enough]) for me in (1, 2, 3)]
    seen: set[bytes] = set()

    def all_were_seen() -> bool:
        seen.add(content_of(path.read_bytes())[:1])  # raises for what is not whole
        return seen >= {b"\1", b"\2", b"\3"} or any(writer.poll() is not None for writer in writers)

    try:
        comes(all_were_seen)
    finally:
        enough.touch()
        codes = [writer.wait() for writer in writers]
    assert codes == [0, 0, 0]
    assert len(set(content_of(path.read_bytes()))) == 1
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_a_killed_writer_left_is_written_over_by_the_next(tmp_path: Path, step: str) -> None:
    path, left = tmp_path / "state", tmp_path / "state.partial"
    write_durably(path, b"before")
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(path), step], check=False)
    assert killed.returncode < 0
    assert path.read_bytes() == b"before"
    assert left.is_file()
    assert not is_held(left)
    write_durably(path, b"after")
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_small_file_that_is_being_written_is_no_leftover(tmp_path: Path) -> None:
    with (tmp_path / "small.partial").open("wb") as file:
        assert leftovers(tmp_path, tmp_path, None) == (tmp_path / "small.partial",)
        assert take(file.fileno())
        assert leftovers(tmp_path, tmp_path, None) == ()


def test_what_no_disk_had_room_for_takes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spinecho.db.durable.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(tmp_path / "state", b"some")
    assert not list(tmp_path.iterdir())
