"""MLLP: messages out of a stream of bytes, and the answers to them. Of a message no more is read than its head."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

_START, _END = b"\x0b", b"\x1c"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CHUNK = 1 << 16
_HEAD_BYTES = 2048
_HEAD = re.compile(r"MSH(?P<separator>[^\w\s\x00-\x1f])(?:(?!(?P=separator))[^\w\s\x00-\x1f]){2,5}")
"""A separator, then the marks, which it is none of."""
Answer = Literal["A", "E", "R"]
"""Accepted; an error of ours, to be sent again; refused for good."""


class Stream(Protocol):
    """What an `asyncio.StreamReader` is read by."""

    async def read(self, n: int = -1) -> bytes:
        """At most n bytes, b"" at the end."""
        ...


class FrameTooLong(ValueError):
    """A frame has more bytes than are taken."""


async def frames(stream: Stream, *, most: int) -> AsyncIterator[bytes]:
    """The messages of a connection, without their frames; what stands outside of frames is dropped, an unfinished one
    too. Raises `FrameTooLong` past `most` bytes.
    """
    held = bytearray()
    inside, seen = False, 0
    while chunk := await stream.read(_CHUNK):
        held += chunk
        while True:
            if not inside:
                begin = held.find(_START)
                if begin < 0:
                    held.clear()
                    break
                del held[: begin + 1]
                inside, seen = True, 0
            end = held.find(_END, seen)
            if end < 0:
                seen = len(held)
                break
            yield bytes(held[:end])
            del held[: end + 1]
            inside = False
        if len(held) > most:
            raise FrameTooLong(f"a message of more than {most} bytes")


@dataclass(frozen=True, slots=True)
class MessageHead:
    """What an answer needs of a message's MSH; fields as they were sent."""

    separator: str
    marks: str
    fields: tuple[str, ...]

    def field(self, number: int) -> str:
        """MSH's field by HL7's number, from 3."""
        return self.fields[number - 1] if number - 1 < len(self.fields) else ""

    @property
    def kind(self) -> str:
        """The message's type, such as ORU."""
        return self.field(9)[:3]


def read_head(message: bytes) -> MessageHead | None:
    """The head of a message, None for what is no HL7 message."""
    line = re.split(rb"[\r\n]", message.lstrip()[:_HEAD_BYTES], maxsplit=1)[0].decode("latin-1")
    if not _HEAD.match(line):
        return None
    fields = line.split(line[3])
    return MessageHead(line[3], fields[1], tuple(fields))


def answer_to(head: MessageHead | None, answer: Answer, why: str = "") -> bytes:
    """The acknowledgement in its frame: AA, AE, AR, or CA, CE, CR for a sender that asks for those (MSH-15);
    b"" for one that wants none.
    """
    separator, marks = (head.separator, head.marks) if head is not None else ("|", "^~\\&")
    wish = head.field(15) if head is not None else ""
    if wish == "NE" or (wish == "ER" and answer == "A") or (wish == "SU" and answer != "A"):
        return b""
    code = ("C" if wish else "A") + answer
    now = datetime.now(UTC).strftime("%Y%m%d%H%M%S%f")
    event = head.field(9).split(marks[0])[1:2] if head is not None else []
    back = [head.field(number) for number in (5, 6, 3, 4)] if head is not None else [""] * 4
    msh = [
        "MSH",
        marks,
        *back,
        f"{now[:14]}+0000",
        "",
        marks[0].join(["ACK", *event, *(["ACK"] if event else [])]),
        now,
    ]
    msh += [
        (head.field(11) or "P") if head is not None else "P",
        (head.field(12) or "2.5") if head is not None else "2.5",
    ]
    msa = ["MSA", code, head.field(10) if head is not None else "", *([why] if why else [])]
    # what comes back of the message is its sender's: no sign of it may end the answer's segments or its frame
    segments = [_CONTROL.sub("", separator.join(segment)) for segment in (msh, msa)]
    return _START + "".join(f"{one}\r" for one in segments).encode("latin-1", "replace") + _END + b"\r"
