"""Putting the parts together: the only place that turns settings into objects."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.db.durable import is_taken, take
from spinecho.db.errors import Busy, FilesChanged, StorageFailure
from spinecho.db.schema.database import Database, alone
from spinecho.db.schema.warm import warm_beside
from spinecho.db.store.held_spaces import live_encoder
from spinecho.db.vectors.servers.place import read_place
from spinecho.encoders.catalogue import published
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.preparing.grey_levels import Levels, levels_task, unpack_levels
from spinecho.encoders.preparing.voxels import unpack_voxels, voxels_task
from spinecho.encoders.reading.headers import FileFailure
from spinecho.encoders.reading.unzip import unzip_task
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.registry import DEFAULT, is_known, open_encoder
from spinecho.encoders.sandbox.processes import Sandbox, Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.encoders.tasks.image_tasks import (
    GreyVolume,
    PreparedVolume,
    grey_task,
    query_task,
    unpack_grey,
    unpack_read,
)
from spinecho.errors import NoScan, SpinechoError
from spinecho.search.fusion import NAME as FUSION
from spinecho.search.fusion import Weights
from spinecho.search.query import BoxError, ImageQuery, SpotQuery, TextQuery
from spinecho.setup.at_source import follow, is_away, paths_of
from spinecho.setup.boxes import check_form, read_box
from spinecho.setup.private import make_private, tighten
from spinecho.setup.readers import Readers
from spinecho.setup.settings import Settings, whole_path

if TYPE_CHECKING:
    from spinecho.db.vectors.servers.protocol import VectorServer
    from spinecho.indexer.executing.jobs import Executor
    from spinecho.search.access.personal_archive import Served
    from spinecho.search.engine import Engine

_READERS = Readers()
USER_ERRORS = (SpinechoError,)
"""Errors whose message is meant for the person at the screen."""


def open_dual(settings: Settings, database: Database | None = None) -> DualEncoder:
    """The encoders that the settings name; where they name none, those that answer in the database."""
    return open_named(settings, encoder_now(settings, database))


def encoder_now(settings: Settings, database: Database | None) -> str:
    """The encoder's name: as the settings have it, else the one that was switched to."""
    if database is not None and settings.encoder == DEFAULT and settings.text_model is None:
        live = live_encoder(database)
        if live is not None and is_known(live[1]):
            return live[1]
    return settings.encoder


def open_named(settings: Settings, name: str) -> DualEncoder:
    """The encoders of that name, which keep it: "tower:adapted-1" lies in the home. Raises as `open_encoder` does."""
    name = _with_kind(settings, name)
    kind, colon, place = name.partition(":")
    own = settings.home / "encoders" / place
    if colon and place and not Path(place).expanduser().is_absolute() and own.is_dir():
        dual = open_encoder(f"{kind}:{own}", device=settings.device, text_model=settings.text_model)
        return replace(dual, name=name)
    return open_encoder(name, device=settings.device, text_model=settings.text_model)


def absolute_encoder(settings: Settings, name: str) -> str:
    """An encoder's name as other processes find it: the home's own by its short name, another folder from the root."""
    name = _with_kind(settings, name)
    kind, colon, place = name.partition(":")
    if not colon or (settings.home / "encoders" / place).is_dir():
        own = settings.home / "encoders"
        inside = colon and Path(place).is_absolute() and Path(place).parent == own
        return f"{kind}:{Path(place).name}" if inside else name
    return f"{kind}:{whole_path(place)}"


@contextlib.contextmanager
def executing_by(
    settings: Settings,
    name: str,
    ray: str | None,
    folders: Sequence[Path],
    *,
    encoders: int | None = None,
    memory_mb: int | None = None,
) -> Iterator[Callable[[DualEncoder], Executor] | None]:
    """What makes executors over the Ray cluster of an address, for the encoder of a name; None without an address.

    Raises `ClusterError` where no cluster answers, `ClusterUnfit` for one that could not do what this process would.
    """
    if ray is None:
        yield None
        return
    from spinecho.indexer.executing.opening import ray_executor  # noqa: PLC0415  (for those who have a cluster)
    from spinecho.indexer.executing.transport import EncoderName  # noqa: PLC0415

    kind, _, place = absolute_encoder(settings, name).partition(":")
    own = settings.home / "encoders" / place
    found = f"{kind}:{own}" if place and own.is_dir() else absolute_encoder(settings, name)
    text_model = None if settings.text_model is None else whole_path(settings.text_model)
    encoder = EncoderName(found, settings.device, text_model)
    with ray_executor(ray, encoder, folders, encoders=encoders, memory_mb=memory_mb) as executing:
        yield executing


def _with_kind(settings: Settings, name: str) -> str:
    """A published encoder by its short name ("biomedclip"), as it lies in the home, else by its repository's name."""
    known = published(name)
    if known is None or not known.kind or name != known.name:
        return name
    fetched = (settings.home / "encoders" / known.name).is_dir()
    return f"{known.kind}:{known.name if fetched else known.repository}"


def _ignore(message: str) -> None:
    """What opening has to tell is for nobody."""


def open_database(settings: Settings, *, create: bool = False, warn: Callable[[str], None] = _ignore) -> Database:
    """The home's database, made when absent and `create` is true. A home that others can read is closed to them.

    warn: is given that in a sentence, for whoever is to read it.
    """
    if changed := tighten(settings.home):
        warn(f"{settings.home} could be read by others; {changed} of its files and folders are yours alone now")
    follow(settings)
    return Database.open(settings.database, create=create)


def open_engine(settings: Settings, *, database: Database | None = None) -> Engine:
    """A search engine over the home's database."""
    from spinecho.search.engine import Engine  # noqa: PLC0415  (slow to import, and not needed by every command)

    database = database or open_database(settings)
    dual, weights = open_dual(settings, database), own_weights(settings)
    engine = Engine(database, settings.builds, dual, weights=weights, elsewhere=open_vector_server(settings, database))
    engine.calibrate()
    return engine


def open_vector_server(settings: Settings, database: Database) -> VectorServer | None:
    """The server of vectors that the settings name, None for none. Raises `VectorServerUnfit`, `BackendMissing`."""
    if not settings.vectors:
        return None
    from spinecho.db.vectors.servers.named import open_server  # noqa: PLC0415  (for those who name one)

    return open_server(read_place(settings.vectors), database)


def own_weights(settings: Settings) -> Weights | None:
    """The weights of channels that the home's own file gives, None where it has none. Raises `FusionError`."""
    path = settings.home / FUSION
    return Weights.load(path) if path.is_file() else None


def open_served(
    settings: Settings, *, database: Database | None = None, warn: Callable[[str], None] = _ignore
) -> Served:
    """An engine for the personal archives of many people, its database's file read ahead.

    It has searched once, as has the one that a switch to another encoder puts in its place.
    """
    from spinecho.search.access.late_engine import LateEngine  # noqa: PLC0415
    from spinecho.search.access.personal_archive import Served  # noqa: PLC0415

    held = database or open_database(settings, warn=warn)
    warm_beside(held)

    def opening() -> Engine:
        engine = open_engine(settings, database=held)
        search_once(engine)
        return engine

    return Served(LateEngine(held, settings.builds, opening, opened=opening()))


def search_once(engine: Engine) -> None:
    """So that nobody's first question waits for what is read, imported or resolved once: seconds in a large archive."""
    with contextlib.suppress(SpinechoError):  # whoever asks next is told what the matter is
        engine.search(TextQuery("normal brain"), k=1)


def read_image_query(path: Path, dual: DualEncoder) -> tuple[ImageQuery, tuple[FileFailure, ...]]:
    """Read a scan (a file, or a folder of files) as the archive's were read, in a child process.

    Returns the query and the files that were left out. Raises `ReadError` where nothing could be read.
    """
    return read_scan_query(path, dual.image.preparation.spec)


def read_scan_query(path: Path, spec: dict[str, Any]) -> tuple[ImageQuery, tuple[FileFailure, ...]]:
    """The same for what the spec of an encoder's preparation says."""
    volumes, failures = _read_scan(path, spec)
    return ImageQuery(tuple(item.prepared for item in volumes), source=path.name), failures


def read_spot_query(path: Path, box: str, spec: dict[str, Any]) -> tuple[SpotQuery, tuple[FileFailure, ...]]:
    """The same for a box in the scan, as `boxes.read_box` takes it. Raises `BoxError` for one that cannot be."""
    check_form(box)  # before anything slow
    volumes, failures = _read_scan(path, spec)
    boxes = {read_box(box, item.shape) for item in volumes}
    if len(boxes) > 1:
        shapes = ", ".join(" x ".join(map(str, shape)) for shape in sorted({item.shape for item in volumes}))
        raise BoxError(f"{path.name} holds volumes of {shapes} voxels: give fractions, or the files of one series")
    return SpotQuery(boxes.pop(), tuple(item.prepared for item in volumes), source=path.name), failures


def _read_scan(path: Path, spec: dict[str, Any]) -> tuple[list[PreparedVolume], tuple[FileFailure, ...]]:
    if not path.exists():
        raise NoScan(f"there is nothing at {path}")
    with Sandbox() as sandbox:
        outcome = sandbox.run(query_task(str(path), spec=spec))
    items = unpack_read(outcome.messages)
    failures = tuple(item for item in items if isinstance(item, FileFailure))
    volumes = [item for item in items if isinstance(item, PreparedVolume)]
    if outcome.failure is not None and not volumes:
        raise ReadError(outcome.failure, f"{path.name}: {outcome.failure}: {outcome.detail}. {outcome.failure.remedy}")
    if not volumes and failures:
        first = failures[0]
        raise ReadError(
            first.reason, f"{Path(first.path).name}: {first.reason}: {first.message}. {first.reason.remedy}"
        )
    if not volumes:
        raise NoScan(f"{path} holds no MR image: give a DICOM file, a folder of them, or a NIfTI file")
    return [item for item in volumes if not item.acquisition.derived] or volumes, failures


def take_apart(path: Path) -> Path:
    """The folder beside a zip that its files were written into, in a child process. Raises `ReadError`."""
    folder = path.with_suffix("")
    folder.mkdir()
    with Sandbox() as sandbox:
        outcome = sandbox.run(unzip_task(str(path), str(folder)))
    path.unlink()
    if outcome.failure is not None:
        raise ReadError(outcome.failure, f"{path.name}: {outcome.failure}: {outcome.detail}. {outcome.failure.remedy}")
    answer = outcome.messages[0][0]
    if "reason" in answer:
        raise ReadError(Reason(answer["reason"]), f"{path.name}: {answer['message']}")
    if not answer["files"]:
        raise NoScan(f"{path.name} is empty: give a zip of DICOM files or a NIfTI file")
    return folder


def read_grey(source: Sequence[tuple[str, str]], *, key: str) -> GreyVolume:
    """One stored volume for the eye, read again from its files. Raises `ReadError`, `FilesChanged`."""
    return unpack_grey(_read_again(grey_task(source, key=key)))


def read_volume(source: Sequence[tuple[str, str]], key: str) -> Volume:
    """One stored volume as it is, read again from its files. Raises `ReadError`, and `FilesChanged`."""
    return unpack_voxels(_read_again(voxels_task(source, key=key)))


def read_objects(task: Task) -> Sequence[Message]:
    """What a task of `encoders.tasks.object_tasks` gives of some DICOM files. Raises `ReadError`, `ReadersBusy`."""
    outcome = _READERS.run(task)
    if outcome.failure is not None:
        raise ReadError(outcome.failure, f"these files cannot be shown: {outcome.failure.remedy}")
    return outcome.messages


def _read_again(task: Task) -> Message:
    outcome = _READERS.run(task)
    if outcome.failure is not None:
        raise ReadError(outcome.failure, f"this series cannot be shown: {outcome.failure.remedy}")
    if not outcome.messages and is_away(list(paths_of(task.arguments))):
        raise ReadError(Reason.AT_ITS_SOURCE, f"this series cannot be shown: {Reason.AT_ITS_SOURCE.remedy}")
    if not outcome.messages:
        raise FilesChanged("the files of this series have changed or gone; run 'spinecho index' again")
    return outcome.messages[0]


def indexing_process(settings: Settings) -> int | None:
    """The process that is indexing into the home now, None for none."""
    return process_at_work(settings, "index.lock")


def process_at_work(settings: Settings, name: str) -> int | None:
    """The process that holds the home's lock of this name, None for none. A file that nobody holds means nothing."""
    path = settings.home / name
    try:
        with path.open() as file:
            stated = file.read().strip() if is_taken(file.fileno()) else ""
    except (FileNotFoundError, PermissionError):  # who may not read the lock cannot know
        return None
    return int(stated) if stated.isdecimal() else None


def read_levels(source: Sequence[tuple[str, str]], *, key: str) -> Levels:
    """One stored volume for the viewer, read again from its files. Raises `ReadError`, `FilesChanged`."""
    return unpack_levels(_read_again(levels_task(source, key=key)))


@contextlib.contextmanager
def indexing_lock(settings: Settings) -> Iterator[None]:
    """Held while a run writes: two at once would do the same work twice. Let go by the system if the run dies."""
    with one_at_a_time(settings, "index.lock", f"is indexing into {settings.home} already"), alone(settings.database):
        yield


def embedding_lock(settings: Settings) -> contextlib.AbstractContextManager[None]:
    """Held while scans are embedded beside: indexing goes on meanwhile."""
    return one_at_a_time(settings, "encoders.lock", "adds or adapts an encoder already")


@contextlib.contextmanager
def one_at_a_time(settings: Settings, name: str, does: str) -> Iterator[None]:
    """Hold a lock of the home, a file of this name, which the system lets go if the process dies.

    does: what another process that holds it is doing. Raises `Busy` while one does, and `StorageFailure`.
    """
    try:
        make_private(settings.home)
        held = (settings.home / name).open("a+")
    except OSError as error:
        raise StorageFailure(
            f"cannot write in {settings.home}: {error.strerror}; give this account the right to, or name another home"
        ) from error
    with held as file:
        if not take(file.fileno()):
            file.seek(0)
            raise Busy(f"process {file.read().strip() or '?'} {does}; wait for it")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
