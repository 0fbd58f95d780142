"""Files that people write are edited as any other; a byte that changed by itself, in a kept answer too, is told."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from spinecho.access.roles import RolesError, read_roles, signs_in
from spinecho.db import as_written
from spinecho.db.errors import Damaged
from spinecho.search.fusion import FusionError, Weights
from spinecho.ui.server.jobs.queue import Queue

FILES: dict[str, tuple[Callable[[Path], object], bytes, bytes]] = {
    "roles.toml": (read_roles, b'manager = ["ada@x.org"]\n', b'manager = ["bda@x.org"]\n'),
    "secrets.toml": (signs_in, b'[auth]\nclient_id = "a"\n', b'[auth]\nclient_id = "b"\n'),
    "fusion.json": (
        Weights.load, b'{"weights": {"sentences": 1, "scans": 1, "words": 1}}',
        b'{"weights": {"sentences": 9, "scans": 1, "words": 1}}',
    ),
}  # fmt: skip


@pytest.fixture(params=FILES)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Callable[[Path], object], bytes, bytes]:
    """A file of an hour ago that was read once: itself, how it is read, and its bytes before and after."""
    read, before, after = FILES[request.param]
    path = tmp_path / request.param
    path.write_bytes(before)
    os.utime(path, (path.stat().st_mtime - 3600,) * 2)
    read(path)
    return path, read, before, after


def test_what_somebody_wrote_is_taken(written: tuple[Path, Callable[[Path], object], bytes, bytes]) -> None:
    path, read, before, after = written
    told = read(path)
    path.write_bytes(after)
    assert (read(path) != told) == (path.name != "secrets.toml"), "of the secrets it is read that there are some"
    path.write_bytes(before)
    assert read(path) == told
    assert {one.name for one in path.parent.iterdir()} == {path.name, as_written.note_of(path).name}


def test_a_changed_byte_is_told_until_it_is_saved_anew(
    written: tuple[Path, Callable[[Path], object], bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, read, _, after = written
    stamp = as_written._stamp(path)
    path.write_bytes(after)
    with monkeypatch.context() as patched:
        patched.setattr(as_written, "_stamp", lambda _: stamp)  # a disk changes no times
        with pytest.raises((RolesError, FusionError), match="is not what was written"):
            read(path)
    read(path)


def test_a_damaged_note_accuses_nobody(written: tuple[Path, Callable[[Path], object], bytes, bytes]) -> None:
    path, read, _, _ = written
    note = as_written.note_of(path)
    for at in range(len(data := note.read_bytes())):
        note.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        read(path)
    assert note.read_bytes() == data, "it is made anew"


def test_an_answer_that_is_not_what_was_kept_is_told_and_nothing_is_done_twice(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    assert queue.claim("key", "digest") == ("new", None)
    queue.keep("key", 201, "application/json", b'{"studies": 12}')
    assert queue.claim("key", "digest") == ("same", (201, "application/json", b'{"studies": 12}'))
    for change in ("body = CAST('{\"studies\": 13}' AS BLOB)", "status = 200", "status = NULL", "media = 'text/html'"):
        with closing(sqlite3.connect(tmp_path / "server.sqlite")) as connection, connection:
            connection.execute(f"UPDATE kept SET {change}")
        with pytest.raises(Damaged, match="what was asked was done"):
            queue.claim("key", "digest")
        queue.keep("key", 201, "application/json", b'{"studies": 12}')
    queue.close()


def test_a_queue_of_an_older_version_gives_its_answers(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.claim("key", "digest")
    queue.close()
    with closing(sqlite3.connect(tmp_path / "server.sqlite")) as connection, connection:
        connection.execute("ALTER TABLE kept DROP COLUMN came")
        connection.execute("UPDATE kept SET status = 201, media = 'text/plain', body = CAST('x' AS BLOB)")
    queue = Queue(tmp_path)
    assert queue.claim("key", "digest") == ("same", (201, "text/plain", b"x"))
    queue.close()
