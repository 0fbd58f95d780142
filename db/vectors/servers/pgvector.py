"""Copies in the archive's own PostgreSQL, searched by its extension pgvector.

spinecho_vectors.copies            what each copy speaks for, and which serves
spinecho_vectors.v_KEY_000001      id, and the vector as halfvec: fp16, as the rows have it

All of it lies in a schema of its own and can be dropped at any time. Vectors and what is said of them are written in
the same database, and searches read them as of the same moment as everything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from spinecho.db.errors import StorageFailure, VectorServerDown, VectorServerUnfit
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import driver_message, shown
from spinecho.db.vectors.indexes.protocol import Ids, Rows
from spinecho.db.vectors.servers.protocol import FLAT, CopyState, padded

SCHEMA = "spinecho_vectors"
OLDEST = (0, 8)
"""Before it a filtered search by the graph ends at what its first look gave."""
EXACT_UP_TO = 20_000
"""Where a filter leaves no more, each is compared, which needs no graph."""
_MOST_EFFORT = 1_000
_MOST_DIM = 4_000
_HEAD, _END = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"


class PgVectorServer:
    """A `VectorServer` in a PostgreSQL database that is open already."""

    def __init__(self, database: Database) -> None:
        if isinstance(database.location, Path):
            raise VectorServerUnfit(
                "SPINECHO_VECTORS=pgvector keeps copies in the archive's PostgreSQL database, and this archive is a "
                "SQLite file; set SPINECHO_DATABASE, or take SPINECHO_VECTORS out"
            )
        self._database = database

    @property
    def what(self) -> str:
        """How it is named in messages."""
        return f"pgvector in {shown(self._database.location)}"

    def check(self) -> str:
        """The extension's version."""
        with _begin(self._database, self.what) as session:
            found = session.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'"))
        if found is None:
            raise VectorServerUnfit(
                f"{shown(self._database.location)} has no pgvector; 'spinecho builds sync' adds it where the extension "
                "is installed (Debian: postgresql-NN-pgvector)"
            )
        numbers = tuple(int(part) for part in str(found).split(".")[:2] if part.isdigit())
        if numbers < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            raise VectorServerUnfit(
                f"pgvector {found} is too old, {oldest} is needed: install it, then ALTER EXTENSION vector UPDATE"
            )
        return str(found)

    def copies(self, key: str) -> Sequence[CopyState]:
        """What there is, the newest first."""
        return self._states("SELECT state FROM {schema}.copies WHERE key = :key ORDER BY name DESC", key)

    def serving(self, key: str) -> CopyState | None:
        """The copy that searches are to ask."""
        found = self._states("SELECT state FROM {schema}.copies WHERE key = :key AND serves", key)
        return found[0] if found else None

    def create(self, key: str, state: CopyState) -> PgVectorCopy:
        """An empty table; the schema and the extension where they are not there yet."""
        dim = int(state.space["dim"])
        if dim > _MOST_DIM:
            raise VectorServerUnfit(f"pgvector indexes at most {_MOST_DIM} numbers, this space has {dim}")
        with _begin(self._database, self.what) as session:
            session.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
            session.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            session.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS {SCHEMA}.copies (key text, name text, state text NOT NULL, "
                    "serves boolean NOT NULL DEFAULT false, PRIMARY KEY (key, name))"
                )
            )
            session.execute(text(f"DROP TABLE IF EXISTS {_table(key, state.name)}"))
            session.execute(
                text(f"CREATE TABLE {_table(key, state.name)} (id bigint PRIMARY KEY, v halfvec({dim}) NOT NULL)")
            )
            # as it is: what is compressed is slower to compare, and so is what lies elsewhere
            session.execute(text(f"ALTER TABLE {_table(key, state.name)} ALTER v SET STORAGE PLAIN"))
            self._keep(session, key, state)
        self.check()
        return self.open(key, state)

    def open(self, key: str, state: CopyState) -> PgVectorCopy:
        """A copy that is there."""
        copy = PgVectorCopy(self._database, _table(key, state.name), int(state.space["dim"]), state.kind, self.what)
        copy.require_there()
        return copy

    def keep(self, key: str, state: CopyState) -> None:
        """Replace what a copy speaks for."""
        with _begin(self._database, self.what) as session:
            self._keep(session, key, state)

    def finish(self, key: str, state: CopyState) -> None:
        """Make the graph, and let PostgreSQL count what it plans by."""
        table = _table(key, state.name)
        with _begin(self._database, self.what) as session:
            if state.kind != FLAT:
                session.execute(text("SET LOCAL maintenance_work_mem TO '1GB'"))
                session.execute(text(f"CREATE INDEX IF NOT EXISTS {_bare(key, state.name)}_v ON {table} "
                                     "USING hnsw (v halfvec_ip_ops) WITH (m = 16, ef_construction = 128)"))  # fmt: skip
            session.execute(text(f"ANALYZE {table}"))

    def serve(self, key: str, state: CopyState) -> None:
        """Have searches ask this copy from now on."""
        with _begin(self._database, self.what) as session:
            self._keep(session, key, state)
            session.execute(
                text(f"UPDATE {SCHEMA}.copies SET serves = (name = :name) WHERE key = :key"),
                {"key": key, "name": state.name},
            )

    def drop(self, key: str, name: str) -> None:
        """Delete a copy."""
        with _begin(self._database, self.what) as session:
            session.execute(
                text(f"DELETE FROM {SCHEMA}.copies WHERE key = :key AND name = :name"), {"key": key, "name": name}
            )
            session.execute(text(f"DROP TABLE IF EXISTS {_table(key, name)}"))

    def close(self) -> None:
        """The connections are the database's."""

    def _states(self, query: str, key: str) -> list[CopyState]:
        with _begin(self._database, self.what) as session:
            if session.scalar(text("SELECT to_regclass(:name)"), {"name": f"{SCHEMA}.copies"}) is None:
                return []
            rows = list(session.scalars(text(query.format(schema=SCHEMA)), {"key": key}))
        return [CopyState.from_json(_read(row)) for row in rows]

    def _keep(self, session: Session, key: str, state: CopyState) -> None:
        values = {"key": key, "name": state.name, "state": json.dumps(state.to_json())}
        session.execute(
            text(
                f"INSERT INTO {SCHEMA}.copies (key, name, state) VALUES (:key, :name, :state) "
                "ON CONFLICT (key, name) DO UPDATE SET state = excluded.state"
            ),
            values,
        )


class PgVectorCopy:
    """A `Copy`: one table. Vectors stand in it as the rows have them, so that the server compares what is stored."""

    def __init__(self, database: Database, table: str, dim: int, kind: str, what: str) -> None:
        self._database, self._table, self._dim, self._kind, self._what = database, table, dim, kind, what

    @property
    def dim(self) -> int:
        """Length of every vector."""
        return self._dim

    def require_there(self) -> None:
        """Raise `VectorServerUnfit` unless the table is one of ours, with vectors of this length."""
        query = text(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass(:name) "
            "AND attname = 'v' AND NOT attisdropped"
        )
        with _begin(self._database, self._what) as session:
            found = session.scalar(query, {"name": self._table})
        if found is None:
            raise VectorServerUnfit(f"{self._table} is gone from the server; 'spinecho builds sync --anew' makes it")
        if str(found).rpartition(".")[2] != f"halfvec({self._dim})":
            raise VectorServerUnfit(
                f"{self._table} holds {found} in place of halfvec({self._dim}); 'spinecho builds sync --anew'"
            )

    def count(self) -> int:
        """How many rows there are."""
        with _begin(self._database, self._what) as session:
            return int(session.scalar(text(f"SELECT count(*) FROM {self._table}")) or 0)

    def upsert(self, ids: Ids, vectors: Rows) -> None:
        """By COPY in its binary form, then in place of what has the same id."""
        if vectors.shape != (len(ids), self._dim):
            raise VectorServerUnfit(f"vectors of {vectors.shape[1]} numbers do not fit into a copy of {self._dim}")
        with _begin(self._database, self._what) as session:
            session.execute(text(f"CREATE TEMPORARY TABLE incoming (id bigint, v halfvec({self._dim})) ON COMMIT DROP"))
            raw: Any = session.connection().connection.driver_connection
            with raw.cursor() as cursor, cursor.copy("COPY incoming FROM STDIN (FORMAT BINARY)") as copying:
                copying.write(_binary(ids, vectors))
            session.execute(
                text(
                    f"INSERT INTO {self._table} SELECT id, v FROM incoming "
                    "ON CONFLICT (id) DO UPDATE SET v = excluded.v"
                )
            )

    def delete(self, ids: Ids) -> None:
        """Take rows out."""
        with _begin(self._database, self._what) as session:
            session.execute(text(f"DELETE FROM {self._table} WHERE id = ANY(:ids)"), {"ids": ids.tolist()})

    def rows_of(self, ids: Ids) -> tuple[Ids, Rows]:
        """Those that are there."""
        query = text(f"SELECT id, CAST(v AS text) FROM {self._table} WHERE id = ANY(:ids) ORDER BY id")
        with _begin(self._database, self._what) as session:
            found = session.execute(query, {"ids": ids.tolist()}).all()
        rows = np.array([json.loads(row[1]) for row in found], dtype=np.float32).reshape(len(found), self._dim)
        return np.array([row[0] for row in found], dtype=np.int64), rows

    def proposed(self, queries: Rows, m: int, *, among: Ids | None, effort: int) -> NDArray[np.int64]:
        """By the graph, or by comparing all where there is none or a filter leaves few."""
        asked, chosen = self._query(m, among, effort)
        ids = {} if among is None else {"ids": among.tolist()}
        found = []
        with _begin(self._database, self._what) as session:
            for name, value in chosen.items():
                session.execute(text(f"SET LOCAL {name} TO '{value}'"))
            for query in queries:
                written = "[" + ",".join(format(float(number), ".5g") for number in query) + "]"
                found.append(list(session.scalars(asked, {"q": written, "m": m, **ids})))
            for name in chosen:  # the transaction may be a moment that others read in
                session.execute(text(f"SET LOCAL {name} TO DEFAULT"))
        return padded(found, m)

    def _query(self, m: int, among: Ids | None, effort: int) -> tuple[Any, dict[str, str | int]]:
        """The statement, and settings for it."""
        likeness, where = f"v <#> CAST(:q AS halfvec({self._dim}))", "" if among is None else "WHERE id = ANY(:ids) "
        if self._kind == FLAT or m > _MOST_EFFORT or (among is not None and len(among) <= EXACT_UP_TO):
            # what is added keeps the planner from the graph, which would find less
            return text(f"SELECT id FROM {self._table} {where}ORDER BY ({likeness}) + 0 LIMIT :m"), {}
        chosen: dict[str, str | int] = {"hnsw.ef_search": min(_MOST_EFFORT, max(m, effort))}
        if among is not None:
            chosen |= {"hnsw.iterative_scan": "relaxed_order", "hnsw.max_scan_tuples": 200_000}
        return text(f"SELECT id FROM {self._table} {where}ORDER BY {likeness} LIMIT :m"), chosen


def _table(key: str, name: str) -> str:
    return f"{SCHEMA}.{_bare(key, name)}"


def _bare(key: str, name: str) -> str:
    return f"v_{key}_{name}"


def _binary(ids: Ids, vectors: Rows) -> bytes:
    """Rows of (bigint, halfvec) as COPY takes them."""
    n, dim = vectors.shape
    row = np.dtype([("fields", ">i2"), ("eight", ">i4"), ("id", ">i8"), ("bytes", ">i4"), ("dim", ">i2"),
                    ("unused", ">i2"), ("v", ">f2", (dim,))])  # fmt: skip
    out = np.zeros(n, dtype=row)
    out["fields"], out["eight"], out["id"] = 2, 8, ids
    out["bytes"], out["dim"], out["v"] = 4 + 2 * dim, dim, vectors
    return _HEAD + out.tobytes() + _END


def _read(state: str) -> object:
    try:
        return json.loads(state)
    except ValueError:
        return None


@contextmanager
def _begin(database: Database, what: str) -> Iterator[Session]:
    """A transaction of the database whose errors say what they mean for a copy."""
    try:
        # a savepoint: what is refused must not end the moment that a search reads in
        with database.begin() as session, session.begin_nested():
            yield session
    except StorageFailure as error:
        raise VectorServerDown(f"{what} does not answer: {error}") from error
    except DBAPIError as error:
        raise VectorServerUnfit(
            f"{what} refuses: {driver_message(error)}; it takes the extension vector (Debian: postgresql-NN-pgvector) "
            "and the right to create a schema"
        ) from error
