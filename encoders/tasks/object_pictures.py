"""A frame of a DICOM object as a PNG or JPEG, in the window of its file or in one that is asked for."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray


def picture(
    dataset: Any, stored: NDArray[Any], number: int, *, media: str, window: tuple[float, float] | None = None,
    viewport: tuple[int, int] | None = None, quality: int = 90,
) -> bytes:  # fmt: skip
    """The bytes of `image/png` or `image/jpeg`. stored: (rows, columns) or colours of frame `number`, from 1.

    window: centre and width in the values that the file means (PS3.3 C.11.2.1.2), None for its own, or nearly the whole
    range where it has none. viewport: most columns and rows; a picture is made smaller and never larger.
    """
    from PIL import Image  # noqa: PLC0415  (slow to import)

    if stored.ndim == 3:
        grey = stored.astype(np.uint8)
    else:
        slope, intercept = _pair(
            dataset, number, "PixelValueTransformationSequence", "RescaleSlope", "RescaleIntercept"
        )
        values = stored.astype(np.float64) * (1.0 if slope is None else slope) + (intercept or 0.0)
        grey = _windowed(values, window or _own_window(dataset, number))
        if str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1":
            grey = 255 - grey
    image = Image.fromarray(grey)
    if viewport is not None:
        image.thumbnail(viewport)
    packed = io.BytesIO()
    if media == "image/png":
        image.save(packed, "PNG")
    else:
        image.save(packed, "JPEG", quality=quality)
    return packed.getvalue()


def _windowed(values: NDArray[np.float64], window: tuple[float, float] | None) -> NDArray[np.uint8]:
    if window is None:
        low, high = (float(one) for one in np.percentile(values, [0.5, 99.5]))
        shown = (values - low) / max(high - low, 1e-12)
    else:
        centre, width = window
        shown = (values - (centre - 0.5)) / max(width - 1.0, 1e-12) + 0.5
    return np.asarray(np.rint(np.clip(shown, 0.0, 1.0) * 255), dtype=np.uint8)


def _own_window(dataset: Any, number: int) -> tuple[float, float] | None:
    centre, width = _pair(dataset, number, "FrameVOILUTSequence", "WindowCenter", "WindowWidth")
    return None if centre is None or width is None or width < 1 else (centre, width)


def _pair(dataset: Any, number: int, group: str, first: str, second: str) -> tuple[float | None, float | None]:
    """Two numbers of a frame: of its own functional group, of the one that all share, or of the object."""
    for place in _places(dataset, number, group):
        one, other = _number(place.get(first)), _number(place.get(second))
        if one is not None and other is not None:
            return one, other
    return None, None


def _places(dataset: Any, number: int, group: str) -> list[Any]:
    found = []
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for item in [*frames[number - 1 : number], *shared[:1]]:
        found += list(item.get(group) or [])[:1]
    return [*found, dataset]


def _number(value: Any) -> float | None:
    try:
        given = value if isinstance(value, str | float | int) or value is None else next(iter(value), None)
        found = float(given) if given is not None else None
    except (TypeError, ValueError):
        return None
    return found if found is not None and np.isfinite(found) else None
