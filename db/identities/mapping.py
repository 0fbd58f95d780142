"""The mapping from pseudonyms to whom they stand for: a SQLite file of its own, each identity in it sealed.

What is sealed is encrypted with AES-256-GCM under a key that lies in another file, bound to the pseudonym that it
belongs to. So the file alone says which pseudonyms there are, and of nobody who they are. No search opens it: an import
contract keeps `search` from this module.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from spinecho.db.durable import make_folder
from spinecho.db.errors import Damaged, StorageFailure, StoreError
from spinecho.db.identities.key import IdentityKey, KeyTrouble

Kind = Literal["patient", "accession", "study", "series"]
_VERSION = 1
_CHECK = "check"
_NONCE = 12
_LASTING = "PRAGMA synchronous = EXTRA"
"""With FULL the journal of a transaction that is over may be there again after the power failed: it is undone then."""
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE identities (
    code TEXT NOT NULL, kind TEXT NOT NULL, patient TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (code, kind)
) WITHOUT ROWID;
CREATE TABLE names (patient TEXT NOT NULL, digest BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (patient, digest))
    WITHOUT ROWID;
"""


class IdentitiesError(StoreError):
    """The database of identities is not there, or is none."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A pseudonym and what it stands for. patient: the pseudonym of whom it is of, '' where nothing says."""

    kind: Kind
    code: str
    value: str
    patient: str = ""


class Identities:
    """The mapping at one place. Use as a context manager; it is of the thread that opened it."""

    def __init__(self, connection: sqlite3.Connection, key: IdentityKey, path: Path) -> None:
        self._connection, self._sealing, self._path = connection, key.sealing, path
        self._cipher = AESGCM(self._sealing)
        self._seen: set[tuple[str, str]] = set()

    @classmethod
    def open(cls, path: Path, key: IdentityKey, *, create: bool = False) -> Identities:
        """Open it, made where there is none and `create` is true; its owner alone may read it.

        Raises `IdentitiesError`, `KeyTrouble` for a key that is not the one that it was made with, `StorageFailure` and
        `Damaged`.
        """
        try:
            if create:
                make_folder(path.parent, mode=0o700)
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
            if not path.is_file() or path.is_symlink():
                raise IdentitiesError(
                    f"there is no database of identities at {path}; SPINECHO_IDENTITIES names its folder"
                )
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                path.chmod(0o600)
            connection = sqlite3.connect(path, timeout=60.0, isolation_level=None)
        except OSError as error:
            raise StorageFailure(f"the identities {path} cannot be opened: {error.strerror}") from error
        opened = cls(connection, key, path)
        try:
            opened._prepare(create=create)
        except BaseException:
            connection.close()
            raise
        return opened

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def keep(self, identities: Iterable[Identity], names: Iterable[tuple[str, str, str]] = ()) -> None:
        """Add what is not there yet, in one transaction that is on the disk when this returns.

        names: (pseudonym of the patient, kind, value) of what names them, by which their reports are cleaned.
        """
        fresh = [
            one
            for one in identities
            if one.code and one.value and self._is_new(f"={one.kind}", f"{one.code}={one.patient}")
        ]
        new_names = [one for one in names if one[0] and self._is_new(one[0], f"{one[1]}\x1f{one[2]}")]
        if not fresh and not new_names:
            return
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO identities (code, kind, patient, sealed) VALUES (?, ?, ?, ?) ON CONFLICT (code, kind) "
                "DO UPDATE SET patient = excluded.patient WHERE identities.patient = ''",
                [(one.code, one.kind, one.patient, self._seal(one.value, _bound(one.kind, one.code))) for one in fresh],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO names (patient, digest, sealed) VALUES (?, ?, ?)",
                [
                    (patient, self._digest(kind, value), self._seal(json.dumps([kind, value]), patient))
                    for patient, kind, value in new_names
                ],
            )

    def find(self, code: str) -> tuple[Identity, ...]:
        """What a pseudonym stands for, with the patient whom it is of; () for one that is not known."""
        with self._write_errors():
            rows = self._connection.execute(
                "SELECT kind, code, patient, sealed FROM identities WHERE code = ? ORDER BY kind", (code,)
            ).fetchall()
        return tuple(Identity(kind, of, self._open(held, _bound(kind, of)), who) for kind, of, who, held in rows)

    def patient_of(self, code: str) -> str:
        """The pseudonym of the patient whom the pseudonym of an exam or a study is of; '' where nothing says."""
        with self._write_errors():
            row = self._connection.execute(
                "SELECT patient FROM identities WHERE code = ? AND patient != '' LIMIT 1", (code,)
            ).fetchone()
        return str(row[0]) if row else ""

    def names_of(self, patient: str) -> frozenset[tuple[str, str]]:
        """(kind, value) of what is known to name a patient, by the patient's pseudonym."""
        with self._write_errors():
            rows = self._connection.execute("SELECT sealed FROM names WHERE patient = ?", (patient,)).fetchall()
        pairs = (json.loads(self._open(held, patient)) for (held,) in rows)
        return frozenset((str(kind), str(value)) for kind, value in pairs)

    def faults(self) -> Iterator[str]:
        """What is not as it was written, a line each that names nobody. Raises `Damaged`, `StorageFailure`."""
        with self._write_errors():
            found = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(5)")]
            identities = self._connection.execute("SELECT kind, code, patient, sealed FROM identities").fetchall()
            names = self._connection.execute("SELECT patient, sealed FROM names").fetchall()
        yield from (f"its structure is damaged: {one}" for one in found if one != "ok")
        rows = [(held, _bound(kind, code)) for kind, code, _, held in identities] + [(held, who) for who, held in names]
        if unread := sum(not self._opens(held, bound) for held, bound in rows):
            yield f"{unread:,} of {len(rows):,} rows are not what was written"
        known = {code for kind, code, *_ in identities} | {""}
        if astray := sum(who not in known for _, _, who, _ in identities):
            yield f"{astray:,} rows are of a patient whom nothing stands for"

    def _opens(self, sealed: bytes, bound: str) -> bool:
        try:
            self._open(sealed, bound)
        except (Damaged, TypeError):
            return False
        return True

    def _prepare(self, *, create: bool) -> None:
        with self._write_errors():
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and create:
                self._connection.execute(_LASTING)
                with self._writing() as connection:
                    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                        for statement in filter(str.strip, _SCHEMA.split(";")):
                            connection.execute(statement)
                        connection.execute("INSERT INTO meta VALUES (?, ?)", (_CHECK, self._seal(_CHECK, _CHECK)))
                        connection.execute(f"PRAGMA user_version = {_VERSION}")
                version = _VERSION
            if version != _VERSION:
                raise IdentitiesError(f"{self._path} is no database of identities of this Spinecho (version {version})")
            self._connection.execute(_LASTING)
            row = self._connection.execute("SELECT sealed FROM meta WHERE name = ?", (_CHECK,)).fetchone()
        try:
            if row is None:
                raise InvalidTag
            self._cipher.decrypt(row[0][:_NONCE], row[0][_NONCE:], _CHECK.encode())
        except InvalidTag:
            raise KeyTrouble(
                f"the key is not the one that {self._path.name} was made with: put back the right one "
                "(SPINECHO_IDENTITIES_KEY)"
            ) from None

    def _is_new(self, group: str, value: str) -> bool:
        """Whether it was not kept by this process already: a series has many files of one patient."""
        key = (group, value)
        if key in self._seen:
            return False
        if len(self._seen) > 200_000:
            self._seen.clear()
        self._seen.add(key)
        return True

    def _digest(self, kind: str, value: str) -> bytes:
        return hmac.digest(self._sealing, f"name\x1f{kind}\x1f{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)

    def _seal(self, value: str, bound: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, value.encode("utf-8", "surrogatepass"), bound.encode())

    def _open(self, sealed: bytes, bound: str) -> str:
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound.encode())
        except (InvalidTag, ValueError):
            raise Damaged(f"an identity in {self._path.name} is not what was written; put back a copy of it") from None
        return plain.decode("utf-8", "surrogatepass")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._write_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                self._seen.clear()
                raise
            self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _write_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            damaged = "malformed" in str(error) or "not a database" in str(error)
            kind = Damaged if damaged else StorageFailure
            raise kind(f"the identities {self._path} cannot be read or written: {error}") from error


def _bound(kind: str, code: str) -> str:
    """What a sealed value belongs to: it opens nowhere else."""
    return f"{kind}\x1f{code}"
