"""Builds: made whole or not at all, refused when a byte is wrong, and swapped while searches go on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from grown import unit_rows
from vector_homes import forget, open_home, store

from spinecho.db.errors import BuildCorrupt
from spinecho.db.vectors import build as build_module
from spinecho.db.vectors.build import build_index, open_build
from spinecho.db.vectors.indexes.index_plan import FLAT, Wish
from spinecho.db.vectors.manifest import builds_newest_first, current_build, read_manifest, space_folder
from spinecho.db.vectors.served import ServedSpace

N, DIM = 1500, 16
ROWS = unit_rows(N, DIM, clusters=30)
GROWN = Wish(kind="ivf rabitq", flat_up_to=0)
WISHES = {"flat": Wish(), "grown": GROWN}
HERE = Path(__file__).parent


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder, self.builds = folder, folder / "builds"
        self.database, self.space = open_home(folder, dim=DIM)

    def serve(self) -> ServedSpace:
        return ServedSpace(self.database, self.builds, self.space)

    def make(self, wish: Wish = GROWN) -> str:
        return build_index(self.database, self.builds, self.space, wish=wish).build


@pytest.fixture(scope="module", params=WISHES, ids=str)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one build of either kind; tests take a copy."""
    place = Place(tmp_path_factory.mktemp("made"))
    store(place.database, place.space, ROWS)
    place.make(WISHES[request.param])
    place.database.close()
    return place.folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Iterator[Place]:
    shutil.copytree(made, tmp_path / "home")
    found = Place(tmp_path / "home")
    yield found
    found.database.close()


def files_of(place: Place, name: str) -> list[Path]:
    return sorted((space_folder(place.builds, place.space) / name).iterdir())


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1 << (at % 8)
    path.write_bytes(content)


def test_the_manifest_tells_kind_recall_speed_and_size(place: Place) -> None:
    manifest = read_manifest(place.builds, place.space, current_build(place.builds, place.space))
    assert manifest.count == N
    assert set(manifest.sha256) == {path.name for path in files_of(place, manifest.build)} - {
        "manifest.json",
        "manifest.sha256",
    }
    if manifest.kind != FLAT:
        first = manifest.plan["efforts"][0]
        assert first["recall"] > 0.8
        assert manifest.plan["bytes_per_vector"] > 0


def test_a_build_finds_what_its_vectors_are(place: Place) -> None:
    served = place.serve()
    found = served.nearest(ROWS[:50], 1)
    assert (found.ids[:, 0] == np.arange(1, 51)).all()
    assert served.build == "000001"
    assert not served.warnings


def test_a_flipped_byte_in_any_file_is_refused_and_the_last_good_build_serves(place: Place) -> None:
    good = current_build(place.builds, place.space)
    wish = WISHES["flat" if len(files_of(place, good)) == 3 else "grown"]
    bad = place.make(wish)
    random = np.random.default_rng(0)
    for path in files_of(place, bad):
        before = path.read_bytes()
        for at in {0, len(before) - 1, *random.integers(0, len(before), 6).tolist()}:
            flip(path, at)
            with pytest.raises(BuildCorrupt):
                open_build(place.builds, place.space, bad)
            path.write_bytes(before)
    open_build(place.builds, place.space, bad)
    flip(files_of(place, bad)[-1], 3)
    served = place.serve()
    assert served.build == good
    assert any(bad in warning and "not served" in warning for warning in served.warnings)
    assert (served.nearest(ROWS[:20], 1).ids[:, 0] == np.arange(1, 21)).all()


@pytest.mark.parametrize("damage", ["cut", "empty", "gone"])
def test_a_damaged_file_is_refused_too(place: Place, damage: str) -> None:
    name = current_build(place.builds, place.space)
    for path in files_of(place, name):
        before = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(before[: len(before) // 2] if damage == "cut" else b"")
        with pytest.raises(BuildCorrupt):
            open_build(place.builds, place.space, name)
        path.write_bytes(before)
    assert place.serve().build == name


@pytest.mark.parametrize("said", ["", "000099", "../../etc", "\x00\xff", "manifest"])
def test_a_pointer_to_nowhere_costs_no_answer(place: Place, said: str) -> None:
    served = place.serve()
    (space_folder(place.builds, place.space) / "CURRENT").write_bytes(said.encode("latin-1"))
    served.refresh()
    served.settle()
    assert served.build == "000001"
    assert place.serve().build == "000001"


def test_an_older_manifest_says_what_to_do(place: Place) -> None:
    path = space_folder(place.builds, place.space) / "000001" / "manifest.json"
    values = json.loads(path.read_text())
    del values["format"]
    path.write_text(json.dumps(values))
    with pytest.raises(BuildCorrupt, match="spinecho builds make"):
        open_build(place.builds, place.space, "000001")


def test_what_is_newer_than_the_build_is_found_and_what_was_deleted_is_not(place: Place) -> None:
    served = place.serve()
    fresh = unit_rows(300, DIM, seed=9)
    store(place.database, place.space, fresh)
    forget(place.database, place.space, [3, N + 5])
    served.refresh()
    found = served.nearest(fresh, 1).ids[:, 0]
    assert served.newer_than_build == 299
    assert served.dropped == 1
    assert N + 5 not in found
    assert (np.delete(found, 4) == np.delete(np.arange(N + 1, N + 301), 4)).all()
    assert not np.isin(served.nearest(ROWS, 5).ids, [3, N + 5]).any()


def test_a_new_build_is_taken_up_without_a_restart(place: Place) -> None:
    served = place.serve()
    store(place.database, place.space, unit_rows(50, DIM, seed=10))
    forget(place.database, place.space, [1])
    name = place.make()
    store(place.database, place.space, unit_rows(7, DIM, seed=11))
    before = served.generation
    served.refresh()
    served.settle()
    assert served.build == name
    assert served.newer_than_build == 7
    assert served.dropped == 0
    assert len(served) == N - 1 + 57
    assert served.generation > before
    assert served.nearest(ROWS[1:2], 1).ids[0, 0] == 2


def test_a_new_build_with_a_flipped_byte_is_not_taken_up(place: Place) -> None:
    served = place.serve()
    name = place.make()
    flip(space_folder(place.builds, place.space) / name / "index.faiss", 100)
    for _ in range(3):
        served.refresh()
        served.settle()
    assert served.build == "000001"
    assert sum(name in warning for warning in served.warnings) == 1
    better = place.make()
    served.refresh()
    served.settle()
    assert served.build == better
    assert not served.warnings


def test_a_hundred_searches_go_on_while_builds_are_swapped(place: Place) -> None:
    served = place.serve()
    stop = threading.Event()
    among = np.arange(1, N + 1, 2)

    def search(number: int) -> int:
        done = 0
        while not stop.is_set():
            place_of = (number * 31 + done) % 700 * 2
            served.refresh()
            assert served.nearest(ROWS[place_of][None], 1).ids[0, 0] == place_of + 1
            assert served.nearest(ROWS[place_of][None], 5, among=among).ids[0, 0] == place_of + 1
            done += 1
        return done

    with ThreadPoolExecutor(100) as pool:
        searching = [pool.submit(search, number) for number in range(100)]
        try:
            for turn in range(2):
                store(place.database, place.space, unit_rows(20, DIM, seed=20 + turn))
                forget(place.database, place.space, [N - turn])
                name = place.make()
                deadline = time.monotonic() + 60
                while served.build != name and time.monotonic() < deadline:
                    time.sleep(0.02)
                assert served.build == name
        finally:
            stop.set()
        assert all(one.result() > 0 for one in searching)
    assert len(served) == N + 38


class Killed(BaseException):
    pass


@pytest.mark.parametrize("point", ["write_rows", "fit", "durable_replace", "sha256_of", "read_rows"])
def test_a_rebuild_that_dies_leaves_the_last_good_build(
    place: Place, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(build_module, point, die)
        with pytest.raises(Killed):
            place.make()
    assert place.serve().build == "000001"
    assert not place.serve().warnings
    name = place.make()
    assert place.serve().build == name
    assert not list(space_folder(place.builds, place.space).glob("*.partial"))


@pytest.mark.slow
def test_a_killed_process_leaves_the_last_good_build(place: Place) -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}]\n"
        "from pathlib import Path\nfrom test_builds import Place\n"
        f"place = Place(Path({str(place.folder)!r}))\n"
        "print('go', flush=True)\n"
        "while True: place.make()\n"
    )
    for delay in (0.05, 0.4, 1.0):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        served = place.serve()
        assert served.build is not None
        assert not served.warnings
        assert (served.nearest(ROWS[:20], 1).ids[:, 0] == np.arange(1, 21)).all()


def test_an_empty_space_can_be_built_and_served(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.make(Wish())
    served = place.serve()
    assert (served.nearest(ROWS[:1], 3).ids == -1).all()
    store(place.database, place.space, ROWS[:5])
    served.refresh()
    assert served.nearest(ROWS[2:3], 1).ids[0, 0] == 3
    place.database.close()


def test_older_builds_but_one_are_removed(place: Place) -> None:
    names = [place.make(Wish()) for _ in range(3)]
    assert builds_newest_first(place.builds, place.space) == (names[2], names[1])


def test_without_any_build_the_rows_themselves_answer(place: Place) -> None:
    served = ServedSpace(place.database, place.folder / "elsewhere", place.space)
    assert served.build is None
    assert (served.nearest(ROWS[:30], 1).ids[:, 0] == np.arange(1, 31)).all()
