"""The vector index's builds: those that there are, a new one, and what each kind of index would give."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from spinecho.db.errors import BuildCorrupt, StoreError, VectorServerError
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import Role as Space
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.indexes.index_plan import FLAT_UP_TO, KINDS, Wish
from spinecho.db.vectors.manifest import Manifest, builds_newest_first, current_build, read_manifest
from spinecho.db.vectors.stored_rows import read_rows, write_rows
from spinecho.errors import QueryError
from spinecho.search.access.persons import Access, Role
from spinecho.setup.private import private_files
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import indexing_lock, open_vector_server

if TYPE_CHECKING:
    from spinecho.db.vectors.indexes.trade_off import TradeOff
    from spinecho.db.vectors.servers.protocol import VectorServer

__all__ = ["FLAT_UP_TO", "KINDS", "Build", "Builds", "ServerCopy"]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Build:
    """A build of a space (image or text). recall, p50_ms: as measured when it was made, None where nothing was.

    error: why it cannot be read; then nothing else is known of it.
    """

    space: str
    build: str
    serves: bool
    kind: str = ""
    vectors: int = 0
    recall: float | None = None
    p50_ms: float | None = None
    bytes_per_vector: float = 0.0
    note: str = ""
    created_at: str = ""
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        facts = dataclasses.asdict(self)
        if not self.error:
            del facts["error"]
            return facts
        return {name: facts[name] for name in ("space", "build", "serves", "error")}


@dataclass(frozen=True, slots=True)
class ServerCopy:
    """The copy of a space (image or text) on the server of vectors.

    lacks: vectors that are stored and not in it; searches find them here. dropped: those that it holds and the archive
    no longer does. measured: recall of the ten nearest and milliseconds, by the share that a filter leaves, as they
    were when it was made. error: why searches do not ask it; then little else is known.
    """

    space: str
    server: str
    copy: str = ""
    kind: str = ""
    vectors: int = 0
    lacks: int = 0
    dropped: int = 0
    measured: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    made_at: str = ""
    synced_at: str = ""
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        facts = dataclasses.asdict(self)
        if not self.error:
            del facts["error"]
        return facts


class Builds:
    """The builds of an archive."""

    def __init__(self, settings: Settings, database: Callable[[], Database], access: Callable[[], Access]) -> None:
        self._settings, self._database, self._access = settings, database, access

    def make(
        self,
        *,
        space: str | None = None,
        recall: float = 0.99,
        bytes_per_vector: int = 200,
        flat_up_to: int = FLAT_UP_TO,
        kind: str | None = None,
        on_progress: Say | None = None,
    ) -> tuple[Build, ...]:
        """Make a new build from the database, of a space or of both; what serves goes on until it is whole.

        Up to flat_up_to vectors all are compared. Above, the smallest kind within bytes_per_vector is taken that
        reaches the recall on vectors held out of it. kind: one of `KINDS`, whatever it gives. on_progress: called with
        what is done now. Raises `QueryError` for what cannot be wished, `Busy` while another process indexes.
        """
        from spinecho.db.vectors.build import build_index  # noqa: PLC0415  (FAISS, which a list can do without)

        wish = wish_of(recall, bytes_per_vector, flat_up_to, kind)
        require_space(space)
        say, settings = on_progress or _silent, self._settings
        made = []
        with private_files(), indexing_lock(settings):
            database = self._database()
            self._access().allow(Role.MANAGER, "make a build", "make-build", kind=kind or "")
            for role, record in _spaces(database, space):
                say(f"{role}: reading vectors")
                manifest = build_index(database, settings.builds, record, wish=wish, say=say)
                made.append(_build(role, manifest, serves=True))
        return tuple(made)

    def tune(
        self,
        *,
        space: str | None = None,
        kinds: Sequence[str] | None = None,
        seed: int = 0,
        on_progress: Say | None = None,
    ) -> dict[str, list[TradeOff]]:
        """What each kind of index would give on the vectors of a space, or of both, by space; nothing is changed.

        seed: another one holds out other vectors, which ask for their neighbours. Raises as `make` does.
        """
        from spinecho.db.vectors.indexes.trade_off import trade_offs  # noqa: PLC0415

        require_space(space)
        database, found = self._database(), {}
        self._access().allow(Role.MANAGER, "compare kinds of index", "tune-builds")
        for role, record in _spaces(database, space):
            place = tempfile.TemporaryDirectory(".partial", ".tuning-", self._settings.home)  # a name that doctor knows
            with private_files(), place as work:
                write_rows(database, record, Path(work))
                _, codes = read_rows(Path(work), dim=record.dim)
                found[str(role)] = trade_offs(codes, kinds or KINDS, seed=seed, say=on_progress or _silent)
        return found

    def sync(
        self, *, space: str | None = None, anew: bool = False, on_progress: Say | None = None
    ) -> tuple[ServerCopy, ...]:
        """Have the server of vectors that the settings name hold what is stored, of a space or of both.

        It goes on where the last one ended or was stopped. anew: a new copy is filled beside the one that serves, and
        takes its place once it is measured. Raises `QueryError` where no server is set, `VectorServerDown`,
        `VectorServerUnfit`, and `Busy` while another process indexes.
        """
        from spinecho.db.vectors.servers.syncing import sync  # noqa: PLC0415  (for those who have a server)

        require_space(space)
        say, settings = on_progress or _silent, self._settings
        with indexing_lock(settings):
            database = self._database()
            self._access().allow(Role.MANAGER, "fill the server of vectors", "sync-builds", anew=anew)
            with closing(self._server(database)) as server:
                for role, record in _spaces(database, space):
                    say(f"{role}: asking {server.what}")
                    sync(database, server, record, anew=anew, say=partial(_of_role, say, role))
                return tuple(_copy(database, server, role, record) for role, record in _spaces(database, space))

    def status(self) -> tuple[ServerCopy, ...]:
        """What the server of vectors holds of both spaces, held against what is stored; a server that cannot be asked
        is told in `error`. Raises `QueryError` where no server is set.
        """
        database = self._database()
        self._access().allow(Role.VIEWER, "see encoders and builds", "see-builds")
        with closing(self._server(database)) as server:
            return tuple(_copy(database, server, role, record) for role, record in _spaces(database, None))

    def _server(self, database: Database) -> VectorServer:
        server = open_vector_server(self._settings, database)
        if server is None:
            raise QueryError("no server of vectors is set: SPINECHO_VECTORS=pgvector or milvus://host:19530 names one")
        return server

    def list(self) -> tuple[Build, ...]:
        """Every build of both spaces, the newest of each first. Raises `StoreError` where nothing is indexed."""
        database, builds = self._database(), self._settings.builds
        self._access().allow(Role.VIEWER, "see encoders and builds", "see-builds")
        found = []
        for role, space in _spaces(database, None):
            serving = current_build(builds, space)
            for name in builds_newest_first(builds, space):
                try:
                    found.append(_build(role, read_manifest(builds, space, name), serves=name == serving))
                except BuildCorrupt as error:
                    found.append(Build(role, name, name == serving, error=str(error)))
        return tuple(found)


def require_space(space: str | None) -> None:
    """Raise `QueryError` for what is no space."""
    if space is not None and space not in get_args(Space):
        raise QueryError(f"{space!r} is none of: {', '.join(get_args(Space))}")


def wish_of(recall: float, bytes_per_vector: int, flat_up_to: int, kind: str | None) -> Wish:
    """What a new build is to reach. Raises `QueryError` for a kind that there is not, and what cannot be reached."""
    if kind is not None and kind not in KINDS:
        raise QueryError(f"{kind!r} is none of: {', '.join(KINDS)}")
    try:
        return Wish(recall=recall, bytes_per_vector=bytes_per_vector, flat_up_to=flat_up_to, kind=kind)
    except ValueError as error:
        raise QueryError(str(error)) from error


def _spaces(database: Database, only: str | None) -> Iterator[tuple[Space, SpaceRecord]]:
    found = False
    for role in get_args(Space):
        record = storing.serving(database, role) if only in {None, role} else None
        if record is not None:
            found = True
            yield role, record
    if not found:
        raise StoreError("nothing is indexed yet; run 'spinecho index FOLDER' first")


def _copy(database: Database, server: VectorServer, role: str, space: SpaceRecord) -> ServerCopy:
    from spinecho.db.vectors.servers.served_copy import open_copy  # noqa: PLC0415
    from spinecho.db.vectors.servers.syncing import behind, key_of  # noqa: PLC0415

    try:
        state = server.serving(key_of(database, space))
    except VectorServerError as error:
        return ServerCopy(role, server.what, error=str(error))
    try:
        open_copy(database, server, space)
        wrong = ""
    except VectorServerError as error:
        wrong = str(error)
    if state is None:
        return ServerCopy(role, server.what, error=wrong)
    lacks, dropped = behind(database, space, state)
    return ServerCopy(
        role, server.what, state.name, state.kind, state.count, lacks, dropped, state.measured, state.made_at,
        state.synced_at, wrong,
    )  # fmt: skip


def _of_role(say: Say, role: str, what: str) -> None:
    say(f"{role}: {what}")


def _build(space: str, manifest: Manifest, *, serves: bool) -> Build:
    efforts = manifest.plan["efforts"]
    first = efforts[0] if efforts else {"recall": None, "p50_ms": None}
    return Build(
        space,
        manifest.build,
        serves,
        kind=manifest.kind,
        vectors=manifest.count,
        recall=first["recall"],
        p50_ms=first["p50_ms"],
        bytes_per_vector=manifest.plan["bytes_per_vector"] or 2 * int(manifest.space["dim"]) + 16,
        note=manifest.plan["note"],
        created_at=manifest.created_at,
    )


def _silent(_: str) -> None:
    """Nobody asked what is done now."""
