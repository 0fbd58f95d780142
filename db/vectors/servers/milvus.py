"""Copies in a Milvus: a collection each, and an alias a space that names the one which serves. Alone imports pymilvus.

spinecho_KEY_000001     id and vector, in float32: before version 2.4 Milvus holds no shorter numbers
spinecho_KEY            the alias

What a copy speaks for is a property of its collection. Searches may see the rows of some seconds ago, which costs
nothing here: what is newer is known from SQL, and what is gone is dropped. Whatever is read back sees everything.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from spinecho.db.errors import BackendMissing, VectorServerDown, VectorServerUnfit
from spinecho.db.vectors.indexes.protocol import Ids, Rows
from spinecho.db.vectors.servers.place import MilvusPlace
from spinecho.db.vectors.servers.protocol import FLAT, CopyState, padded

_NO_FILE = "PYTHON_DOTENV_DISABLED"
_before = os.environ.get(_NO_FILE)
os.environ[_NO_FILE] = "1"  # else pymilvus takes settings of this process from any file .env above its own folder
try:
    import grpc
    from pymilvus import DataType, MilvusClient
    from pymilvus.exceptions import MilvusException
except ImportError as error:
    raise BackendMissing("Milvus needs its client: pip install -c constraints.txt 'spinecho[milvus]'") from error
finally:
    os.environ.pop(_NO_FILE)
    os.environ.update({} if _before is None else {_NO_FILE: _before})

T = TypeVar("T")
OLDEST = (2, 3)
"""Before it rows cannot be replaced, nor counted without those that were deleted."""
_SECONDS = 10.0
"""How long a search waits for the server."""
_LONG = 600.0
_PROPERTY = "spinecho.copy"
_AT_ONCE = 1_000
"""Ids in one statement that reads or deletes, and vectors in one that writes: a message holds some megabytes."""
_MOST_PROPOSED = 16_384
"""Milvus gives no more at once."""
_FETCHED = 2_000
"""Where so many proposals hold enough of what a filter allows, more are fetched and the others dropped: a list of many
ids takes longer to read than that.
"""
_DOWN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
_DOWN_WORDS = (
    "fail connecting", "server unavailable", "deadline exceeded", "retry run out", "connection",
    "not ready", "channel not available", "channel not subscribed", "node not found",
)  # fmt: skip
"""Among them what a Milvus says that runs and is no longer itself, as after a long pause of its machine."""
_MENDED = "; restart it, and see its own log where that does not help"
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # what it says is said by the errors, once


class MilvusServer:
    """A `VectorServer`. Connected when it is first asked."""

    def __init__(self, place: MilvusPlace) -> None:
        self._place = place
        self._client: MilvusClient | None = None

    @property
    def what(self) -> str:
        """How it is named in messages."""
        database = f"/{self._place.database}" if self._place.database else ""
        return f"milvus://{self._place.host}:{self._place.port}{database}"

    def check(self) -> str:
        """The server's version."""
        found = str(self.asked(lambda client: client.get_server_version(timeout=_SECONDS)))
        numbers = re.match(r"v?(\d+)\.(\d+)", found)
        if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise VectorServerUnfit(f"{self.what} is version {found}, and {oldest} is needed: upgrade the server")
        return found

    def copies(self, key: str) -> Sequence[CopyState]:
        """What there is, the newest first."""
        form = re.compile(rf"{_alias(key)}_\d{{6}}")
        names = self.asked(lambda client: client.list_collections(timeout=_SECONDS))
        found = [self._state(name) for name in sorted(filter(form.fullmatch, names), reverse=True)]
        return [one for one in found if one is not None]

    def serving(self, key: str) -> CopyState | None:
        """The copy that the alias names."""
        if not self.asked(lambda client: client.has_collection(_alias(key), timeout=_SECONDS)):
            return None
        state = self._state(_alias(key))
        if state is None:
            raise VectorServerUnfit(
                f"{self.what} has something of others under the name {_alias(key)}; another database of it "
                "(milvus://host:19530/DATABASE) is free of it"
            )
        return state

    def create(self, key: str, state: CopyState) -> MilvusCopy:
        """An empty collection, which is searched from the first row on."""
        name, dim = _name(key, state.name), int(state.space["dim"])
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
        index = MilvusClient.prepare_index_params()
        flat = {"index_type": "FLAT", "params": {}}
        graph = {"index_type": "HNSW", "params": {"M": 16, "efConstruction": 200}}
        index.add_index("vector", metric_type="IP", **(flat if state.kind == FLAT else graph))
        if self.asked(lambda client: client.has_collection(name, timeout=_SECONDS)):
            self.asked(lambda client: client.drop_collection(name, timeout=_LONG))
        self.asked(lambda client: client.create_collection(name, schema=schema, timeout=_LONG))
        self.keep(key, state)
        self.asked(lambda client: client.create_index(name, index, timeout=_LONG))
        self.asked(lambda client: client.load_collection(name, timeout=_LONG))
        return self.open(key, state)

    def open(self, key: str, state: CopyState) -> MilvusCopy:
        """A collection that is there, of vectors of the right length; it is loaded where the server was restarted."""
        name, dim = _name(key, state.name), int(state.space["dim"])
        told = self._described(name)
        if told is None:
            raise VectorServerUnfit(f"{name} is gone from {self.what}; 'spinecho builds sync --anew' makes it")
        held = {one["name"]: (one["type"], one["params"].get("dim")) for one in told["fields"]}
        if held != {"id": (DataType.INT64, None), "vector": (DataType.FLOAT_VECTOR, dim)}:
            raise VectorServerUnfit(
                f"{name} on {self.what} does not hold vectors of {dim} numbers; 'spinecho builds sync --anew'"
            )
        self.asked(lambda client: client.load_collection(name, timeout=_LONG))
        return MilvusCopy(self, name, dim, state.kind)

    def keep(self, key: str, state: CopyState) -> None:
        """Replace what a copy speaks for."""
        said = {_PROPERTY: json.dumps(state.to_json())}
        name = _name(key, state.name)
        self.asked(lambda client: client.alter_collection_properties(name, properties=said, timeout=_SECONDS))

    def finish(self, key: str, state: CopyState) -> None:
        """Have what was written put into segments, wait until each has its index, and have it searched by that.

        Until then Milvus searches by a coarse index of its own making, which finds less than the one asked for.
        """
        name = _name(key, state.name)
        self.asked(lambda client: client.flush(name, timeout=_LONG))
        until = time.monotonic() + _LONG
        while self._not_indexed(name):
            if time.monotonic() > until:
                raise VectorServerUnfit(f"{self.what} did not index {name} in {_LONG:.0f} seconds; sync again later")
            time.sleep(0.2)
        self.asked(lambda client: client.refresh_load(name, timeout=_LONG))

    def _not_indexed(self, name: str) -> int:
        told = self.asked(lambda client: client.describe_index(name, "vector", timeout=_SECONDS)) or {}
        return int(told.get("pending_index_rows") or 0) + (told.get("state") not in {"Finished", None})

    def serve(self, key: str, state: CopyState) -> None:
        """Have the alias name this copy."""
        self.keep(key, state)
        name, alias = _name(key, state.name), _alias(key)
        if self.asked(lambda client: client.has_collection(alias, timeout=_SECONDS)):
            self.asked(lambda client: client.alter_alias(name, alias, timeout=_SECONDS))
        else:
            self.asked(lambda client: client.create_alias(name, alias, timeout=_SECONDS))

    def drop(self, key: str, name: str) -> None:
        """Delete a copy: an alias that named it goes too, as Milvus would go on giving it."""
        told = self._described(_alias(key))
        if told is not None and told["collection_name"] == _name(key, name):
            self.asked(lambda client: client.drop_alias(_alias(key), timeout=_SECONDS))
        self.asked(lambda client: client.drop_collection(_name(key, name), timeout=_LONG))

    def close(self) -> None:
        """Let the connection go."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def asked(self, what: Callable[[MilvusClient], T]) -> T:
        """What the client gives. Raises `VectorServerDown` and `VectorServerUnfit`."""
        with self._reported():
            if self._client is None:
                place = self._place
                self._client = MilvusClient(
                    uri=f"{'https' if place.tls else 'http'}://{place.host}:{place.port}", user=place.user,
                    password=place.password, db_name=place.database, timeout=_SECONDS,
                )  # fmt: skip
            return what(self._client)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            code = error.code() if hasattr(error, "code") else None
            if code is not None and code in _DOWN:
                raise self._down(str(code.name)) from error
            raise VectorServerUnfit(f"{self.what} refuses: {code}{_MENDED}") from error
        except MilvusException as error:
            said = " ".join(str(error.message).split())[:200]
            if error.code == 2 or any(words in said.casefold() for words in _DOWN_WORDS):
                raise self._down(said) from error
            raise VectorServerUnfit(f"{self.what} refuses: {said}{_MENDED}") from error
        except (OSError, TimeoutError) as error:
            raise self._down(str(error)) from error

    def _down(self, why: str) -> VectorServerDown:
        return VectorServerDown(f"{self.what} does not answer ({why}); start it anew, or take SPINECHO_VECTORS out")

    def _described(self, name: str) -> dict[str, Any] | None:
        if not self.asked(lambda client: client.has_collection(name, timeout=_SECONDS)):
            return None
        found: dict[str, Any] = self.asked(lambda client: client.describe_collection(name, timeout=_SECONDS))
        return found

    def _state(self, name: str) -> CopyState | None:
        """What a collection says of itself; None for one that is not ours."""
        told = self._described(name)
        said = (told or {}).get("properties", {}).get(_PROPERTY)
        if said is None:
            return None
        try:
            return CopyState.from_json(json.loads(said))
        except ValueError:
            return CopyState.from_json(None)


class MilvusCopy:
    """A `Copy`: one collection."""

    def __init__(self, server: MilvusServer, name: str, dim: int, kind: str) -> None:
        self._server, self._name, self._dim, self._kind = server, name, dim, kind

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return self._dim

    def count(self) -> int:
        """By the server's own count."""
        found = self._server.asked(partial(_read, self._name, "", ["count(*)"]))
        return int(found[0]["count(*)"])

    def upsert(self, ids: Ids, vectors: Rows) -> None:
        """Put vectors in, in place of those with the same ids."""
        if vectors.shape != (len(ids), self._dim):
            raise VectorServerUnfit(f"vectors of {vectors.shape[1]} numbers do not fit into a copy of {self._dim}")
        for start in range(0, len(ids), _AT_ONCE):
            span = slice(start, start + _AT_ONCE)
            rows = [
                {"id": one, "vector": row}
                for one, row in zip(ids[span].tolist(), vectors[span].astype(np.float32), strict=True)
            ]
            self._server.asked(partial(_upsert, self._name, rows))

    def delete(self, ids: Ids) -> None:
        """Take vectors out."""
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE].tolist()
            self._server.asked(partial(_delete, self._name, some))

    def rows_of(self, ids: Ids) -> tuple[Ids, Rows]:
        """Those that are there."""
        found: dict[int, Any] = {}
        for start in range(0, len(ids), _AT_ONCE):
            asked = f"id in {ids[start : start + _AT_ONCE].tolist()}"
            rows = self._server.asked(partial(_read, self._name, asked, ["id", "vector"]))
            found.update((int(row["id"]), row["vector"]) for row in rows)
        known = np.array(sorted(found), dtype=np.int64)
        vectors = np.array([found[one] for one in known.tolist()], dtype=np.float32).reshape(len(known), self._dim)
        return known, vectors

    def proposed(self, queries: Rows, m: int, *, among: Ids | None, effort: int) -> NDArray[np.int64]:
        """By the index; what a filter allows is told as a list of ids, or more is fetched where it allows much."""
        m = min(m, _MOST_PROPOSED)
        if among is not None:
            fetched = self._fetched(queries, m, among, effort)
            if fetched is not None:
                return fetched
        return self._search(queries, m, effort, "" if among is None else f"id in {among.tolist()}")

    def _fetched(self, queries: Rows, m: int, among: Ids, effort: int) -> NDArray[np.int64] | None:
        """Without telling the server of the filter; None where that does not give enough."""
        span = int(among[-1])
        wanted = int(1.5 * m * span / len(among))  # ids are dense where an archive grew without losing much
        if wanted > _FETCHED:
            return None
        found = self._search(queries, wanted, effort, "")
        allowed = np.isin(found, among)
        if (allowed.sum(axis=1) < min(m, len(among))).any():
            return None
        return padded([row[keep].tolist() for row, keep in zip(found, allowed, strict=True)], m)

    def _search(self, queries: Rows, m: int, effort: int, where: str) -> NDArray[np.int64]:
        params = {} if self._kind == FLAT else {"ef": max(m, effort)}
        found = self._server.asked(
            lambda client: client.search(
                self._name, data=list(queries.astype(np.float32)), anns_field="vector", limit=m, filter=where,
                search_params={"metric_type": "IP", "params": params}, consistency_level="Bounded", timeout=_SECONDS,
            )
        )  # fmt: skip
        return padded([[int(hit["id"]) for hit in hits] for hits in found], m)


def _upsert(name: str, rows: list[dict[str, Any]], client: MilvusClient) -> None:
    client.upsert(name, rows, timeout=_LONG)


def _delete(name: str, ids: list[int], client: MilvusClient) -> None:
    client.delete(name, ids=ids, timeout=_LONG)


def _read(name: str, where: str, fields: list[str], client: MilvusClient) -> list[dict[str, Any]]:
    """With everything that was written before."""
    return list(client.query(name, filter=where, output_fields=fields, consistency_level="Strong", timeout=_LONG))


def _alias(key: str) -> str:
    return f"spinecho_{key}"


def _name(key: str, name: str) -> str:
    return f"{_alias(key)}_{name}"
