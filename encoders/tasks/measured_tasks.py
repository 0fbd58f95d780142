"""What measuring asks of reading processes: files of public data sets, pictures among them, and varied copies of scans.

Each function takes plain JSON and gives frames (see `worker`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.preparing.preparation import Prepared, preparation_from
from spinecho.encoders.preparing.varied import varied_copy
from spinecho.encoders.reading.files import read_path, read_series
from spinecho.encoders.reading.headers import FileFailure, Header, VolumeRead
from spinecho.encoders.reading.opening import open_file
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.sandbox.processes import Task
from spinecho.encoders.sandbox.worker import Message

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""How PNG and JPEG begin."""
_MOST_PIXELS = 64_000_000
_SIDE = 512
"""Pixels that are kept of a picture's longer side."""
_FIELD_MM, _SLICE_MM = 224.0, 5.0
"""A picture tells no millimetres: its longer side is taken for 224 mm of a slice of 5 mm."""
_MOST_VOLUMES = 4


@dataclass(frozen=True, slots=True)
class MeasuredScan:
    """A volume as its network takes it, a varied copy of it where one was asked for, and what its file says of it."""

    prepared: Prepared
    copy: Prepared | None
    sequence: str
    plane: str
    region: str
    derived: bool


def file_task(path: str, *, spec: dict[str, Any], seed: int | None = None, seconds: float = 120.0) -> Task:
    """Read and prepare the volumes of one file, or a picture (PNG, JPEG) as a volume of one slice.

    seed: of the varied copy that is made of the first volume; None for no copy.
    """
    arguments = {"path": path, "spec": spec, "seed": seed}
    return Task("spinecho.encoders.tasks.measured_tasks:file", arguments, seconds)


def copy_task(
    headers: Sequence[tuple[str, str]], *, key: str, spec: dict[str, Any], seed: int, seconds: float = 120.0
) -> Task:
    """Read one stored volume again and prepare a varied copy of it; `headers` are (path, header as JSON)."""
    arguments = {"headers": list(headers), "key": key, "spec": spec, "seed": seed}
    return Task("spinecho.encoders.tasks.measured_tasks:copy", arguments, seconds)


def file(arguments: dict[str, Any]) -> Iterator[Message]:
    """One message a volume, or one that says why there is none."""
    path, seed = Path(arguments["path"]), arguments["seed"]
    prepare = preparation_from(arguments["spec"])
    try:
        for number, (volume, facts) in enumerate(_volumes(path)):
            copied = prepare(varied_copy(volume, seed)) if seed is not None and number == 0 else None
            yield _frame(facts, prepare(volume), copied)
    except ReadError as error:
        yield {"reason": error.reason, "message": str(error)}, ()


def copy(arguments: dict[str, Any]) -> Iterator[Message]:
    """The copy of the volume with the key, alone; nothing where it is no longer there."""
    headers = [Header.from_json(text, path=path) for path, text in arguments["headers"]]
    for item in read_series(headers, max_volumes=64):
        if isinstance(item, VolumeRead) and item.key == arguments["key"]:
            copied = preparation_from(arguments["spec"])(varied_copy(item.volume, arguments["seed"]))
            yield _frame({}, copied, None)
            return


def unpack_scans(messages: Sequence[Message]) -> list[MeasuredScan]:
    """What `file` or `copy` said, typed again; what could not be read is not in it."""
    return [_unpack(value, buffers) for value, buffers in messages if "reason" not in value]


def why_unread(messages: Sequence[Message]) -> str:
    """The reason that `file` gave, "" for none."""
    return next((str(value["reason"]) for value, _ in messages if "reason" in value), "")


def _volumes(path: Path) -> Iterator[tuple[Volume, dict[str, Any]]]:
    """Each with the facts of `MeasuredScan`. Raises ReadError where a file gives none."""
    try:
        with open_file(path) as opened:
            head = opened.read(8)
    except OSError as error:
        raise ReadError(Reason.UNREADABLE, f"the file could not be opened: {error.strerror}") from error
    if head.startswith(_PICTURES):
        yield _picture(path), {}
        return
    failures = []
    for item in read_path(path, max_volumes=_MOST_VOLUMES):
        match item:
            case VolumeRead(volume=volume, acquisition=known):
                facts = {"sequence": known.sequence, "plane": known.plane, "region": known.body_region}
                yield volume, facts | {"derived": known.derived}
            case FileFailure():
                failures.append(item)
    if failures:
        raise ReadError(failures[0].reason, failures[0].message)


def _picture(path: Path) -> Volume:
    """A picture as one slice: its columns run from the patient's right to left, its rows from the front to the back."""
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as opened:
            width, height = opened.size
            if width * height > _MOST_PIXELS:
                raise ReadError(Reason.TOO_LARGE, f"the picture has {width} x {height} pixels")
            shown = opened.convert("L")
            shown.thumbnail((_SIDE, _SIDE), Image.Resampling.BILINEAR)
            grey = np.asarray(shown, np.float32)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ReadError(Reason.DECODE_FAILED, f"no picture that can be read: {error}") from error
    mm = _FIELD_MM / max(grey.shape)
    return Volume(np.ascontiguousarray(grey.T[::-1, ::-1])[:, :, None], np.diag([mm, mm, _SLICE_MM, 1.0]))


def _frame(facts: dict[str, Any], prepared: Prepared, copied: Prepared | None) -> Message:
    both = [prepared] if copied is None else [prepared, copied]
    shapes = [[list(one.pixels.shape), list(one.geometry.shape)] for one in both]
    buffers = [part.tobytes() for one in both for part in (one.pixels, one.geometry)]
    return facts | {"shapes": shapes}, tuple(buffers)


def _unpack(value: dict[str, Any], buffers: Sequence[bytes]) -> MeasuredScan:
    both = [
        Prepared(
            np.frombuffer(buffers[2 * n], dtype=np.uint8).reshape(pixels),
            np.frombuffer(buffers[2 * n + 1], dtype=np.float32).reshape(geometry),
        )
        for n, (pixels, geometry) in enumerate(value["shapes"])
    ]
    sequence, plane, region = (str(value.get(name, "unknown")) for name in ("sequence", "plane", "region"))
    copied = both[1] if len(both) > 1 else None
    return MeasuredScan(both[0], copied, sequence, plane, region, bool(value.get("derived", False)))
