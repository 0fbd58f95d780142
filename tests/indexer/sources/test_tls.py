"""Servers with certificates of their own: refused with a remedy, accepted with the authority's file, on loopback."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pynetdicom import AE, evt

from spinecho.indexer.sources.kinds import kind_of, open_source
from spinecho.indexer.sources.source import SourceDown

pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
"""Of sockets that pynetdicom leaves to the garbage collector."""
KINDS = ("dicomweb", "orthanc", "dicom")
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])


def certificate(folder: Path, name: str, *, host: str = "127.0.0.1", days: int = 2) -> Path:
    """A certificate that signs itself, with its key in the same file; days: that it lasts, below 0 since it ended."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    plain = serialization.PrivateFormat.TraditionalOpenSSL
    secret = key.private_bytes(serialization.Encoding.PEM, plain, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def serving(kind: str, held: Path | None) -> Iterator[dict[str, Any]]:
    """A server of a kind with this certificate, without any for None; the settings that lead to it."""
    context = None
    if held is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(held)
    waits = {"attempts": 1, "connect_timeout": 5, "read_timeout": 5}
    if kind == "dicom":
        entity = AE(ae_title="PACS")
        entity.add_supported_context("1.2.840.10008.1.1")
        network: Any = entity.start_server(
            ("127.0.0.1", 0), block=False, ssl_context=context, evt_handlers=[(evt.EVT_C_ECHO, lambda _: 0)]
        )
        yield {"host": "127.0.0.1", "port": network.socket.getsockname()[1], "ae": "PACS", **waits}
        network.shutdown()
        return

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = json.dumps({"Version": "1"} if kind == "orthanc" else []).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *values: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that does not trust us hangs up."""

    http = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    yield {"url": f"https://127.0.0.1:{http.server_address[1]}", **waits}
    http.shutdown()
    http.server_close()
    thread.join()


def sign_in(kind: str, settings: dict[str, Any]) -> str:
    source = open_source(kind_of(kind), settings, {})
    try:
        return source.test()
    finally:
        source.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_is_trusted_with_the_file_of_its_authority_alone(kind: str, tmp_path: Path) -> None:
    own, other = certificate(tmp_path, "own"), certificate(tmp_path, "other")
    with serving(kind, own) as settings:
        assert "answer" in sign_in(kind, {**settings, "ca_file": str(own)})
        with pytest.raises(SourceDown, match="ca_file"):
            sign_in(kind, {**settings, "ca_file": str(other)})
        if kind == "dicom":  # without the file it is asked without TLS, which it does not answer
            with pytest.raises(SourceDown):
                sign_in(kind, settings)
        else:
            with pytest.raises(SourceDown, match=r"not trusted: give the file of the authority .* ca_file="):
                sign_in(kind, settings)


@pytest.mark.parametrize("kind", KINDS[:2])
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: certificate(folder, "name", host="127.0.0.2"), "another name"),
        (lambda folder: certificate(folder, "old", days=-1), "expired"),
        (lambda _: None, "whether the address is to be http://"),
    ],
    ids=["another name", "expired", "no TLS"],
)
def test_what_is_wrong_with_a_certificate_is_told(
    kind: str, make: Callable[[Path], Path | None], told: str, tmp_path: Path
) -> None:
    held, trusted = make(tmp_path), certificate(tmp_path, "trusted")
    with serving(kind, held) as settings, pytest.raises(SourceDown, match=told):
        sign_in(kind, {**settings, "ca_file": str(held or trusted)})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [None, b"no certificate"], ids=["not there", "holds none"])
def test_a_file_of_no_authority_is_told_before_anything_is_asked(
    kind: str, content: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    needed = {"url": "https://127.0.0.1:9", "host": "127.0.0.1", "port": 9, "ae": "PACS", "attempts": 1}
    with pytest.raises(SourceDown, match="cannot read ca_file"):
        sign_in(kind, {**{name: needed[name] for name in kind_of(kind).needed}, "ca_file": str(file)})
