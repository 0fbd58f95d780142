"""Volumes: slices as pictures, NIfTI, and plain bytes of which ranges are read; each read again from its files."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse, Response
from numpy.typing import NDArray

from spinecho.encoders.reading.volume import Volume
from spinecho.search.access.studies import OpenedSeries
from spinecho.setup.wiring import read_volume
from spinecho.ui.server.api.around.asking import Asked, Needs
from spinecho.ui.server.api.around.metrics import CACHE
from spinecho.ui.server.api.around.paging import tag_of, unchanged
from spinecho.ui.server.api.around.problems import Unknown
from spinecho.ui.server.api.around.ranges import ranged
from spinecho.ui.server.api.as_json import shapes
from spinecho.ui.server.api.finding.studies import PNG, Uid, opened_series

router = APIRouter(tags=["volumes"])
Reads = Annotated[Asked, Depends(Needs("read", what="open a series"))]
Number = Annotated[int, Query(ge=0, le=100_000, description="Which volume of the series, from 0.")]
Plane = Literal["acquired", "axial", "coronal", "sagittal"]
_AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "All of it."},
    206: {"content": {"application/octet-stream": {}}, "description": "The range that was asked for."},
    416: {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
          "description": "The range lies beyond the end."},
}  # fmt: skip
_HELD_BYTES = 384 * 1024 * 1024


class Held:
    """The volumes that were read last: a range and the slices around it are asked for one after the other."""

    def __init__(self, most: int = _HELD_BYTES) -> None:
        self._most, self._held, self._lock = most, OrderedDict[str, Volume](), threading.Lock()

    def volume(self, opened: OpenedSeries, name: str) -> Volume:
        """Raises `ReadError`, `FilesChanged`, `ReadersBusy`. name: the volume's key in its series."""
        key = f"{opened.card.uid} {name} {opened.state}"
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                CACHE.labels("yes").inc()
                return self._held[key]
        CACHE.labels("no").inc()
        volume = read_volume(opened.source, name)
        with self._lock:
            self._held[key] = volume
            while sum(one.voxels.nbytes for one in self._held.values()) > self._most and len(self._held) > 1:
                self._held.popitem(last=False)
        return volume


_HELD = Held()


@router.get("/series/{uid}/volume", response_model=shapes.VolumeHeader)
def header(asked: Reads, uid: Uid, volume: Number = 0) -> JSONResponse:
    """What it takes to read the bytes of a volume of a series: shape, affine (index to mm, RAS+), types."""
    asked_for = _asked_for(asked, uid, volume)
    read = asked_for.read()
    slope, intercept = _scale(read.voxels)
    place, count = f"/api/v1/series/{uid}/volume/data?volume={volume}", int(read.voxels.size)
    return JSONResponse({
        "series_uid": asked_for.opened.card.uid, "volume": volume, "volumes": asked_for.count,
        "shape": list(read.voxels.shape), "affine": read.affine.tolist(),
        "spacing_mm": list(read.spacing_mm), "slice_axis": read.slice_axis, "order": "C", "byte_order": "little",
        "data": {
            "float32": {"url": f"{place}&dtype=float32", "bytes": 4 * count, "slope": 1.0, "intercept": 0.0},
            "int16": {"url": f"{place}&dtype=int16", "bytes": 2 * count, "slope": slope, "intercept": intercept},
        },
    })  # fmt: skip


@router.get("/series/{uid}/volume/data", response_class=Response, responses=_BYTES)
def data(
    asked: Reads, uid: Uid, dtype: Literal["float32", "int16"] = "float32", volume: Number = 0
) -> Response:  # fmt: skip
    """The voxels, [i, j, k] in C order, little-endian; takes `Range: bytes=FIRST-LAST`."""
    asked_for = _asked_for(asked, uid, volume)
    return _given(asked, asked_for, dtype, lambda: _plain_bytes(asked_for.read().voxels, dtype))


@router.get("/series/{uid}/volume.nii", response_class=Response, responses=_BYTES)
def nifti(asked: Reads, uid: Uid, volume: Number = 0) -> Response:
    """A volume as NIfTI, float32 in the file's own units; takes ranges."""
    asked_for = _asked_for(asked, uid, volume)
    name = f"{uid}.nii" if volume == 0 else f"{uid}-{volume}.nii"
    return _given(asked, asked_for, "nifti", lambda: _nifti_bytes(asked_for.read()), name)


@router.get("/series/{uid}/frames/{number}", response_class=Response, responses=PNG)
def frame(
    asked: Reads,
    uid: Uid,
    number: Annotated[int, Path(ge=0, le=100_000, description="From 0, in the order of R, A or S.")],
    plane: Annotated[Plane, Query(description="acquired: across the acquired slices.")] = "acquired",
    low: Annotated[float, Query(ge=0, le=100, description="Percentile shown black.")] = 0.5,
    high: Annotated[float, Query(ge=0, le=100, description="Percentile shown white.")] = 99.5,
    volume: Number = 0,
) -> Response:
    """A slice as a picture: superior or anterior at the top, the patient's right at the left."""
    from PIL import Image  # noqa: PLC0415  (slow to import)

    asked_for = _asked_for(asked, uid, volume)
    tag = asked_for.tag("frame", number, plane, low, high)
    if (same := unchanged(asked, tag)) is not None:
        return same
    read = asked_for.read()
    axis = read.slice_axis if plane == "acquired" else _AXES[plane]
    if number >= read.voxels.shape[axis]:
        raise Unknown(f"there is no slice {number} in this plane: there are 0 to {read.voxels.shape[axis] - 1}")
    inside = read.voxels[read.voxels > read.voxels.min()]
    black, white = np.percentile(inside, [low, high]) if inside.size else (0.0, 1.0)
    cut = np.take(read.voxels, number, axis=axis).T[::-1, ::-1]
    grey = np.clip((cut - black) / max(float(white - black), 1e-12), 0, 1) * 255
    packed = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(packed, "PNG")
    return Response(
        packed.getvalue(), media_type="image/png", headers={"ETag": tag, "Cache-Control": "private, no-cache"}
    )


@dataclass(frozen=True, slots=True)
class _AskedFor:
    """A volume of an opened series. count: how many the series has."""

    opened: OpenedSeries
    key: str
    count: int

    def tag(self, *form: object) -> str:
        """Another one where the files were indexed anew, or this version may read them in another way."""
        opened = self.opened
        return tag_of(opened.card.uid, self.key, opened.state, version("spinecho"), *form)

    def read(self) -> Volume:
        """Raises `ReadError`, `FilesChanged`, `ReadersBusy`."""
        return _HELD.volume(self.opened, self.key)


def _asked_for(asked: Asked, uid: str, number: int) -> _AskedFor:
    """Raises `Unknown` where the series, or this volume of it, is not here."""
    opened = opened_series(asked, uid)
    keys = opened.keys or (opened.key,)
    if number >= len(keys):
        raise Unknown(f"there is no volume {number} of this series: there are 0 to {len(keys) - 1}")
    return _AskedFor(opened, keys[number], len(keys))


def _given(
    asked: Asked, asked_for: _AskedFor, form: str, make: Callable[[], bytes | memoryview], name: str = ""
) -> Response:
    tag = asked_for.tag(form)
    if (same := unchanged(asked, tag)) is not None:
        return same
    content = asked.service.volumes.get(f"{tag.strip(chr(34))}-{form}", make)
    return ranged(asked.request, content, tag=tag, media="application/octet-stream", name=name)


def _plain_bytes(given: NDArray[np.float32], dtype: str) -> memoryview:
    voxels: NDArray[Any] = np.ascontiguousarray(given, dtype="<f4")
    if dtype == "int16":
        slope, intercept = _scale(given)
        voxels = np.clip(np.rint((voxels - intercept) / slope), -32768, 32767).astype("<i2")
    return memoryview(voxels.reshape(-1).view(np.uint8))  # type: ignore[arg-type]


def _nifti_bytes(volume: Volume) -> bytes:
    import nibabel  # noqa: PLC0415  (slow to import)

    made: Any = nibabel
    image = made.Nifti1Image(np.asarray(volume.voxels, dtype=np.float32), volume.affine)
    image.header.set_xyzt_units("mm")
    packed: bytes = image.to_bytes()
    return packed


def _scale(voxels: NDArray[np.float32]) -> tuple[float, float]:
    """(slope, intercept) by which 16 bits hold the volume, whole numbers as they are where they fit."""
    low, high = float(voxels.min()), float(voxels.max())
    if low >= -32768 and high <= 32767 and bool(np.all(voxels == np.rint(voxels))):
        return 1.0, 0.0
    return (high - low) / 65534 or 1.0, (high + low) / 2
