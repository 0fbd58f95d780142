"""What carries bytes to processes elsewhere and back; any of these may be lost at any moment."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Handle: TypeAlias = Hashable
"""Something that was asked for; equal to itself alone."""


@dataclass(frozen=True, slots=True)
class EncoderName:
    """An encoder as a process of any node finds it: its folder, where it has one, is whole, and the same everywhere."""

    name: str
    device: str
    text_model: str | None = None


class Lost(Exception):
    """What was asked for never comes: the process that had it, or what it left, is gone.

    encoder: whether it is the encoder itself that is gone, so that it has to be opened anew.
    """

    def __init__(self, why: str, *, encoder: bool = False) -> None:
        super().__init__(why)
        self.encoder = encoder


class Transport(Protocol):
    """Processes that read, which nobody tells apart, and encoders by number, each with networks that it opened.

    Raises `ClusterError` from any method where there is no more anybody to be asked.
    """

    @property
    def readers(self) -> int:
        """How many series are read at once, about."""
        ...

    @property
    def encoders(self) -> int:
        """How many encoders there are: 0, 1, ..."""
        ...

    def open(self, encoder: int) -> Handle:
        """Begin an encoder, in place of the one of that number; its result is `wire.told`'s."""
        ...

    def read(self, request: bytes) -> Handle:
        """Have a request of `wire.request_of` read; the result is what the asking process has to know of it, what was
        read stays where it is, for `encode` alone.
        """
        ...

    def encode(self, encoder: int, read: Sequence[Handle]) -> Handle:
        """Have jobs that were read encoded together; what was read of them may go then. The result is
        `wire.encode_there`'s. An encoder does what it is asked for one after the other.
        """
        ...

    def wait(self, handles: Collection[Handle], seconds: float) -> list[Handle]:
        """Those that have come or were lost, once there is one; none where the time is over before."""
        ...

    def result(self, handle: Handle) -> bytes:
        """What has come, once. Raises `Lost`."""
        ...
