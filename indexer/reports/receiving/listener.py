"""The MLLP listener: who may send, how much, and what is answered. A message is acknowledged once it is on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from spinecho.encoders.errors import EncoderError
from spinecho.indexer.reports.receiving.frames import FrameTooLong, MessageHead, answer_to, frames, read_head
from spinecho.indexer.reports.receiving.spool import Spool

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_BYTES = 64 << 20
MOST_CONNECTIONS = 64
_RESULTS = frozenset(("ORU", "MDM", "OUL"))


class ListenerError(EncoderError):
    """The listener cannot be started as it was asked for."""


@dataclass
class Listener:
    """Counts of what came: received, refused (no result, or no HL7), failed (the disk), turned_away (not allowed)."""

    spool: Spool
    allowed: Sequence[Network]
    """Of senders; nobody else is listened to."""
    most_bytes: int = MOST_BYTES
    counts: Counter[str] = field(default_factory=Counter)
    on_count: Callable[[Counter[str]], None] = lambda _counts: None
    _open: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _stopping: bool = False

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; the port (one that is free for 0). Raises `ListenerError`."""
        try:
            self._server = await asyncio.start_server(self._serve, host, port, ssl=tls)
        except OSError as error:
            raise ListenerError(
                f"{host}:{port} cannot be listened at: {error.strerror}; name another --port"
            ) from error
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Listen no more. A message that is being written is finished and answered first."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, sender: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._stopping or len(self._open) >= MOST_CONNECTIONS or not self._may_send(sender):
            self._count("turned_away")
            sender.close()
            return
        self._open.add(task)
        try:
            async for message in frames(reader, most=self.most_bytes):
                answer = asyncio.ensure_future(self._answer(message, sender))
                try:
                    await asyncio.shield(answer)
                except asyncio.CancelledError:
                    await answer
                    raise
        except FrameTooLong as error:
            self._count("refused")
            sender.write(answer_to(None, "R", str(error)))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            sender.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await asyncio.wait_for(sender.wait_closed(), 5)

    async def _answer(self, message: bytes, sender: asyncio.StreamWriter) -> None:
        head = read_head(message)
        answer = await self._kept(message, head)
        if answer:
            sender.write(answer)
            await sender.drain()

    async def _kept(self, message: bytes, head: MessageHead | None) -> bytes:
        if head is None:
            self._count("refused")
            return answer_to(None, "R", "no HL7 message")
        if head.kind not in _RESULTS:
            self._count("refused")
            return answer_to(head, "R", "only results (ORU, MDM) are taken")
        try:
            await asyncio.to_thread(self.spool.keep, message)
        except OSError:
            self._count("failed")
            return answer_to(head, "E", "the message could not be stored: send it again")
        self._count("received")
        return answer_to(head, "A")

    def _may_send(self, sender: asyncio.StreamWriter) -> bool:
        name = (sender.get_extra_info("peername") or ("",))[0]
        try:
            address = ipaddress.ip_address(str(name).split("%", 1)[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.allowed)

    def _count(self, what: str) -> None:
        self.counts[what] += 1
        self.on_count(self.counts)
