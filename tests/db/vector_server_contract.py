"""What every server of vectors has to keep: the tests, for suites that give them a `place`."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from grown import unit_rows
from sqlalchemy import delete
from vector_homes import forget, open_home, store

from spinecho.db.errors import VectorServerDown, VectorServerUnfit
from spinecho.db.schema.models import Vector
from spinecho.db.vectors.indexes.exact import ExactIndex
from spinecho.db.vectors.served import ServedSpace
from spinecho.db.vectors.servers.named import open_server
from spinecho.db.vectors.servers.place import read_place
from spinecho.db.vectors.servers.protocol import GRAPH, CopyState, VectorServer
from spinecho.db.vectors.servers.server_index import ServerIndex
from spinecho.db.vectors.servers.syncing import behind, key_of, sync

N, DIM = 300, 24
CHILD = """
import sys
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.vectors.servers.named import open_server
from spinecho.db.vectors.servers.place import read_place
from spinecho.db.vectors.servers.syncing import sync
database = Database.open(sys.argv[1])
server = open_server(read_place(sys.argv[2]), database)
sync(database, server, storing.serving(database, "image"), block=20, say=lambda said: print(said, flush=True))
"""


class Place:
    """An archive of vectors and the server that holds a copy of them."""

    def __init__(self, folder: Path, url: str, named: str) -> None:
        """url: of the database. named: as the setting names the server."""
        self.folder, self.url, self.named = folder, url, named
        self.database, self.space = open_home(folder, dim=DIM, url=url)
        self.server: VectorServer = open_server(read_place(named), self.database)
        self.rows = unit_rows(N, DIM, clusters=12).astype(np.float16).astype(np.float32)
        store(self.database, self.space, self.rows)

    @property
    def key(self) -> str:
        return key_of(self.database, self.space)

    def sync(self, *, anew: bool = False, block: int = 120) -> CopyState:
        return sync(self.database, self.server, self.space, anew=anew, block=block, queries=6)

    def serve(self) -> ServedSpace:
        return ServedSpace(self.database, self.folder / "builds", self.space, elsewhere=self.server)

    def state(self) -> CopyState:
        found = self.server.serving(self.key)
        assert found is not None
        return found

    def held(self) -> tuple[list[int], np.ndarray]:
        """What the server has under the ids of this archive."""
        ids, rows = self.server.open(self.key, self.state()).rows_of(np.arange(1, 2 * N))
        return ids.tolist(), rows


def test_an_index_on_the_server_adds_removes_and_finds_as_every_index(place: Place) -> None:
    state = CopyState("000001", {"dim": DIM}, "flat", "")
    copy = place.server.create("contract_s1", state)
    index, exact = ServerIndex(copy, exact_up_to=0), ExactIndex(DIM)
    empty = index.nearest(place.rows[:2], 3)
    assert (empty.ids == -1).all()
    ids = np.arange(1, 61) * 3
    for one in (index, exact):
        one.add(ids, place.rows[:60])
    with pytest.raises(ValueError, match="already"):
        index.add(np.array([3]), place.rows[:1])
    with pytest.raises(ValueError, match="already"):
        index.add(np.array([500, 500]), place.rows[:2])
    same = np.repeat(place.rows[70:71], 4, axis=0)
    for one in (index, exact):
        one.add(np.array([990, 720, 730, 711]), same)
    assert index.nearest(same[:1], 3).ids[0].tolist() == [711, 720, 730]
    for one in (index, exact):
        assert one.remove(np.array([ids[0], ids[7], 999_999])) == 2
    assert len(index) == len(exact) == 62
    random = np.random.default_rng(0)
    for k, among in (
        (1, None), (62, None), (80, None), (5, ids[:20]), (40, np.array([3, 6, 9, 401, 402])), (3, np.array([7])),
        (9, np.sort(random.choice(ids, 33, replace=False))),
    ):  # fmt: skip
        got, wanted = (one.nearest(place.rows[:5], k, among=among) for one in (index, exact))
        assert (got.ids == wanted.ids).all(), (k, among)
        finite = np.isfinite(wanted.similarities)
        assert got.similarities[finite] == pytest.approx(wanted.similarities[finite], abs=1e-5)
    odd = place.rows[:2].copy()
    odd[0, 3] = np.nan
    found = index.nearest(odd, 2)
    assert (found.ids[0] == -1).all()
    assert (found.ids[1] > 0).all()
    place.server.drop("contract_s1", "000001")


def test_a_copy_holds_what_is_stored_follows_it_and_says_what_it_finds(place: Place) -> None:
    first = place.sync()
    assert (first.count, first.highest, first.whole) == (N, N, True)
    assert set(first.measured) == {"all", "10 %", "1 %", "0.1 %"}
    assert all(one["recall"] == 1 for one in first.measured.values())
    served = place.serve()
    assert not served.notes
    assert served.build
    assert place.server.what in served.build
    assert (served.nearest(place.rows[:9], 1).ids[:, 0] == np.arange(1, 10)).all()

    forget(place.database, place.space, [1, 2, 3])
    store(place.database, place.space, place.rows[:2])  # under ids that are new
    served.refresh()
    assert behind(place.database, place.space, place.state()) == (2, 3)
    among = np.array([1, 2, 5, 9, N + 1, N + 2])
    for k, some in ((4, None), (3, among)):
        found = served.nearest(place.rows[:2], k, among=some)
        assert found.ids[:, 0].tolist() == [N + 1, N + 2]
        assert not set(found.ids.ravel()) & {1, 2, 3}
    again = place.sync()
    assert (again.name, again.count, again.highest) == (first.name, N - 1, N + 2)
    assert behind(place.database, place.space, again) == (0, 0)
    assert place.sync() == again
    assert place.serve().nearest(place.rows[:2], 1).ids[:, 0].tolist() == [N + 1, N + 2]


def test_a_new_copy_takes_the_place_of_the_one_that_serves_in_one_step(place: Place) -> None:
    old = place.sync()
    served = place.serve()
    new = place.sync(anew=True)
    assert new.name > old.name
    assert [one.name for one in place.server.copies(place.key)] == [new.name]
    # a process that still asks the old one finds the new one
    assert (served.nearest(place.rows[:5], 1).ids[:, 0] == np.arange(1, 6)).all()
    assert served.build
    assert new.name in served.build


def test_a_sync_that_was_stopped_goes_on_and_ends_the_same(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = place.server.keep

    def stopped(key: str, state: CopyState) -> None:
        if state.highest > 120:  # the second block is written, and nothing says so yet
            raise KeyboardInterrupt
        kept(key, state)

    monkeypatch.setattr(place.server, "keep", stopped)
    with pytest.raises(KeyboardInterrupt):
        place.sync()
    monkeypatch.undo()
    assert place.server.serving(place.key) is None
    assert any("no copy" in note for note in place.serve().notes)
    (begun,) = place.server.copies(place.key)
    assert (begun.highest, begun.whole) == (120, False)
    forget(place.database, place.space, [5])
    ended = place.sync()
    assert (ended.name, ended.count, ended.highest, ended.whole) == (begun.name, N - 1, N, True)
    assert len(place.server.copies(place.key)) == 1


def test_a_sync_that_is_killed_and_started_again_ends_the_same(place: Place) -> None:
    arguments = [sys.executable, "-c", CHILD, place.url, place.named]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(3):
            assert "on the server" in child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    (begun,) = place.server.copies(place.key)
    assert 0 < begun.highest < N
    assert not begun.whole
    forget(place.database, place.space, [2, N])
    ended = place.sync()
    assert (ended.name, ended.count, ended.highest) == (begun.name, N - 2, N - 1)
    ids, rows = place.held()
    assert ids == [one for one in range(1, N) if one != 2]
    assert (rows == place.rows[np.array(ids) - 1]).all()


def test_a_graph_finds_nearly_all_and_all_that_a_filter_leaves(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (("syncing", "FLAT_UP_TO"), ("server_index", "EXACT_UP_TO"), ("pgvector", "EXACT_UP_TO")):
        monkeypatch.setattr(f"spinecho.db.vectors.servers.{module}.{name}", 0)
    state = place.sync()
    assert state.kind == GRAPH
    assert all(one["recall"] > 0.9 for one in state.measured.values())
    served, exact = place.serve(), ExactIndex(DIM)
    exact.add(np.arange(1, N + 1), place.rows)
    random = np.random.default_rng(0)
    for share in (1, 0.5, 0.1, 0.03):
        among = None if share == 1 else np.sort(random.choice(N, int(share * N), replace=False)) + 1
        for k in (10, 200):
            got, wanted = (one.nearest(place.rows[:5], k, among=among) for one in (served, exact))
            assert ((got.ids > 0).sum(axis=1) == (wanted.ids > 0).sum(axis=1)).all(), (share, k)
            same = [len((set(a) & set(b)) - {-1}) for a, b in zip(got.ids.tolist(), wanted.ids.tolist(), strict=True)]
            assert sum(same) >= 0.9 * (wanted.ids > 0).sum(), (share, k)
            if among is not None:
                assert set(got.ids.ravel().tolist()) - {-1} <= set(among.tolist())


def test_rows_that_differ_or_are_gone_from_the_copy_are_not_served(place: Place) -> None:
    place.sync()
    copy = place.server.open(place.key, place.state())
    copy.upsert(np.arange(1, N + 1), place.rows[::-1].copy())
    assert any("other vectors" in note for note in place.serve().notes)
    copy.upsert(np.arange(1, N + 1), place.rows)
    assert not place.serve().notes
    copy.delete(np.array([7]))
    assert any(f"{N - 1} vectors" in note for note in place.serve().notes)
    with pytest.raises(VectorServerUnfit, match="--anew"):
        place.sync()
    place.sync(anew=True)
    served = place.serve()
    assert not served.notes
    assert served.nearest(place.rows[6:7], 1).ids[0, 0] == 7


def test_a_row_that_the_database_lost_without_a_word_is_given_by_nobody(place: Place) -> None:
    place.sync()
    served = place.serve()
    with place.database.begin() as session:
        session.execute(delete(Vector).where(Vector.id == 4))
    found = served.nearest(place.rows[3:4], 5)
    assert 4 not in found.ids
    assert (found.ids > 0).all()


def test_the_copy_of_another_archive_or_encoder_is_not_asked(place: Place) -> None:
    state = place.sync()
    for other in (
        replace(state, origin="2001-01-01T00:00:00"),
        replace(state, space={**state.space, "model": "another"}),
        replace(state, count=N + 5),
    ):
        place.server.keep(place.key, other)
        served = place.serve()
        assert len(served.notes) == 1
        assert "--anew" in served.notes[0]
        assert "comes from the builds here" in served.notes[0]
        assert (served.nearest(place.rows[:3], 1).ids[:, 0] == [1, 2, 3]).all()
    with pytest.raises(VectorServerUnfit):
        place.sync()
    place.sync(anew=True)
    assert not place.serve().notes


def test_vectors_of_another_length_are_refused(place: Place) -> None:
    place.sync()
    copy = place.server.open(place.key, place.state())
    with pytest.raises(VectorServerUnfit, match="numbers"):
        copy.upsert(np.array([9_000]), np.ones((1, DIM - 1), np.float32))
    assert copy.count() == N


def test_a_server_that_stops_answering_is_left_and_asked_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.sync()
    served = place.serve()
    view = served.view()
    base = view.base

    def down(*_: object, **__: object) -> None:
        raise VectorServerDown("nobody is there")

    monkeypatch.setattr(base._index.copy, "proposed", down)  # type: ignore[union-attr]
    found = view.nearest(place.rows[:3], 4)
    assert found.ids[:, 0].tolist() == [1, 2, 3]
    assert any("nobody is there" in note for note in view.notes)
    assert served.build is None
    monkeypatch.undo()
    monkeypatch.setattr("spinecho.db.vectors.served._LOOK_AGAIN", 0.0)
    served.refresh()
    served.settle()
    assert served.build is not None
    assert not served.view().notes
    assert served.nearest(place.rows[:3], 4).ids.tolist() == found.ids.tolist()


def test_many_threads_find_the_same_while_a_copy_is_swapped(place: Place) -> None:
    place.sync()
    served, wrong = place.serve(), []

    def asking(first: int) -> None:
        for row in range(first, first + 12):
            found = served.nearest(place.rows[row : row + 1], 1)
            if found.ids[0, 0] != row + 1:
                wrong.append(row)

    threads = [threading.Thread(target=asking, args=(12 * one,)) for one in range(4)]
    for one in threads:
        one.start()
    place.sync(anew=True)
    for one in threads:
        one.join()
    assert not wrong
