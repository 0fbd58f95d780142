"""Putting the parts together: the only place that turns settings into objects."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.boxes import check_form, read_box
from spinecho.db.errors import Busy, FilesChanged, StorageFailure
from spinecho.db.schema.database import Database, alone
from spinecho.db.schema.warm import warm_beside
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.preparing.grey_levels import Levels, levels_task, unpack_levels
from spinecho.encoders.preparing.voxels import unpack_voxels, voxels_task
from spinecho.encoders.reading.headers import FileFailure
from spinecho.encoders.reading.unzip import unzip_task
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.registry import open_encoder
from spinecho.encoders.sandbox.image_tasks import (
    GreyVolume,
    PreparedVolume,
    grey_task,
    query_task,
    unpack_grey,
    unpack_read,
)
from spinecho.encoders.sandbox.processes import Sandbox, Task
from spinecho.encoders.sandbox.worker import Message
from spinecho.errors import NoScan, SpinechoError
from spinecho.private import make_private, tighten
from spinecho.readers import Readers
from spinecho.search.fusion import NAME as FUSION
from spinecho.search.fusion import Weights
from spinecho.search.query import BoxError, ImageQuery, SpotQuery
from spinecho.settings import Settings

if TYPE_CHECKING:
    from spinecho.search.access.desk import Served
    from spinecho.search.engine import Engine

_READERS = Readers()
USER_ERRORS = (SpinechoError,)
"""Errors whose message is meant for the person at the screen."""


def open_dual(settings: Settings) -> DualEncoder:
    """The encoders that the settings name."""
    return open_encoder(settings.encoder, device=settings.device, text_model=settings.text_model)


def _ignore(message: str) -> None:
    """What opening has to tell is for nobody."""


def open_database(settings: Settings, *, create: bool = False, warn: Callable[[str], None] = _ignore) -> Database:
    """The home's database, made when absent and `create` is true. A home that others can read is closed to them.

    warn: is given that in a sentence, for whoever is to read it.
    """
    if changed := tighten(settings.home):
        warn(f"{settings.home} could be read by others; {changed} of its files and folders are yours alone now")
    return Database.open(settings.database, create=create)


def open_engine(settings: Settings, *, database: Database | None = None) -> Engine:
    """A search engine over the home's database."""
    from spinecho.search.engine import Engine  # noqa: PLC0415  (slow to import, and not needed by every command)

    database = database or open_database(settings)
    engine = Engine(database, settings.builds, open_dual(settings), weights=own_weights(settings))
    engine.calibrate()
    return engine


def own_weights(settings: Settings) -> Weights | None:
    """The weights of channels that the home's own file gives, None where it has none. Raises `FusionError`."""
    path = settings.home / FUSION
    return Weights.load(path) if path.is_file() else None


def open_served(
    settings: Settings, *, database: Database | None = None, warn: Callable[[str], None] = _ignore
) -> Served:
    """An engine for the desks of many people, its database's file read ahead."""
    from spinecho.search.access.desk import Served  # noqa: PLC0415

    database = database or open_database(settings, warn=warn)
    warm_beside(database)
    return Served(open_engine(settings, database=database))


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
    told = outcome.messages[0][0]
    if "reason" in told:
        raise ReadError(Reason(told["reason"]), f"{path.name}: {told['message']}")
    if not told["files"]:
        raise NoScan(f"{path.name} is empty: give a zip of DICOM files or a NIfTI file")
    return folder


def read_grey(source: Sequence[tuple[str, str]], *, key: str) -> GreyVolume:
    """One stored volume for the eye, read again from its files. Raises `ReadError`, `FilesChanged`."""
    return unpack_grey(_read_again(grey_task(source, key=key)))


def read_volume(source: Sequence[tuple[str, str]], key: str) -> Volume:
    """One stored volume as it is, read again from its files. Raises `ReadError`, and `FilesChanged`."""
    return unpack_voxels(_read_again(voxels_task(source, key=key)))


def read_objects(task: Task) -> Sequence[Message]:
    """What a task of `encoders.sandbox.object_tasks` gives of some DICOM files. Raises `ReadError`, `ReadersBusy`."""
    outcome = _READERS.run(task)
    if outcome.failure is not None:
        raise ReadError(outcome.failure, f"these files cannot be shown: {outcome.failure.remedy}")
    return outcome.messages


def _read_again(task: Task) -> Message:
    outcome = _READERS.run(task)
    if outcome.failure is not None:
        raise ReadError(outcome.failure, f"this series cannot be shown: {outcome.failure.remedy}")
    if not outcome.messages:
        raise FilesChanged("the files of this series have changed or gone; run 'spinecho index' again")
    return outcome.messages[0]


def indexing_process(settings: Settings) -> int | None:
    """The process that is indexing into the home now, None for none. A lock file that nobody holds means nothing."""
    path = settings.home / "index.lock"
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, PermissionError):  # who may not write the lock cannot know
        return None
    except BlockingIOError:
        said = path.read_text().strip()
        return int(said) if said.isdecimal() else None
    return None


def read_levels(source: Sequence[tuple[str, str]], *, key: str) -> Levels:
    """One stored volume for the viewer, read again from its files. Raises `ReadError`, `FilesChanged`."""
    return unpack_levels(_read_again(levels_task(source, key=key)))


@contextmanager
def indexing_lock(settings: Settings) -> Iterator[None]:
    """Held while a run writes: two at once would do the same work twice. Let go by the system if the run dies."""
    path = settings.home / "index.lock"
    try:
        make_private(settings.home)
        held = path.open("a+")
    except OSError as error:
        raise StorageFailure(
            f"cannot write in {settings.home}: {error.strerror}; give this account the right to, or name another home"
        ) from error
    with held as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Busy(
                f"process {file.read().strip() or '?'} is indexing into {settings.home} already; wait for it"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        with alone(settings.database):
            yield
