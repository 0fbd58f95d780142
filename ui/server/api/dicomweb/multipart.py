"""Answers of several parts (RFC 2387): each piece goes as it comes, so that no study lies in memory as a whole."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from starlette.responses import StreamingResponse


@dataclass(frozen=True, slots=True)
class Part:
    """media: with parameters; pieces: its bytes, of which there are `size`."""

    media: str
    size: int
    pieces: Iterable[bytes]


def related(
    parts: Iterable[Part], within: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> StreamingResponse:  # fmt: skip
    """The answer. within: what all parts are, as `application/dicom`."""
    boundary = secrets.token_hex(16)
    media = f'multipart/related; type="{within}"; boundary={boundary}'
    return StreamingResponse(_written(parts, boundary), status, dict(headers or {}), media)


def _written(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    for part in parts:
        yield f"--{boundary}\r\nContent-Type: {part.media}\r\nContent-Length: {part.size}\r\n\r\n".encode()
        yield from part.pieces
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
