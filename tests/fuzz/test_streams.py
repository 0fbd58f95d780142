"""What comes over the network and is looked at where it comes in: MLLP frames, message heads, an object's UIDs."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence

from fuzz_seeds import images
from hl7_messages import oru
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import run_apart

from spinecho.encoders.reading.dicom.scan import object_uids
from spinecho.indexer.reports.receiving.frames import FrameTooLong, answer_to, frames, read_head

_SOME = settings(max_examples=10 * int(os.environ.get("SPINECHO_FUZZ", "2")), database=None)
_MESSAGE = oru("FINDINGS: A cyst.").encode()
_PIECES = st.one_of(
    st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\x1c\r", _MESSAGE, b"\x0b" + _MESSAGE + b"\x1c\r", b"MSH|^~\\&|||"]),
    st.binary(max_size=40),
)


class _Chunks:
    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = [chunk for chunk in chunks if chunk]

    async def read(self, n: int = -1) -> bytes:
        return self._chunks.pop(0) if self._chunks else b""


def taken(chunks: Sequence[bytes], most: int) -> list[bytes] | None:
    async def all_of_them() -> list[bytes]:
        return [one async for one in frames(_Chunks(chunks), most=most)]

    try:
        return run_apart(all_of_them)
    except FrameTooLong:
        return None


@_SOME
@given(st.lists(_PIECES, max_size=8), st.integers(1, 50))
def test_however_a_stream_is_cut_its_messages_are_the_same(pieces: list[bytes], size: int) -> None:
    stream = b"".join(pieces)
    whole = taken([stream], 1 << 20)
    assert whole == taken([stream[at : at + size] for at in range(0, len(stream), size)], 1 << 20)
    assert whole is not None
    assert taken([stream[at : at + size] for at in range(0, len(stream), size)], 16) in (None, whole)


@_SOME
@given(st.one_of(st.lists(_PIECES, max_size=4).map(b"".join), st.binary(max_size=80).map(lambda rest: b"MSH" + rest)))
def test_any_message_has_an_answer_in_one_frame(message: bytes) -> None:
    head = read_head(message)
    for answer in ("A", "E", "R"):
        framed = answer_to(head, answer)  # type: ignore[arg-type]
        assert framed == b"" or (framed[:1] == b"\x0b" and framed[-2:] == b"\x1c\r")
        assert not {0x0B, 0x1C} & {*framed[1:-2]}, "nobody ends an answer but we"


_OBJECTS = [files["a.dcm"] for files in images().values() if "a.dcm" in files]


@_SOME
@given(st.sampled_from(_OBJECTS), st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), max_size=6), st.data())
def test_an_object_of_any_bytes_has_three_uids_or_none(
    raw: bytes, changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    whole = object_uids(raw)
    assert len(set(whole or ())) == 3, "of all these syntaxes they are read"
    torn = bytearray(raw)
    for at, value in changes:
        if at < len(torn):
            torn[at] = value
    found = object_uids(bytes(torn[: data.draw(st.integers(0, len(torn)))]))
    assert found is None or all(found)


def test_a_deflated_object_costs_no_more_than_its_names_do() -> None:
    """Thirty megabytes of nothing before the names: they are not found, and not looked for."""
    deflated = next(raw for raw in _OBJECTS if b"1.2.840.10008.1.2.1.99" in raw)
    start = deflated.index(b"1.2.840.10008.1.2.1.99") + 22
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packed.compress(b"\x08\x00\x05\x00UT\0\0" + (30 << 20).to_bytes(4, "little") + bytes(30 << 20))
    assert object_uids(deflated[:start] + bomb + packed.flush()) is None
