"""Volumes: slices as pictures, NIfTI, and plain bytes of which ranges are read; each read again from its files."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse, Response
from numpy.typing import NDArray

from spinecho.encoders.reading.volume import Volume
from spinecho.search.access.studies import OpenedSeries
from spinecho.ui.server.api import shapes
from spinecho.ui.server.api.asking import Asked, Needs
from spinecho.ui.server.api.metrics import CACHE
from spinecho.ui.server.api.paging import tag_of, unchanged
from spinecho.ui.server.api.problems import Unknown
from spinecho.ui.server.api.ranges import ranged
from spinecho.ui.server.api.studies import PNG, Uid, opened_series
from spinecho.wiring import read_volume

router = APIRouter(tags=["volumes"])
Reads = Annotated[Asked, Depends(Needs("read", what="open a series"))]
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

    def volume(self, opened: OpenedSeries, state: str) -> Volume:
        """Raises `ReadError`, `FilesChanged`, `ReadersBusy`. state: changes with the archive."""
        key = f"{opened.card.uid} {opened.key} {state}"
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                CACHE.labels("yes").inc()
                return self._held[key]
        CACHE.labels("no").inc()
        volume = read_volume(opened.source, opened.key)
        with self._lock:
            self._held[key] = volume
            while sum(one.voxels.nbytes for one in self._held.values()) > self._most and len(self._held) > 1:
                self._held.popitem(last=False)
        return volume


_HELD = Held()


@router.get("/series/{uid}/volume", response_model=shapes.VolumeHeader)
def header(asked: Reads, uid: Uid) -> JSONResponse:
    """What it takes to read the bytes of a series' first volume: shape, affine (index to mm, RAS+), types."""
    opened, volume, _ = _read(asked, uid)
    slope, intercept = _scale(volume.voxels)
    place, count = f"/api/v1/series/{uid}/volume/data", int(volume.voxels.size)
    return JSONResponse({
        "series_uid": opened.card.uid, "shape": list(volume.voxels.shape), "affine": volume.affine.tolist(),
        "spacing_mm": list(volume.spacing_mm), "slice_axis": volume.slice_axis, "order": "C", "byte_order": "little",
        "data": {
            "float32": {"url": f"{place}?dtype=float32", "bytes": 4 * count, "slope": 1.0, "intercept": 0.0},
            "int16": {"url": f"{place}?dtype=int16", "bytes": 2 * count, "slope": slope, "intercept": intercept},
        },
    })  # fmt: skip


@router.get("/series/{uid}/volume/data", response_class=Response, responses=_BYTES)
def data(asked: Reads, uid: Uid, dtype: Literal["float32", "int16"] = "float32") -> Response:
    """The voxels, [i, j, k] in C order, little-endian; takes `Range: bytes=FIRST-LAST`."""
    tag = tag_of(asked, "voxels", uid, dtype)
    if (same := unchanged(asked, tag)) is not None:
        return same
    _, volume, _ = _read(asked, uid)
    voxels: NDArray[Any] = np.ascontiguousarray(volume.voxels, dtype="<f4")
    if dtype == "int16":
        slope, intercept = _scale(volume.voxels)
        voxels = np.clip(np.rint((voxels - intercept) / slope), -32768, 32767).astype("<i2")
    content = memoryview(voxels.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    return ranged(asked.request, content, tag=tag, media="application/octet-stream")


@router.get("/series/{uid}/volume.nii", response_class=Response, responses=_BYTES)
def nifti(asked: Reads, uid: Uid) -> Response:
    """The volume as NIfTI, float32 in the file's own units; takes ranges."""
    import nibabel  # noqa: PLC0415  (slow to import)

    made: Any = nibabel

    tag = tag_of(asked, "nifti", uid)
    if (same := unchanged(asked, tag)) is not None:
        return same
    _, volume, _ = _read(asked, uid)
    image = made.Nifti1Image(np.asarray(volume.voxels, dtype=np.float32), volume.affine)
    image.header.set_xyzt_units("mm")
    return ranged(asked.request, image.to_bytes(), tag=tag, media="application/octet-stream", name=f"{uid}.nii")


@router.get("/series/{uid}/frames/{number}", response_class=Response, responses=PNG)
def frame(
    asked: Reads,
    uid: Uid,
    number: Annotated[int, Path(ge=0, le=100_000, description="From 0, in the order of R, A or S.")],
    plane: Annotated[Plane, Query(description="acquired: across the acquired slices.")] = "acquired",
    low: Annotated[float, Query(ge=0, le=100, description="Percentile shown black.")] = 0.5,
    high: Annotated[float, Query(ge=0, le=100, description="Percentile shown white.")] = 99.5,
) -> Response:
    """A slice as a picture: superior or anterior at the top, the patient's right at the left."""
    from PIL import Image  # noqa: PLC0415  (slow to import)

    tag = tag_of(asked, "frame", uid, number, plane, low, high)
    if (same := unchanged(asked, tag)) is not None:
        return same
    _, volume, _ = _read(asked, uid)
    axis = volume.slice_axis if plane == "acquired" else _AXES[plane]
    if number >= volume.voxels.shape[axis]:
        raise Unknown(f"there is no slice {number} in this plane: there are 0 to {volume.voxels.shape[axis] - 1}")
    inside = volume.voxels[volume.voxels > volume.voxels.min()]
    black, white = np.percentile(inside, [low, high]) if inside.size else (0.0, 1.0)
    cut = np.take(volume.voxels, number, axis=axis).T[::-1, ::-1]
    grey = np.clip((cut - black) / max(float(white - black), 1e-12), 0, 1) * 255
    packed = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(packed, "PNG")
    return Response(
        packed.getvalue(), media_type="image/png", headers={"ETag": tag, "Cache-Control": "private, no-cache"}
    )


def _read(asked: Asked, uid: str) -> tuple[OpenedSeries, Volume, str]:
    opened = opened_series(asked, uid)
    state = f"{asked.desk.generation}"
    return opened, _HELD.volume(opened, state), state


def _scale(voxels: NDArray[np.float32]) -> tuple[float, float]:
    """(slope, intercept) by which 16 bits hold the volume, whole numbers as they are where they fit."""
    low, high = float(voxels.min()), float(voxels.max())
    if low >= -32768 and high <= 32767 and bool(np.all(voxels == np.rint(voxels))):
        return 1.0, 0.0
    return (high - low) / 65534 or 1.0, (high + low) / 2
