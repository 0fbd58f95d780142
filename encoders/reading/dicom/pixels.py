"""Stored pixel values of DICOM objects (PS3.3 C.7.6.3, PS3.5 section 8 and annex A.4).

Uncompressed pixels are read straight from the file at the offset that the header scan noted. Compressed frames go
through `encoders.reading.dicom.codecs`.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.dicom.codecs import decode_frame
from spinecho.encoders.reading.dicom.frames import mosaic_grid
from spinecho.encoders.reading.dicom.scan import NATIVE
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.reading.opening import dicom_values_at, open_dicom

_ALIKE_SHARE = 0.05
_BEYOND = 0.25
"""Of the range of a picture's values: how far beyond it a value lies that only fills what is outside of it."""
_RLE = "1.2.840.10008.1.2.5"
_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"


class PixelSource:
    """The pixels of one object. Frames are asked for one at a time; the last picture is kept for its mosaic tiles."""

    def __init__(self, header: Header) -> None:
        self.pixels: dict[str, Any] = header.detail["pixels"]
        self.mosaic: dict[str, Any] | None = header.detail.get("mosaic")
        self.path = Path(header.path)
        self._last: tuple[int, NDArray[Any]] | None = None
        self._fragments: list[bytes] | None = None
        self._inflated: bytes | None = None
        self.out_of_range = False
        self._masked: bool | None = None
        if self.pixels.get("samples", 1) != 1 or self.pixels.get("photometric") == "PALETTE COLOR":
            raise ReadError(Reason.COLOUR_IMAGE, "a colour picture, not MR intensities")
        if not self.pixels.get("encapsulated") and self._bytes_each() * self.pixels["frames"] > self.pixels["length"]:
            raise ReadError(
                Reason.TRUNCATED,
                f"{self.pixels['length']} bytes of pixel data where "
                f"{self._bytes_each() * self.pixels['frames']} were announced",
            )

    def _bytes_each(self) -> int:
        return int(self.pixels["rows"] * self.pixels["columns"] * self._dtype().itemsize)

    def _dtype(self) -> np.dtype[Any]:
        order = self.pixels["order"]
        if "float" in self.pixels:
            return np.dtype(f"{order}f{self.pixels['float']}")
        bits = self.pixels["allocated"]
        if bits not in (8, 16, 32):
            raise ReadError(Reason.DECODE_FAILED, f"{bits} bits allocated a pixel")
        return np.dtype(f"{order}{'i' if self.pixels.get('signed') else 'u'}{bits // 8}")

    def forget(self) -> None:
        """Let go of what was read; it is read again when asked for."""
        self._last = self._fragments = self._inflated = None

    def frame(self, number: int, tile: int) -> NDArray[Any]:
        """Stored values (rows, columns) of a frame or tile, MONOCHROME1 already turned round. Raises ReadError."""
        if self._last is None or self._last[0] != number:
            try:
                picture = self._encapsulated(number) if self.pixels.get("encapsulated") else self._native(number)
            except OSError as e:
                raise ReadError(Reason.UNREADABLE, f"the file could not be read: {e.strerror}") from e
            self._last = number, self._presented(picture)
        picture = self._last[1]
        if tile < 0:
            return picture
        assert self.mosaic is not None  # noqa: S101
        across, _, height, width = mosaic_grid(self.mosaic, *picture.shape)
        row, column = divmod(tile, across)
        return picture[row * height : (row + 1) * height, column * width : (column + 1) * width]

    def _native(self, number: int) -> NDArray[Any]:
        return self._within_stored_bits(self._shifted(self._stored(number)))

    def _stored(self, number: int) -> NDArray[Any]:
        size, dtype = self._bytes_each(), self._dtype()
        start = self.pixels["at"] + number * size
        if "inflate" in self.pixels:
            values = np.frombuffer(self._inflate(), dtype, size // dtype.itemsize, start)
        elif "swapped" in self.pixels:
            odd = number * size % 2
            words = dicom_values_at(self.path, np.dtype("u1"), (odd + size + 1) // 2 * 2, start - odd)
            values = words[: len(words) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()[odd : odd + size]
        else:
            values = dicom_values_at(self.path, dtype, size // dtype.itemsize, start)
        if values.size * dtype.itemsize < size:
            raise ReadError(Reason.TRUNCATED, "the file is shorter than when its header was read")
        return self._without_padding(values.reshape(self.pixels["rows"], self.pixels["columns"]))

    def _without_padding(self, values: NDArray[Any]) -> NDArray[Any]:
        """Pixels outside of the picture made as dark as its darkest, where their value lies well outside of its own."""
        if "padding" not in self.pixels:
            return values
        low, high = self.pixels["padding"]
        is_padding = (values >= low) & (values <= high)
        inside = values[~is_padding]
        if not is_padding.any() or not inside.size:
            return values
        least, most = int(inside.min()), int(inside.max())
        if low < most + _BEYOND * (most - least) and high > least:
            return values  # a value that the picture itself may have
        dark = most if self.pixels.get("photometric") == "MONOCHROME1" else least
        return np.where(is_padding, np.asarray(dark, values.dtype), values)

    def _inflate(self) -> bytes:
        if self._inflated is None:
            end = self.pixels["at"] + self._bytes_each() * self.pixels["frames"]
            with open_dicom(self.path) as file:
                file.seek(self.pixels["inflate"])
                try:
                    self._inflated = zlib.decompressobj(-15).decompress(file.read(), end)
                except zlib.error as e:
                    raise ReadError(Reason.DECODE_FAILED, "the deflated data set cannot be inflated") from e
            if len(self._inflated) < end:
                raise ReadError(Reason.TRUNCATED, "the deflated data set ends before its pixels do")
        return self._inflated

    def _shifted(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values whose lowest stored bit is bit 0."""
        stored, allocated = self.pixels["stored"], self.pixels["allocated"]
        high = self.pixels.get("high_bit", stored - 1)
        if "float" not in self.pixels and stored - 1 < high < allocated:
            return np.asarray(values >> (high + 1 - stored))
        return values

    def _within_stored_bits(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values as Bits Stored says, save where the picture itself proves it wrong, see `_is_overlaid`."""
        stored, allocated = self.pixels["stored"], self.pixels["allocated"]
        if "float" in self.pixels or not 1 <= stored < allocated or not self._exceeds(values):
            return values
        if self._masked is None:
            self._masked = bool(self.pixels.get("overlay_bit")) or self._is_overlaid(values)
        if self._masked:
            return self._cut(values)
        self.out_of_range = True
        return values

    def _exceeds(self, values: NDArray[Any]) -> bool:
        low, top = int(values.min(initial=0)), int(values.max(initial=0))
        if self.pixels.get("signed"):
            half = 1 << (self.pixels["stored"] - 1)
            return bool(top >= half or low < -half)
        return bool(top >> self.pixels["stored"])

    def _cut(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values without the bits above Bits Stored, the sign carried into them where there is one."""
        stored, allocated = self.pixels["stored"], self.pixels["allocated"]
        if self.pixels.get("signed"):
            shift = allocated - stored
            return np.asarray((values << shift) >> shift)
        return np.asarray(values & ((1 << stored) - 1))

    def _is_overlaid(self, values: NDArray[Any]) -> bool:
        """Whether the spare bits hold something else than the values: a burnt-in overlay, a sign that was not carried.

        Judged once for the whole object, by neighbours whose spare bits differ. Where Bits Stored is simply too small,
        some of them are alike as they stand; where something else stands in the spare bits they are alike without.
        """
        if self.pixels.get("encapsulated") or self.pixels["frames"] == 1:
            pictures = [values]
        else:
            pictures = [self._shifted(self._stored(number)) for number in range(self.pixels["frames"])]
        pictures = [picture for picture in pictures if self._exceeds(picture)]
        if self.pixels.get("signed"):
            top = 1 << self.pixels["stored"]
            if all(int(p.min(initial=0)) >= 0 and int(p.max(initial=0)) < top for p in pictures):
                return True
        steps = [step for picture in pictures for step in _steps(picture, self._cut(picture))]
        whole, cut = (np.concatenate(each) for each in zip(*steps, strict=True))
        if not len(whole):
            return False
        size = 1 << self.pixels["stored"]
        alike = float((whole < size / 2).mean())
        return bool(alike < _ALIKE_SHARE and float(np.median(cut)) < size / 8)

    def _presented(self, values: NDArray[Any]) -> NDArray[Any]:
        if self.pixels.get("photometric") != "MONOCHROME1" or "float" in self.pixels:
            return values
        if self.pixels.get("signed"):
            return np.asarray(-1 - values.astype(np.int64))
        return np.asarray(((1 << self.pixels["stored"]) - 1) - values.astype(np.int64))

    def _encapsulated(self, number: int) -> NDArray[Any]:
        if self._fragments is None:
            self._fragments = _fragments(self.path, self.pixels["at"], self.pixels["frames"])
        syntax = self.pixels["syntax"]
        if syntax in NATIVE:
            raise ReadError(Reason.DECODE_FAILED, "pixel data of undefined length in an uncompressed syntax")
        stored = self.pixels["stored"]
        values = self._without_padding(decode_frame(syntax, self._fragments[number], self.pixels))
        if syntax == _RLE and values.shape == (self.pixels["rows"], self.pixels["columns"]):
            return self._within_stored_bits(self._shifted(values))  # RLE keeps every bit, as uncompressed pixels do
        low, top = int(values.min(initial=0)), int(values.max(initial=0))
        signed = bool(self.pixels.get("signed"))
        least, most = (-(1 << (stored - 1)), 1 << (stored - 1)) if signed else (0, 1 << stored)
        if values.shape != (self.pixels["rows"], self.pixels["columns"]) or low < least or top >= most:
            raise ReadError(
                Reason.DECODE_FAILED,
                f"decoded to {values.shape} with values {low}..{top}, beyond {stored} stored bits or the stated size",
            )
        return values


def _steps(whole: NDArray[Any], cut: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """How far neighbours along columns, then along rows, whose spare bits differ lie apart: as they stand, and cut."""
    plain, short = whole.astype(np.int64), cut.astype(np.int64)
    for axis in (0, 1):
        other = np.diff(plain - short, axis=axis) != 0
        yield np.abs(np.diff(plain, axis=axis))[other], np.abs(np.diff(short, axis=axis))[other]


def _fragments(path: Path, at: int, frames: int) -> list[bytes]:
    """The compressed bytes of each frame. Raises ReadError TRUNCATED where items are missing (PS3.5 A.4)."""
    with open_dicom(path) as file:
        file.seek(at)
        data = file.read()
    position, items = 0, list[bytes]()
    starts: list[int] = []
    while data[position : position + 4] == _ITEM:
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        end = position + 8 + length
        if end > len(data):
            raise ReadError(Reason.TRUNCATED, f"compressed fragment {len(items)} ends beyond the file")
        starts.append(position)
        items.append(data[position + 8 : end])
        position = end
    if not items or len(items) - 1 < frames:
        raise ReadError(Reason.TRUNCATED, f"{max(0, len(items) - 1)} compressed fragments for {frames} frames")
    if data[position : position + 4] != _DELIMITER and position + 8 < len(data):
        raise ReadError(Reason.TRUNCATED, "the compressed pixel data break off")
    table, fragments = items[0], items[1:]
    if len(fragments) == frames:
        return fragments
    if frames == 1:
        return [b"".join(fragments)]
    offsets = [int.from_bytes(table[i : i + 4], "little") for i in range(0, len(table) - 3, 4)]
    base = starts[1]
    owner = {start - base: index for index, start in enumerate(starts[1:])}
    if len(offsets) != frames or any(offset not in owner for offset in offsets):
        raise ReadError(Reason.DECODE_FAILED, f"{len(fragments)} fragments cannot be told apart into {frames} frames")
    bounds = [owner[offset] for offset in offsets] + [len(fragments)]
    return [b"".join(fragments[a:b]) for a, b in itertools.pairwise(bounds)]
