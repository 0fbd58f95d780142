"""Copies of the vectors in a real Milvus: what every server of vectors has to keep, with the rows in PostgreSQL."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from milvus_servers import Milvus, running_milvus
from servers import Server

sys.path.insert(0, str(Path(__file__).parent))

import vector_server_contract
from vector_server_contract import DIM, Place

from spinecho.db.errors import VectorServerDown, VectorServerUnfit
from spinecho.db.vectors.served import ServedSpace, SpaceView
from spinecho.db.vectors.servers.place import read_place

for _name, _test in vars(vector_server_contract).items():
    if _name.startswith("test_"):
        globals()[_name] = _test


@pytest.fixture(scope="module")
def milvus() -> Iterator[Milvus]:
    with running_milvus() as server:
        yield server


@pytest.fixture
def place(tmp_path: Path, milvus: Milvus, postgresql: Server) -> Iterator[Place]:
    """An archive of vectors in PostgreSQL, copied to Milvus."""
    found = Place(tmp_path, postgresql.new(), milvus.address)
    for one in found.server.copies(found.key):  # archives of tests have the same key, as they have no runs
        found.server.drop(found.key, one.name)
    yield found
    found.server.close()
    found.database.close()


def test_a_collection_of_others_under_our_name_is_left_alone(place: Place) -> None:
    from pymilvus import MilvusClient  # noqa: PLC0415

    client = MilvusClient(uri=place.named.replace("milvus", "http"))
    client.create_collection(f"spinecho_{place.key}", dimension=DIM)
    try:
        served = place.serve()
        assert any("something of others" in note for note in served.notes)
        assert served.nearest(place.rows[:1], 1).ids[0, 0] == 1
        with pytest.raises(VectorServerUnfit, match="something of others"):
            place.sync()
        assert client.has_collection(f"spinecho_{place.key}")
    finally:
        client.drop_collection(f"spinecho_{place.key}")
        client.close()


def test_a_server_that_is_too_old_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.sync()
    monkeypatch.setattr("pymilvus.MilvusClient.get_server_version", lambda *_, **__: "v2.2.16")
    with pytest.raises(VectorServerUnfit, match=r"v2\.2\.16, and 2\.3 is needed"):
        place.server.check()


def test_a_server_that_is_not_there_is_said_and_the_builds_answer(place: Place) -> None:
    from spinecho.db.vectors.servers.milvus import MilvusServer  # noqa: PLC0415

    nobody = read_place("milvus://127.0.0.1:9")
    assert nobody != "pgvector"
    place.server.close()
    place.server = MilvusServer(nobody)
    with pytest.raises(VectorServerDown, match="does not answer"):
        place.sync()
    served = place.serve()
    assert any("does not answer" in note for note in served.notes)
    assert (served.nearest(place.rows[:9], 1).ids[:, 0] == np.arange(1, 10)).all()


def test_a_server_that_falls_silent_or_ends_while_it_is_asked_costs_one_search_some_seconds(
    place: Place, milvus: Milvus
) -> None:
    """The last one: nothing can be asked after it. A Milvus that was stopped for long lives on, and is never ready."""
    place.sync()
    served = place.serve()
    view = served.view()
    assert right(view, place)
    assert not view.notes
    with milvus.silent():
        begun = time.monotonic()
        assert right(view, place)
        assert time.monotonic() - begun < 60, "a hang, not a wait"
        assert any("does not answer" in note for note in view.notes)
        assert served.build is None
        with pytest.raises(VectorServerDown, match="does not answer"):
            place.sync()
    again = place.serve()
    view = again.view()
    assert view.build is not None or any("does not answer" in note for note in view.notes), view.notes
    assert right(view, place)
    milvus.end()
    assert right(view, place)
    assert right(again, place)
    assert again.build is None
    with pytest.raises(VectorServerDown, match="does not answer"):
        place.server.check()


def right(asked: SpaceView | ServedSpace, place: Place) -> bool:
    return bool((asked.nearest(place.rows[:9], 1).ids[:, 0] == np.arange(1, 10)).all())
