"""A small, bounded walker over DICOM data elements (DICOM PS3.5, section 7).

It picks the wanted elements of a header and skips the rest, never recursing into what nobody asked for, so neither
thousands of nested items nor a hostile nesting depth costs anything. It stops at the pixel data and reports where
they lie. It decodes nothing: values stay bytes, with their VR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct, error
from typing import TypeAlias

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
_PIXEL_GROUP = 0x7FE00000
_PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, PIXEL_DATA})
_MAX_DEPTH = 64
_MAX_ITEMS = 200_000

Wanted: TypeAlias = "Mapping[int, Wanted | None]"
"""Tags to keep; a nested mapping opens a sequence, None keeps the bytes."""
Elements: TypeAlias = "dict[int, tuple[bytes, bytes] | list[Elements]]"
"""Tag to (VR, value bytes), or to the items of a sequence. The VR is b'' in implicit syntaxes."""

_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT_VRS = frozenset({
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS",
    b"ST", b"TM", b"UI", b"UL", b"US",
})  # fmt: skip
_STRUCTS = {
    "<": (Struct("<HH2sH").unpack_from, Struct("<L").unpack_from),
    ">": (Struct(">HH2sH").unpack_from, Struct(">L").unpack_from),
}


class NeedMore(Exception):
    """The buffer ends inside an element although the file goes on: read at least `size` bytes and walk again."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Malformed(Exception):
    """The elements cannot be walked any further."""


@dataclass(slots=True)
class Walk:
    """What a walk found: the wanted elements, and the pixel data's tag, VR, offset and length (None: not met)."""

    elements: Elements = field(default_factory=dict)
    pixels: tuple[int, bytes, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Bytes:
    """A buffer that holds the first `len(data)` of `size` bytes, and how its elements are encoded."""

    data: bytes
    size: int
    implicit: bool
    order: str  # '<' or '>'

    def element(self, at: int) -> tuple[int, bytes, int, int]:
        """(tag, VR, length, offset of the value) of the element at `at`."""
        head, word = _STRUCTS[self.order]
        try:
            group, number, vr, length = head(self.data, at)
            tag = group << 16 | number
            if vr in _SHORT_VRS and not self.implicit and group != 0xFFFE:
                return tag, vr, length, at + 8
            if self.implicit or group == 0xFFFE or not (vr.isalpha() and vr.isupper()):
                return tag, b"", word(self.data, at + 4)[0], at + 8
            if vr in _LONG_VRS:
                return tag, vr, word(self.data, at + 8)[0], at + 12
        except error:
            if self.size > len(self.data):
                raise NeedMore(at + 16) from None
            raise Malformed(f"the header ends inside an element at byte {at}") from None
        return tag, vr, length, at + 8

    def require(self, end: int) -> None:
        """Check that the bytes up to `end` are in the buffer."""
        if end > len(self.data):
            if end <= self.size:
                raise NeedMore(end)
            raise Malformed(f"an element claims bytes up to {end}, the file has {self.size}")


def walk(source: Bytes, start: int, wanted: Wanted, *, last: int = PIXEL_DATA) -> Walk:
    """Walk the data set that starts at `start`, up to its pixel data, its end, or the first tag after `last`.

    Raises NeedMore, or Malformed where nothing further can be told; elements found before a malformed tail are kept
    when the pixel data never needed to follow (the caller sees `pixels` None).
    """
    found = Walk()
    at, size, last_element = start, source.size, source.size - 8
    looked_at = min(last + 1, _PIXEL_GROUP)
    while at <= last_element:
        tag, vr, length, value = source.element(at)
        end = value + length
        if tag < looked_at and length != UNDEFINED and end <= size and not _is_kept(tag, wanted):
            at = end  # most elements of a header
            continue
        if tag in _PIXEL_TAGS:
            found.pixels = (tag, vr, value, length)
            break
        if tag > last:
            break
        try:
            at = _take(source, found.elements, (tag, vr, length, value), wanted, depth=0)
        except Malformed:
            break
    return found


def _is_kept(tag: int, wanted: Wanted) -> bool:
    """Whether an element is wanted, or names the creator of a private block (PS3.5, 7.8.1)."""
    return tag in wanted or (tag & 0xFF00 == 0 and tag & 0x10000 != 0 and tag & 0xFFFF >= 0x10)


def _take(source: Bytes, into: Elements, element: tuple[int, bytes, int, int], wanted: Wanted, *, depth: int) -> int:
    """Keep or skip one element; the offset after it."""
    tag, vr, length, value = element
    nested = wanted.get(tag)
    if nested is not None and vr in (b"SQ", b"UN", b""):
        inner = source
        if vr == b"UN":  # PS3.5 6.2.2: a sequence of unknown VR is implicit little endian
            inner = Bytes(source.data, source.size, True, "<")
        items, end = _items(inner, value, length, nested, depth=depth + 1)
        into[tag] = items
        return end
    if length == UNDEFINED:
        inner = Bytes(source.data, source.size, True, "<") if vr == b"UN" else source
        return _skip_undefined(inner, value)
    end = value + length
    if end > source.size:
        raise Malformed(f"an element claims bytes up to {end}, the file has {source.size}")
    if length and _is_kept(tag, wanted):
        source.require(end)
        into[tag] = (vr, source.data[value:end])
    return end


def _items(source: Bytes, at: int, length: int, wanted: Wanted, *, depth: int) -> tuple[list[Elements], int]:
    """The items of a sequence whose value starts at `at`, and the offset after it."""
    if depth > _MAX_DEPTH:
        raise Malformed("sequences nest too deep")
    items: list[Elements] = []
    end = source.size if length == UNDEFINED else at + length
    if end > source.size:
        raise Malformed("a sequence is longer than the file")
    while at + 8 <= end:
        tag, _, item_length, at = source.element(at)
        if tag == SEQUENCE_END:
            return items, at
        if tag != ITEM or len(items) >= _MAX_ITEMS:
            raise Malformed("a sequence holds something else than items")
        item: Elements = {}
        item_end = end if item_length == UNDEFINED else at + item_length
        while at + 8 <= item_end:
            element = source.element(at)
            if element[0] == ITEM_END:
                at = element[3]
                break
            at = _take(source, item, element, wanted, depth=depth)
        else:
            at = item_end
        items.append(item)
    return items, end


def _skip_undefined(source: Bytes, at: int) -> int:
    """The offset after a value of undefined length, without recursion: `open_ends` counts what is still open."""
    open_ends = [SEQUENCE_END]
    while open_ends:
        if at + 8 > source.size:
            raise Malformed("a sequence never ends")
        tag, _, length, at = source.element(at)
        if tag in (SEQUENCE_END, ITEM_END):
            if open_ends[-1] == tag:
                open_ends.pop()
            # A stray delimiter closes nothing.
        elif length == UNDEFINED:
            open_ends.append(ITEM_END if tag == ITEM else SEQUENCE_END)
        else:
            at += length
    return at
