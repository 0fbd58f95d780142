"""Receiving reports from a hospital's systems: an MLLP listener that keeps HL7 messages in a folder to be indexed."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from spinecho.errors import SettingsError
from spinecho.indexer.reports.receiving.listener import Listener, ListenerError, Network
from spinecho.indexer.reports.receiving.spool import Spool
from spinecho.setup.places import place_of

LOOPBACK = ("127.0.0.0/8", "::1/128")


def receive_reports(
    folder: Path | str,
    *,
    host: str = "127.0.0.1",
    port: int = 2575,
    allow: Sequence[str] = (),
    certificate: Path | None = None,
    key: Path | None = None,
    client_authority: Path | None = None,
    on_ready: Callable[[int], None] = lambda _port: None,
) -> dict[str, int]:
    """Take HL7 results until SIGINT or SIGTERM, each on the disk before it is acknowledged; counts of what came.

    folder: made where it is not there, an archive folder like any other (`Archive.index`). allow: addresses or networks
    that may send; none but this machine without. certificate, key: files in PEM; connections are then TLS.
    client_authority: senders have to show a certificate that it signed. on_ready: called with the port.

    Raises `ListenerError`, `SettingsError` for what cannot be meant, `SpoolUnusable`.
    """
    networks = _networks(allow or LOOPBACK)
    if not allow and not _is_loopback(host):
        raise SettingsError(
            f"whoever reaches {host} could send reports: name the senders with --allow, such as 10.1.2.0/24"
        )
    tls = _tls(certificate, key, client_authority)
    listener = Listener(Spool(place_of(folder)), networks)
    asyncio.run(_listen(listener, host, port, tls, on_ready))
    return dict(listener.counts)


async def _listen(
    listener: Listener, host: str, port: int, tls: ssl.SSLContext | None, on_ready: Callable[[int], None]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(number, stop.set)
    on_ready(await listener.start(host, port, tls))
    await stop.wait()
    await listener.stop()


def _networks(names: Sequence[str]) -> list[Network]:
    try:
        return [ipaddress.ip_network(name, strict=False) for name in names]
    except ValueError as error:
        raise SettingsError(f"{error}: give addresses or networks, such as 10.1.2.3 or 10.1.2.0/24") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(certificate: Path | None, key: Path | None, authority: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        if key is not None or authority is not None:
            raise SettingsError("--key and --client-ca need --certificate, the listener's own")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
        if authority is not None:
            context.load_verify_locations(authority)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ValueError) as error:
        raise ListenerError(
            "the certificate or its key cannot be used: give files in PEM that belong together"
        ) from error
    return context
