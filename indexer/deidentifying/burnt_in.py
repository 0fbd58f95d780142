"""Whether a picture is likely to have words burnt into its pixels: by what its header says, and by what it looks like.

A check, not a promise. Letters of a screen are of one even value with sharp edges, stand in a line beside each other
near the border of the picture, and nothing in tissue does. What is written over tissue in several greys, by hand or by
a lossy compression that blurs it, is not found.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CAPTURES = "1.2.840.10008.5.1.4.1.1.7"
_SCREENS = frozenset(("SCREEN SAVE", "SCREENSHOT", "SCREEN", "SCREENCAPTURE", "CAPTURE", "SCANNED"))
_BAND = 0.3
"""Share of the rows above and below, and of the columns at the sides, in which annotation stands."""
_HEIGHTS = (5, 48)
_FEWEST = 4
"""Letters in a line."""
_MOST_FRAMES = 3
_COMMON = 3
"""Bright values that are looked at, the brightest first."""


def declared(dataset: Any) -> tuple[str, ...]:
    """Reasons that a header gives: BURNED_IN says so, CAPTURE is of a screen, OVERLAY is drawn in unused bits."""
    reasons = []
    if str(dataset.get("BurnedInAnnotation", "") or "").strip().upper() == "YES":
        reasons.append("BURNED_IN")
    kinds = {str(one).strip().upper() for one in dataset.get("ImageType", None) or ()}
    conversion = str(dataset.get("ConversionType", "") or "").strip()
    if str(dataset.get("SOPClassUID", "")).startswith(_CAPTURES) or kinds & _SCREENS or conversion:
        reasons.append("CAPTURE")
    if any(
        int(tag) >> 24 == 0x60 and int(tag) & 0xFFFF == 0x0102 and _bit(dataset, tag) for tag in list(dataset.keys())
    ):
        reasons.append("OVERLAY")
    return tuple(reasons)


def _bit(dataset: Any, tag: Any) -> bool:
    try:
        return int(dataset[tag].value or 0) > 0
    except (TypeError, ValueError):
        return True


def frames_to_look_at(count: int) -> list[int]:
    """The first, the middle and the last of a file's frames, counted from 0."""
    return sorted({0, count // 2, count - 1})[:_MOST_FRAMES] if count > 0 else []


def has_letters(frame: NDArray[Any]) -> bool:
    """Whether a frame, (rows, columns) or (rows, columns, 3), has a line of letters near its border."""
    from scipy import ndimage  # noqa: PLC0415

    grey = frame.max(axis=-1) if frame.ndim == 3 else frame
    if grey.ndim != 2 or min(grey.shape) < 4 * _HEIGHTS[0]:
        return False
    for value in _even_values(grey):
        labels, count = ndimage.label(grey == value, structure=np.ones((3, 3), dtype=int))
        if not _FEWEST <= count <= 20_000:
            continue
        boxes = ndimage.find_objects(labels)
        letters = [
            (rows.start, rows.stop, columns.start, columns.stop)
            for number, (rows, columns) in enumerate(boxes, start=1)
            if _is_letter(labels[rows, columns] == number, rows, columns, grey)
        ]
        if _in_a_line(letters):
            return True
    return False


def _even_values(grey: NDArray[Any]) -> list[Any]:
    """Bright values that so many pixels share that something was drawn with them."""
    values, counts = np.unique(grey, return_counts=True)
    if len(values) < 2:
        return []
    least = values[0] + 0.5 * (float(values[-1]) - float(values[0]))
    drawn = [(value, n) for value, n in zip(values, counts, strict=True) if value >= least and n >= 24]
    drawn = drawn[-_COMMON:] + sorted(drawn, key=lambda pair: -pair[1])[:1]
    return list(dict.fromkeys(value for value, _ in drawn))


def _is_letter(mask: NDArray[np.bool_], rows: slice, columns: slice, grey: NDArray[Any]) -> bool:
    height, width = mask.shape
    if not (_HEIGHTS[0] <= height <= _HEIGHTS[1] and 1 <= width <= 1.6 * height):
        return False
    high, wide = grey.shape
    middle = ((rows.start + rows.stop) / 2 / high, (columns.start + columns.stop) / 2 / wide)
    if not any(place < _BAND or place > 1 - _BAND for place in middle):
        return False
    filled = float(mask.mean())
    if width > 2 and not 0.12 <= filled <= 0.85:
        return False
    return bool(mask.any(axis=1).all())  # strokes from top to bottom


def _in_a_line(letters: list[tuple[int, int, int, int]]) -> bool:
    """Several of about one height that stand on one line, each close to the next."""
    letters.sort(key=lambda box: (box[1], box[2]))
    for top, bottom, *_ in letters:
        height = bottom - top
        line = sorted(
            box[2:] for box in letters if abs(box[1] - bottom) <= 1 and 0.6 * height <= box[1] - box[0] <= 1.5 * height
        )
        run = 1
        for (_, before), (start, _) in pairwise(line):
            run = run + 1 if 0 <= start - before <= 1.5 * height else 1
            if run >= _FEWEST and len({stop - begin for begin, stop in line}) > 1:
                return True
    return False
