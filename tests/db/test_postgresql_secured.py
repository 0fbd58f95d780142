"""Passwords and TLS against a real server: Debian's, since the one from the package index is built without TLS."""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from servers import short_folder

from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.db.store import storing

PASSWORD = "pa:ss/wo@rd"
QUOTED = "pa%3Ass%2Fwo%40rd"


@dataclass(frozen=True)
class Secured:
    """A server that takes passwords over TLS and nothing else; its certificate names localhost alone."""

    port: int
    root: Path

    def url(self, *, user: str = "ada:" + QUOTED, host: str = "localhost", mode: str = "verify-full") -> str:
        known = f"&sslrootcert={self.root}" if mode == "verify-full" else ""
        return f"postgresql://{user}@{host}:{self.port}/spinecho?sslmode={mode}{known}"


def certificate(folder: Path) -> Path:
    """An authority, and a key and certificate of localhost that it signed; where the authority's lies."""
    start, end = datetime.datetime(2020, 1, 1), datetime.datetime(2120, 1, 1)

    def signed(name: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, ca: bool) -> bytes:
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, "authority")]
        made = x509.CertificateBuilder(names[1], names[0], key.public_key(), x509.random_serial_number(), start, end)
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "root.crt").write_bytes(signed("authority", authority, authority, ca=True))
    (folder / "server.crt").write_bytes(signed("localhost", own, authority, ca=False))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.key").write_bytes(own.private_bytes(serialization.Encoding.PEM, *form))
    (folder / "server.key").chmod(0o600)
    return folder / "root.crt"


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("no PostgreSQL with TLS in /usr/lib/postgresql; Debian's package is called postgresql")
    above = short_folder("spinecho-tls-")
    data, root = above / "data", certificate(above)
    (above / "password").write_text(PASSWORD)
    server = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    if server:
        for path in (above, *above.iterdir()):
            shutil.chown(path, **server)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    def run(program: str, *arguments: str) -> None:
        command = [str(programs[-1].with_name(program)), "-D", str(data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=above, **server)  # type: ignore[call-overload]

    run("initdb", "-U", "ada", "--pwfile", str(above / "password"), "-E", "UTF8", "--locale", "C", "-A", "trust")
    (data / "pg_hba.conf").write_text("local all all trust\nhostssl all all all scram-sha-256\n")
    with (data / "postgresql.conf").open("a") as file:
        file.write(f"port={port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{above}'\nfsync=off\nssl=on\n")
        file.write(f"ssl_cert_file='{above}/server.crt'\nssl_key_file='{above}/server.key'\n")
    try:
        run("pg_ctl", "-w", "-l", str(above / "log"), "start")
        make = ["psql", "-h", str(above), "-p", str(port), "-U", "ada", "postgres", "-c", "CREATE DATABASE spinecho"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        yield Secured(port, root)
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(above, ignore_errors=True)


def kept(url: str) -> bool:
    """Whether a row that is written is read again."""
    database = Database.open(url)
    values = {"model": "m", "revision": "1", "preprocessing": "p", "dim": 8}
    made = storing.serve(database, "image", encoder="spinecho", **values)
    again = storing.serving(database, "image")
    database.close()
    return again is not None and again.id == made.id


def test_a_password_over_tls_with_a_certificate_that_is_checked(secured: Secured) -> None:
    assert kept(secured.url())
    assert kept(secured.url(mode="require", host="127.0.0.1"))


def test_the_password_may_come_from_the_environment(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert kept(secured.url(user="ada"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"user": "ada:wrong"}, "password"),
        ({"user": "nobody:" + QUOTED}, "password"),
        ({"mode": "disable"}, "no encryption|SSL off|pg_hba"),
        ({"host": str(ipaddress.ip_address("127.0.0.1"))}, "certificate|match"),
    ],
    ids=["wrong password", "unknown user", "no TLS", "another host's certificate"],
)
def test_what_is_refused_says_why_and_never_the_password(secured: Secured, given: dict[str, str], said: str) -> None:
    with pytest.raises(StoreError, match=said) as refused:
        Database.open(secured.url(**given))
    assert PASSWORD not in str(refused.value)
    assert QUOTED not in str(refused.value)
    assert "wrong" not in str(refused.value)


def test_a_certificate_of_an_unknown_authority_is_refused(secured: Secured) -> None:
    with pytest.raises(StoreError, match="certificate"):
        Database.open(secured.url().split("&sslrootcert")[0])
