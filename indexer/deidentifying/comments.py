"""Comments and application segments within compressed pixels, which viewers do not show and which may hold words.

JPEG and JPEG-LS: ITU-T T.81 B.1.1.3 and T.87 (APPn and COM before the scan); JPEG 2000: T.800 A.9.2 (COM of the main
header). APP8 and APP14 stay, as they say how colours are decoded.
"""

from __future__ import annotations

from typing import Any

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f"
_KEPT = frozenset((0xE8, 0xEE))


def strip_comments(dataset: Any, count: int) -> bool:
    """Take them out of a data set's encapsulated frames, of which there are `count`; whether there were any."""
    from pydicom.encaps import encapsulate, generate_frames  # noqa: PLC0415  (slow to import)

    held = dataset.get("PixelData")
    if not isinstance(held, bytes) or not dataset["PixelData"].is_undefined_length:
        return False
    frames = list(generate_frames(held, number_of_frames=count))
    bare = [without_comments(frame) for frame in frames]
    if bare == frames:
        return False
    dataset.PixelData = encapsulate(bare)
    dataset["PixelData"].is_undefined_length = True
    for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if name in dataset:
            delattr(dataset, name)
    return True


def without_comments(frame: bytes) -> bytes:
    """A frame's bytes without them; those of no JPEG, or of one that is not built as it should be, as they are."""
    if frame.startswith(_JPEG):
        drops = [0xFE, *(marker for marker in range(0xE0, 0xF0) if marker not in _KEPT)]
        return _without(frame, frozenset(drops), ends=frozenset((0xDA, 0xD9)))
    if frame.startswith(_JPEG_2000):
        return _without(frame, frozenset((0x64,)), ends=frozenset((0x90, 0xD9)))
    return frame


def _without(frame: bytes, drops: frozenset[int], *, ends: frozenset[int]) -> bytes:
    parts, at = [frame[:2]], 2
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
            continue
        if marker in ends:
            return b"".join([*parts, frame[at:]])
        stop = at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker not in drops:
            parts.append(frame[at:stop])
        at = stop
    return frame
