"""Words beside the picture within pixels, which viewers do not show: comments, application segments, and what stands
behind the end of a frame or of all of them.

JPEG and JPEG-LS: ITU-T T.81 B.1.1.3 and T.87 (APPn and COM; nothing within coded data looks like the end of the image).
JPEG 2000: T.800 A.9.2 (COM of the main header and of tile-parts, A.4.2 for their lengths) and annex I (boxes around it,
which DICOM does not want). APP8 and APP14 stay, as they say how colours are decoded.
"""

from __future__ import annotations

from typing import Any

_JPEG, _JPEG_2000, _BOXES = b"\xff\xd8", b"\xff\x4f", b"\x00\x00\x00\x0cjP  "
_KEPT = frozenset((0xE8, 0xEE))
_COMMENT, _TILE, _DATA, _END = 0x64, 0x90, 0x93, 0xD9
_SCAN = 0xDA


def strip_comments(dataset: Any, count: int) -> bool:
    """Take them out of a data set's pixels, `count` frames; whether there were any."""
    held = dataset.get("PixelData")
    if not isinstance(held, bytes):
        return False
    if not dataset["PixelData"].is_undefined_length:
        return _strip_tail(dataset, held)
    from pydicom.encaps import encapsulate, generate_frames  # noqa: PLC0415  (slow to import)

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


def _strip_tail(dataset: Any, held: bytes) -> bool:
    """What stands behind the last of a data set's uncompressed pixels goes; the padding to an even length is zero."""
    from pydicom.pixels.utils import get_expected_length  # noqa: PLC0415

    try:
        length = int(get_expected_length(dataset, unit="bytes"))
    except (AttributeError, TypeError, ValueError):  # nothing says how many they are
        return False
    if not 0 < length < len(held) or _is_pixels(dataset, length, len(held)):
        return False
    dataset.PixelData = held[:length] + b"\0" * (length % 2)
    return bool(dataset.PixelData != held)


def _is_pixels(dataset: Any, expected: int, found: int) -> bool:
    """Whether what is more than expected is padding, or more frames or samples than the header speaks of."""
    frame = expected // max(1, int(dataset.get("NumberOfFrames") or 1))
    over = found - expected
    if over <= 1:  # in big endian words of 16 bits it stands before the last byte
        return True
    more_frames = any(over - padding and frame and (over - padding) % frame == 0 for padding in (0, 1))
    halved = dataset.get("PhotometricInterpretation") == "YBR_FULL_422"  # and is not, whatever it says
    return more_frames or (halved and 2 * found - 3 * expected in (0, 1, 2))


def without_comments(frame: bytes) -> bytes:
    """A frame's bytes without them; those of no JPEG, or of one that is not built as it should be, as they are."""
    if frame.startswith(_JPEG):
        return _jpeg(frame)
    if frame.startswith(_BOXES):
        frame = _in_boxes(frame)
    return _jpeg_2000(frame) if frame.startswith(_JPEG_2000) else frame


def _jpeg(frame: bytes) -> bytes:
    parts, at, seen = [frame[:2]], 2, False
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
            continue
        stop = at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker == _SCAN:
            stop, seen = _next_marker(frame, stop), True
        if marker in _KEPT or not (marker == 0xFE or 0xE0 <= marker <= 0xEF):
            parts.append(frame[at:stop])
        at = stop
        if frame[at : at + 2] == b"\xff\xd9":
            return _ended([*parts, frame[at : at + 2]])
    return _ended(parts) if seen else frame  # cut off within its scan


def _next_marker(frame: bytes, at: int) -> int:
    """Where coded data end: at a marker that is neither a stuffed byte (00, of JPEG-LS below 80) nor a restart."""
    while (at := frame.find(b"\xff", at)) >= 0 and at + 1 < len(frame):
        if frame[at + 1] > 0x7F and not 0xD0 <= frame[at + 1] <= 0xD7 and frame[at + 1] != 0xFF:
            return at
        at += 1
    return len(frame)


def _jpeg_2000(frame: bytes) -> bytes:
    """Main header, then tile-parts, each with a header of its own and its length, then the end."""
    found = _segments(frame, 2, _TILE)
    if found is None:
        return frame
    kept, at = found
    parts, rest = [frame[:2], kept], frame[at:]
    while frame[at : at + 2] == b"\xff\x90" and at + 12 <= len(frame):
        length = int.from_bytes(frame[at + 6 : at + 10], "big")
        stop = at + length if length else _last_end(frame, at)
        header = _segments(frame, at + 12, _DATA)
        if header is None or not at + 12 <= header[1] <= stop <= len(frame):
            break
        body = header[0] + frame[header[1] : stop]
        size = (12 + len(body)).to_bytes(4, "big") if length else bytes(4)
        parts += [frame[at : at + 6], size, frame[at + 10 : at + 12], body]
        at = stop
    if frame[at : at + 2] == b"\xff\xd9":
        return _ended([*parts, frame[at : at + 2]])
    return b"".join([frame[:2], kept, rest])  # cut off, or not built as it should be


def _last_end(frame: bytes, at: int) -> int:
    """Of a last tile-part that does not tell its length: no byte above 8F follows FF within its data."""
    found = frame.find(b"\xff\xd9", at)
    return found if found >= 0 else len(frame) + 1


def _segments(frame: bytes, at: int, until: int) -> tuple[bytes, int] | None:
    """(marker segments up to a marker, without comments; where it stands). None where they are not built so."""
    parts: list[bytes] = []
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == until:
            return b"".join(parts), at
        stop = at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker != _COMMENT:
            parts.append(frame[at:stop])
        at = stop
    return None


def _in_boxes(frame: bytes) -> bytes:
    """The code stream of a JP2 file."""
    at = 0
    while at + 8 <= len(frame):
        size, kind = int.from_bytes(frame[at : at + 4], "big"), frame[at + 4 : at + 8]
        head = 16 if size == 1 else 8
        size = int.from_bytes(frame[at + 8 : at + 16], "big") if size == 1 else size or len(frame) - at
        if kind == b"jp2c":
            return frame[at + head : at + size]
        if size < head:
            break
        at += size
    return frame


def _ended(parts: list[bytes]) -> bytes:
    """A frame of even length, as items of pixels are."""
    frame = b"".join(parts)
    return frame + b"\0" * (len(frame) % 2)
