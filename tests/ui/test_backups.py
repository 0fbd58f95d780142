"""Backups while a home changes: each is of one moment, can be put back, and says no more than its key allows."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))

from filter_archive import FilterArchive, act

from spinecho.db.backup.repository import Repository, sealer_of
from spinecho.db.errors import Busy, Damaged, StoreError
from spinecho.db.identities.mapping import Identity
from spinecho.db.people.feedback import put_thumbs
from spinecho.db.schema.database import Database
from spinecho.db.upkeep.probes import answers
from spinecho.maintaining.backups import backup, backups, make_key, restore, verify
from spinecho.pseudonyms.identities import identity_key, open_identities
from spinecho.setup.private import private_files
from spinecho.setup.settings import Settings
from spinecho.ui.cli.app import app

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[FilterArchive]:
    with private_files():
        (tmp_path / "home").mkdir()
        made = FilterArchive(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "backup.key")


def settings_of(folder: Path) -> Settings:
    return Settings(home=folder, user="ada")


def contents(path: Path) -> dict[str, list[Any]]:
    """Every row of every table."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: list(connection.execute(f"SELECT * FROM {name}")) for name in sorted(names) if "fts" not in name}


def test_what_was_learned_and_whom_pseudonyms_stand_for_are_backed_up_and_their_key_is_not(
    archive: FilterArchive, key: Path, tmp_path: Path
) -> None:
    home, folder = settings_of(tmp_path / "home"), tmp_path / "backups"
    with private_files():
        identities_key = identity_key(home, create=True)
        with open_identities(home, identities_key, create=True) as identities:
            identities.keep([Identity("patient", "p1", "Whoever^It", "p1")])
    weights = home.home / "encoders" / "ours-1" / "model.safetensors"  # what was learned here is nowhere else
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    backup(home, folder, key_file=key)
    restore(folder, tmp_path / "again", key_file=key)
    again = settings_of(tmp_path / "again")
    assert contents(again.identities) == contents(home.identities)
    assert not again.identities_key.exists()
    assert (again.home / weights.relative_to(home.home)).read_bytes() == b"weights"


def test_every_backup_of_a_week_is_put_back_as_it_was(archive: FilterArchive, key: Path, tmp_path: Path) -> None:
    home, folder, draw = settings_of(tmp_path / "home"), tmp_path / "backups", random.Random(7)
    (home.home / "roles.toml").write_text("")
    was: dict[str, tuple[Any, Any, Any]] = {}
    for day in range(7):
        archive.begin_run()
        for _ in range(8):
            act(archive, draw)
        put_thumbs(archive.database, user="ada", query_key=f"{day}", query={}, verdicts={"1.1": 1})
        archive.end_run()
        made = backup(home, folder, key_file=key)
        record = contents(home.home / "record.sqlite")
        was[made.name] = (contents(home.database), answers(archive.database), record)  # type: ignore[arg-type]
    assert [one.name for one in backups(folder, key_file=key)] == list(was)
    assert list(verify(folder, key_file=key)) == list(was)
    for name, (rows, asked, record) in was.items():
        place = tmp_path / name
        done = restore(folder, place, key_file=key, name=name)
        assert done.questions == sum(len(some) for some in asked.values()) > 0
        assert {path.name for path in place.iterdir()} >= {"spinecho.sqlite", "record.sqlite", "roles.toml", "builds"}
        assert all(path.stat().st_mode & 0o077 == 0 for path in (place, *place.rglob("*")))
        back = Database.open(place / "spinecho.sqlite")
        assert answers(back) == asked
        back.close()
        assert contents(place / "spinecho.sqlite") == rows
        assert contents(place / "record.sqlite") == record
        assert (place / "roles.toml").read_text() == ""
    kept = backup(home, folder, key_file=key, keep=2)
    names = [one.name for one in backups(folder, key_file=key)]
    assert names == [list(was)[-1], kept.name]
    assert verify(folder, key_file=key)


def test_only_what_changed_is_written_again(archive: FilterArchive, key: Path, tmp_path: Path) -> None:
    home, folder = settings_of(tmp_path / "home"), tmp_path / "backups"
    for number in range(12):
        archive.report(number, [(f"Sentence {number} of {one}, {'long ' * 200}", "present") for one in range(60)])
    first = backup(home, folder, key_file=key)
    put_thumbs(archive.database, user="ada", query_key="1", query={}, verdicts={"1.1": 1})
    second = backup(home, folder, key_file=key)
    assert first.written > 0.9 * first.size
    assert 0 < second.written < 0.2 * second.size


def test_a_backup_is_of_one_moment_while_others_write(archive: FilterArchive, key: Path, tmp_path: Path) -> None:
    home, stop = settings_of(tmp_path / "home"), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            archive.report(number % 3, [(f"Lesion {number}.", "present")] * 3)
            number += 1

    archive.report(0, [("Lesion.", "present")])
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            backup(home, tmp_path / "backups", key_file=key)
    finally:
        stop.set()
        writer.join()
    for one in backups(tmp_path / "backups", key_file=key):
        assert restore(tmp_path / "backups", tmp_path / one.name, key_file=key, name=one.name).questions


def test_nothing_can_be_read_without_the_key(archive: FilterArchive, key: Path, tmp_path: Path) -> None:
    home, folder = settings_of(tmp_path / "home"), tmp_path / "backups"
    archive.report(1, [("Zebrafishoma of the left lobe.", "present")])
    backup(home, folder, key_file=key)
    backup(home, tmp_path / "open", key_file=None)
    held = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"Zebrafishoma" not in held
    assert b"SQLite format" not in held
    assert any(b"Zebrafishoma" in path.read_bytes() for path in (tmp_path / "open").rglob("*.pack"))
    other = make_key(tmp_path / "other.key")
    with pytest.raises(Damaged, match="the key is another"):
        restore(folder, tmp_path / "new", key_file=other)
    with pytest.raises(StoreError, match="--key-file"):
        restore(folder, tmp_path / "new", key_file=None)
    with pytest.raises(StoreError, match="--unencrypted"):
        restore(tmp_path / "open", tmp_path / "new", key_file=key)
    key.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        restore(folder, tmp_path / "new", key_file=key)
    assert not (tmp_path / "new").exists()
    with pytest.raises(StoreError, match="is there already"):
        make_key(key)


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_flipped_byte_is_noticed_wherever_it_lies(
    archive: FilterArchive, key: Path, tmp_path: Path, encrypted: bool
) -> None:
    draw, folder, secret = random.Random(3), tmp_path / "backups", key if encrypted else None
    archive.report(1, [("A lesion.", "present")])
    backup(settings_of(tmp_path / "home"), folder, key_file=secret)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    assert {path.suffix for path in files} == {".json", ".manifest", ".pack"}
    for path in files:
        whole = path.read_bytes()
        for at in [0, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(6))]:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            try:
                restore(folder, tmp_path / "new", key_file=secret)
            except StoreError:
                assert not (tmp_path / "new").exists()
            else:  # a letter of a name that nothing reads
                assert path.suffix == ".json"
                shutil.rmtree(tmp_path / "new")
        path.write_bytes(whole)
    assert restore(folder, tmp_path / "new", key_file=secret)


def _removed(pack: Path) -> None:
    pack.unlink()


def _cut(pack: Path) -> None:
    pack.write_bytes(pack.read_bytes()[: pack.stat().st_size // 2])


def _emptied(pack: Path) -> None:
    pack.write_bytes(b"")


def _flipped(pack: Path) -> None:
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 4
    pack.write_bytes(data)


def _with_its_folder(pack: Path) -> None:
    shutil.rmtree(pack.parent)


def _manifest_flipped(pack: Path) -> None:
    _flipped(pack.parents[1] / "manifests" / f"{pack.stem}.manifest")


@pytest.mark.parametrize(("encrypted", "keep"), [(True, None), (False, 1)], ids=["encrypted", "open, one kept"])
@pytest.mark.parametrize(
    ("harm", "seen"),
    [
        (_removed, True), (_cut, True), (_emptied, True), (_with_its_folder, True), (_flipped, False),
        (_manifest_flipped, True),
    ],
)  # fmt: skip
def test_the_next_backup_is_whole_whatever_the_folder_lost(
    archive: FilterArchive,
    key: Path,
    tmp_path: Path,
    harm: Callable[[Path], None],
    seen: bool,
    keep: int | None,
    encrypted: bool,
) -> None:
    home, folder, secret = settings_of(tmp_path / "home"), tmp_path / "backups", key if encrypted else None
    archive.report(1, [("A lesion.", "present")])
    first = backup(home, folder, key_file=secret)
    harm(folder / "packs" / f"{first.name}.pack")
    if not seen:  # nothing but reading can tell
        with pytest.raises(Damaged, match=rf"{first.name}\.pack.*run 'spinecho backup'"):
            verify(folder, key_file=secret)
    if harm is not _manifest_flipped:
        assert "cannot be put back whole" in backups(folder, key_file=secret)[0].warnings[0]
    second = backup(home, folder, key_file=secret, keep=keep)
    assert first.name in second.warnings[0]
    assert second.written > 0
    assert restore(folder, tmp_path / "new", key_file=secret).backup.name == second.name
    assert contents(tmp_path / "new" / "spinecho.sqlite") == contents(home.database)  # type: ignore[arg-type]
    if keep is None:
        with pytest.raises(Damaged, match=rf"whole are: {second.name}; the newest is whole"):
            verify(folder, key_file=secret)
    else:
        assert verify(folder, key_file=secret) == (second.name,)
        assert not list(folder.rglob("*.damaged"))
    third = backup(home, folder, key_file=secret, keep=1)
    assert third.written < second.written / 2
    assert backup(home, folder, key_file=secret).warnings == ()


def test_a_damaged_pack_still_gives_what_is_whole_in_it_and_is_trusted_when_it_is_mended(
    archive: FilterArchive, tmp_path: Path
) -> None:
    home, folder = settings_of(tmp_path / "home"), tmp_path / "backups"
    (home.home / "fusion.json").write_text("a part that goes")
    old = backup(home, folder, key_file=None)
    (home.home / "fusion.json").unlink()
    new = backup(home, folder, key_file=None)
    pack = folder / "packs" / f"{old.name}.pack"
    whole = pack.read_bytes()
    pack.write_bytes(whole.replace(b"a part that goes", b"a part that got"[:15] + b"s"))
    with pytest.raises(Damaged, match=rf"{old.name} \(.*whole are: {new.name}; the newest is whole"):
        verify(folder, key_file=None)
    listed = backups(folder, key_file=None)
    assert [bool(one.warnings) for one in listed] == [True, False]
    assert restore(folder, tmp_path / "new", key_file=None)
    with pytest.raises(Damaged, match="--verify"):
        restore(folder, tmp_path / "old", key_file=None, name=old.name)
    pack.write_bytes(whole)
    assert verify(folder, key_file=None) == (old.name, new.name)
    assert not list(folder.rglob("*.damaged"))
    assert not any(one.warnings for one in backups(folder, key_file=None))


def test_only_backups_that_can_be_put_back_count_among_those_to_keep(archive: FilterArchive, tmp_path: Path) -> None:
    home, folder = settings_of(tmp_path / "home"), tmp_path / "backups"
    good = backup(home, folder, key_file=None)
    for number in range(2):
        (home.home / "fusion.json").write_text(f"{number}")
        made = backup(home, folder, key_file=None)
        (folder / "packs" / f"{made.name}.pack").unlink()
    last = backup(home, folder, key_file=None, keep=2)
    names = [one.name for one in backups(folder, key_file=None) if not one.warnings]
    assert names == [good.name, last.name]
    for name in names:
        assert restore(folder, tmp_path / name, key_file=None, name=name)


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("home", "in the home"), ("home/bk", "in the home"), ("home/a/b", "in the home"), ("link/bk", "in the home"),
        (".", "around the home"), ("home/../home/bk", "in the home"),
    ],
)  # fmt: skip
def test_a_home_and_its_backups_lie_apart(archive: FilterArchive, tmp_path: Path, folder: str, words: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "home")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match=words):
        backup(settings_of(tmp_path / "home"), tmp_path / folder, key_file=None)
    assert [one for one in sorted(tmp_path.rglob("*")) if "record" not in one.name] == before


def test_nothing_is_put_back_into_the_folder_of_backups(archive: FilterArchive, tmp_path: Path) -> None:
    backup(settings_of(tmp_path / "home"), tmp_path / "home-backups", key_file=None)  # a name that begins so is apart
    with pytest.raises(StoreError, match="around the home"):
        restore(tmp_path / "home-backups", tmp_path / "home-backups" / "new", key_file=None)


KILLED = """
import os, sys
from pathlib import Path
from spinecho.maintaining.backups import backup, restore, verify
from spinecho.setup.settings import Settings
home, folder, key, new = Settings(home=Path(sys.argv[1]), user="ada"), *map(Path, sys.argv[2:])
backup(home, folder, key_file=key)

def killed_at(step, act):
    child = os.fork()
    if not child:
        calls, names = 0, ("fsync", "replace", "rename")
        def dies(real):
            def call(*given, **named):
                nonlocal calls
                calls += 1
                if calls == step:
                    os._exit(9)
                return real(*given, **named)
            return call
        for name in names:
            setattr(os, name, dies(getattr(os, name)))
        act()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

step, before = 1, 1
while killed_at(step, lambda: backup(home, folder, key_file=key)):
    names = verify(folder, key_file=key)
    assert before <= len(names) <= before + 1, names
    before, step = len(names), step + 1
assert step > 3 and len(verify(folder, key_file=key)) == before + 1
backup(home, folder, key_file=key)
assert not list(folder.rglob("*.partial")) and not list(home.home.glob(".*.partial*"))
steps = 1
while killed_at(steps, lambda: restore(folder, new, key_file=key)):
    if new.exists():
        assert (new / "spinecho.sqlite").is_file() and (new / "builds" / "facts" / "CURRENT").is_file()
        os.rename(new, f"{new}-{steps}")
    steps *= 2
assert steps > 9 and new.is_dir()
print(step, steps)
"""


def test_whatever_kills_it_every_backup_that_is_listed_is_whole(
    archive: FilterArchive, key: Path, tmp_path: Path
) -> None:
    archive.report(1, [("A lesion.", "present")])
    arguments = [str(tmp_path / "home"), str(tmp_path / "backups"), str(key), str(tmp_path / "new")]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2


def test_the_commands(archive: FilterArchive, tmp_path: Path) -> None:
    archive.report(1, [("A lesion.", "present")])
    home, folder, key, new = (str(tmp_path / name) for name in ("home", "backups", "a.key", "new"))

    def run(*arguments: str, status: int = 0) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exit_code == status, done.output
        return json.loads(done.stdout)

    assert run("backup", "--make-key", key) == {"key": key}
    made = run("backup", folder, "--home", home, "--key-file", key)
    assert made["files"] == ["spinecho.sqlite", "record.sqlite"]
    assert [one["name"] for one in run("backup", folder, "--list", "--key-file", key)["backups"]] == [made["name"]]
    assert run("backup", folder, "--verify", "--key-file", key) == {"whole": [made["name"]]}
    assert run("restore", folder, "--home", new, "--key-file", key)["questions"] > 0
    assert CliRunner().invoke(app, ["backup", folder, "--home", home]).exit_code == 2
    again = CliRunner().invoke(app, ["restore", folder, "--home", new, "--key-file", key])
    assert (again.exit_code, "holds something already" in again.output) == (2, True)


def test_two_do_not_write_at_once(archive: FilterArchive, key: Path, tmp_path: Path) -> None:
    from spinecho.db.backup.repository import Repository, sealer_of  # noqa: PLC0415

    home, folder = settings_of(tmp_path / "home"), tmp_path / "backups"
    backup(home, folder, key_file=key)
    with Repository.open(folder, sealer_of(key)).writing(), pytest.raises(Busy, match="another backup"):
        backup(home, folder, key_file=key)
    with pytest.raises(StoreError, match="its own"):
        backup(Settings(home=tmp_path / "home", server="postgresql://a@b/c", user="ada"), folder, key_file=key)


def test_what_a_backup_beside_it_forgets_is_not_called_damaged(archive: FilterArchive, tmp_path: Path) -> None:
    """The first of two is forgotten, and its packs are removed, while the first is read."""
    home, folder = settings_of(tmp_path / "home"), tmp_path / "backups"
    for number in range(2):
        (home.home / "fusion.json").write_text(f"{number}")
        backup(home, folder, key_file=None)
        archive.report(number + 1, [("A lesion.", "present")])
    made: list[str] = []

    def beside(name: str) -> None:
        if not made:
            made.append(backup(home, folder, key_file=None, keep=1).name)

    assert verify(folder, key_file=None, on_stage=beside) == ()
    assert not list(folder.rglob("*.damaged"))
    assert verify(folder, key_file=None) == tuple(made)


def test_nothing_is_marked_while_a_backup_is_written_and_marks_of_others_stay(
    archive: FilterArchive, tmp_path: Path
) -> None:
    home, folder = settings_of(tmp_path / "home"), tmp_path / "backups"
    made = backup(home, folder, key_file=None)
    repository = Repository.open(folder, sealer_of(None))
    other = folder / "packs" / "of-a-backup-that-was-not-read.damaged"
    other.write_text("0\n")
    with repository.writing():
        other.write_text("0\n")  # made by somebody after what is forgotten was
        marking = threading.Thread(target=repository.mark, args=({made.name: {(made.name, 0)}}, {made.name}))
        marking.start()
        marking.join(0.3)
        assert marking.is_alive()
        assert [path.name for path in folder.rglob("*.damaged")] == [other.name]
    marking.join()
    assert sorted(path.stem for path in folder.rglob("*.damaged")) == sorted([made.name, other.stem])
