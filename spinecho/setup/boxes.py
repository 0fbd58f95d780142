"""A box as typed: fractions of the volume, or ranges of voxels."""

from __future__ import annotations

import re

from spinecho.search.query import Box, BoxError, check_box

_EXAMPLES = (
    "write --box R0,A0,S0,R1,A1,S1 in fractions, as in 0.5,0.4,0.3,0.7,0.6,0.5, or voxels as in 90:120,80:110,20:30"
)
_RANGE = re.compile(r"\s*(-?\d{1,9})\s*:\s*(-?\d{1,9})\s*")


def check_form(text: str) -> None:
    """Raise `BoxError` for text that is neither form, or fractions that are no box."""
    if ":" in text:
        _ranges(text)
    else:
        check_box(_fractions(text))


def read_box(text: str, shape: tuple[int, int, int]) -> Box:
    """The box in fractions, of a volume with so many voxels along R, A and S.

    Low R,A,S, then high R,A,S, 0 to 1; or three ranges of voxels along R, A and S, from 0, the end not in it. Raises
    `BoxError` for a box that is outside of the volume, empty or inverted.
    """
    if ":" not in text:
        box = _fractions(text)
        check_box(box)
        return box
    ranges = _ranges(text)
    for axis, (low, high), n in zip("RAS", ranges, shape, strict=True):
        if not (0 <= low <= n and 0 <= high <= n):
            raise BoxError(f"voxels {low}:{high} along {axis} lie outside of the volume, which has 0:{n}")
    first, last = ([ends[side] / n for ends, n in zip(ranges, shape, strict=True)] for side in (0, 1))
    box = (first[0], first[1], first[2], last[0], last[1], last[2])
    check_box(box)
    return box


def _fractions(text: str) -> Box:
    try:
        r0, a0, s0, r1, a1, s1 = (float(part) for part in text.split(","))
    except ValueError:
        raise BoxError(f"cannot read the box {text!r}; {_EXAMPLES}") from None
    return r0, a0, s0, r1, a1, s1


def _ranges(text: str) -> list[tuple[int, int]]:
    found = [_RANGE.fullmatch(part) for part in text.split(",")]
    if len(found) != 3 or not all(found):
        raise BoxError(f"cannot read the box {text!r}; {_EXAMPLES}")
    return [(int(each[1]), int(each[2])) for each in found if each]
