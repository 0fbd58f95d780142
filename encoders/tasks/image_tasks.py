"""What reading processes are asked to do. Each function takes plain JSON and gives frames (see `worker`)."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinecho.encoders.acquisition.facts import Acquisition
from spinecho.encoders.errors import HoldsReport, ReadError, Reason
from spinecho.encoders.preparing.preparation import Grey, Prepared, preparation_from, thumbnail, to_grey
from spinecho.encoders.reading.away import noted_digest
from spinecho.encoders.reading.files import read_path, read_series, scan_file
from spinecho.encoders.reading.formats.known import files_of
from spinecho.encoders.reading.headers import FileFailure, Header, SeriesFacts, StudyFacts, VolumeRead
from spinecho.encoders.reading.opening import open_file
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message


@dataclasses.dataclass(frozen=True, slots=True)
class PreparedVolume:
    """A volume as its network takes it, with the facts that came along and a thumbnail; no voxels."""

    study: StudyFacts
    series: SeriesFacts
    key: str
    acquisition: Acquisition
    shape: tuple[int, int, int]
    paths: tuple[str, ...]
    flags: tuple[str, ...]
    notes: dict[str, Any]
    prepared: Prepared
    thumbnail: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class GreyVolume:
    """A volume for the eye: (i, j, k) uint8 in RAS+, nearly its whole range of values, with its spacing."""

    key: str
    grey: Grey
    spacing_mm: tuple[float, float, float]
    slice_axis: int


def scan_task(paths: Sequence[str], *, root: str, seconds: float = 60.0) -> Task:
    """Read the headers of some files."""
    return Task("spinecho.encoders.tasks.image_tasks:scan", {"paths": list(paths), "root": root}, seconds)


def read_task(
    headers: Sequence[Header], *, spec: dict[str, Any], max_volumes: int, seconds: float, digests: bool = False
) -> Task:
    """Read and prepare the volumes of one series; with `digests`, take those of its files too, see `unpack_digests`."""
    kept = [(header.path, header.to_json()) for header in headers]
    arguments = {"headers": kept, "spec": spec, "max_volumes": max_volumes, "digests": digests}
    return Task("spinecho.encoders.tasks.image_tasks:read", arguments, seconds)


def query_task(path: str, *, spec: dict[str, Any], max_volumes: int = 16, seconds: float = 120.0) -> Task:
    """Read and prepare whatever lies at a path, a file or a folder."""
    return Task(
        "spinecho.encoders.tasks.image_tasks:read_query",
        {"path": path, "spec": spec, "max_volumes": max_volumes},
        seconds,
    )


def grey_task(headers: Sequence[tuple[str, str]], *, key: str, seconds: float = 120.0) -> Task:
    """Read one volume of a series for the eye; `headers` are (path, header as JSON)."""
    return Task("spinecho.encoders.tasks.image_tasks:grey", {"headers": list(headers), "key": key}, seconds)


def scan(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message a file, in order: its header, or why there is none."""
    root = Path(arguments["root"])
    for path in arguments["paths"]:
        try:
            yield {"path": path, "header": scan_file(Path(path), root=root).to_json()}, ()
        except HoldsReport:
            yield {"path": path, "report": True}, ()
        except ReadError as error:
            yield {"path": path, "reason": error.reason, "message": str(error)}, ()


def read(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message a volume or failure."""
    headers = [Header.from_json(text, path=path) for path, text in arguments["headers"]]
    yield from _messages(read_series(headers, max_volumes=arguments["max_volumes"]), arguments["spec"])
    if arguments.get("digests"):  # while the files are still in the machine's memory
        yield {"digests": digests_of([header.path for header in headers])}, ()


def read_query(arguments: dict[str, Any]) -> Iterator[Message]:
    """The same for a path that is in no archive."""
    try:
        yield from _messages(
            read_path(Path(arguments["path"]), max_volumes=arguments["max_volumes"]), arguments["spec"]
        )
    except ReadError as error:
        yield {"path": arguments["path"], "reason": error.reason, "message": str(error)}, ()


def grey(arguments: dict[str, Any]) -> Iterator[Message]:
    """The volume with the key, alone."""
    headers = [Header.from_json(text, path=path) for path, text in arguments["headers"]]
    for item in read_series(headers, max_volumes=64):
        if isinstance(item, VolumeRead) and item.key == arguments["key"]:
            shown = np.ascontiguousarray(to_grey(item.volume.voxels, low=0.1, high=99.9))
            facts = {
                "key": item.key,
                "shape": shown.shape,
                "spacing_mm": item.volume.spacing_mm,
                "slice_axis": item.volume.slice_axis,
            }
            yield facts, (shown.tobytes(),)
            return


def unpack_read(messages: Sequence[Message]) -> list[PreparedVolume | FileFailure]:
    """What `read` or `read_query` said, typed again."""
    return [_unpack(value, buffers) for value, buffers in messages if "digests" not in value]


def without_pixels(volume: PreparedVolume) -> Message:
    """A volume that its network has seen, as `unpack_read` takes it: all but what the network took."""
    nothing = Prepared(np.empty((0, 0, 0), np.uint8), np.empty(0, np.float32))
    return _facts(volume, volume.shape, nothing), (b"", b"", volume.thumbnail)


def digest_task(paths: Sequence[str], *, seconds: float) -> Task:
    """Take the digests of some files, see `unpack_digests`."""
    return Task("spinecho.encoders.tasks.image_tasks:digest", {"paths": list(paths)}, seconds)


def digest(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message."""
    yield {"digests": digests_of(arguments["paths"])}, ()


def unpack_digests(messages: Sequence[Message]) -> dict[str, str]:
    """sha256 by path, of the files that could be read."""
    return {path: digest for value, _ in messages for path, digest in value.get("digests", {}).items()}


def digests_of(paths: Sequence[str]) -> dict[str, str]:
    """The same, here and now."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            digest = hashlib.sha256()
            for part in files_of(Path(path)):  # a header alone is the same for all scans of a protocol
                with open_file(part) as file:
                    while data := file.read(1 << 20):
                        digest.update(data)
            found[path] = digest.hexdigest()
        except ReadError as error:
            if error.reason is Reason.AT_ITS_SOURCE:  # whose note knows it
                found[path] = noted_digest(Path(path))
        except OSError:  # gone meanwhile
            continue
    return found


def unpack_grey(message: Message) -> GreyVolume:
    """What `grey` said, typed again."""
    value, buffers = message
    shown = np.frombuffer(buffers[0], dtype=np.uint8).reshape(value["shape"])
    across, along, up = value["spacing_mm"]
    return GreyVolume(value["key"], shown, (across, along, up), value["slice_axis"])


def _messages(items: Iterator[VolumeRead | FileFailure], spec: dict[str, Any]) -> Iterator[Message]:
    prepare = preparation_from(spec)
    for item in items:
        if isinstance(item, FileFailure):
            yield {"path": item.path, "reason": item.reason, "message": item.message}, ()
            continue
        prepared = prepare(item.volume)
        facts = _facts(item, item.volume.voxels.shape, prepared)
        yield facts, (prepared.pixels.tobytes(), prepared.geometry.tobytes(), thumbnail(item.volume))


def _facts(item: VolumeRead | PreparedVolume, shape: Sequence[int], prepared: Prepared) -> dict[str, Any]:
    return {
        "study": dataclasses.asdict(item.study),
        "series": dataclasses.asdict(item.series),
        "key": item.key,
        "acquisition": dataclasses.asdict(item.acquisition),
        "shape": shape,
        "paths": item.paths,
        "flags": item.flags,
        "notes": item.notes,
        "pixels": prepared.pixels.shape,
        "geometry": prepared.geometry.shape,
    }


def _unpack(value: dict[str, Any], buffers: Sequence[bytes]) -> PreparedVolume | FileFailure:
    if "reason" in value:
        return FileFailure(value["path"], Reason(value["reason"]), value["message"])
    facts = dict(value["acquisition"])
    if facts["spacing_mm"] is not None:
        facts["spacing_mm"] = tuple(facts["spacing_mm"])
    facts["technique"] = tuple(facts["technique"])
    i, j, k = value["shape"]
    return PreparedVolume(
        study=StudyFacts(**value["study"]),
        series=SeriesFacts(**value["series"]),
        key=value["key"],
        acquisition=Acquisition(**facts),
        shape=(i, j, k),
        paths=tuple(value["paths"]),
        flags=tuple(value["flags"]),
        notes=value["notes"],
        prepared=Prepared(
            np.frombuffer(buffers[0], dtype=np.uint8).reshape(value["pixels"]),
            np.frombuffer(buffers[1], dtype=np.float32).reshape(value["geometry"]),
        ),
        thumbnail=buffers[2],
    )
