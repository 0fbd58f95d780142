"""How what is backed up is made unreadable for others: AES-256-GCM by a key file, names by HMAC.

Without a key the same folder holds everything as it is, named by SHA-256. What is named so is what was written, or
reading it raises.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Protocol

from spinecho.db.durable import sync_folder
from spinecho.db.errors import BackupDamaged, StorageFailure, StoreError

_BYTES, _NONCE = 32, 12


class Sealer(Protocol):
    """Names pieces, and turns them into what is written and back."""

    encrypts: bool

    def name(self, data: bytes) -> str:
        """The same for the same bytes, and for no others."""
        ...

    def seal(self, data: bytes, about: str) -> bytes:
        """What is written. about: has to be given again to read it."""
        ...

    def unseal(self, data: bytes, about: str) -> bytes:
        """What was sealed. Raises `BackupDamaged` where it is not that, or the key is another."""
        ...


class Plain:
    """Nothing is hidden."""

    encrypts = False

    def name(self, data: bytes) -> str:
        """As `Sealer.name`."""
        return hashlib.sha256(data).hexdigest()

    def seal(self, data: bytes, about: str) -> bytes:
        """As `Sealer.seal`: with a digest before it."""
        return hashlib.sha256(about.encode() + data).digest() + data

    def unseal(self, data: bytes, about: str) -> bytes:
        """As `Sealer.unseal`."""
        digest, kept = data[:32], data[32:]
        if hashlib.sha256(about.encode() + kept).digest() != digest:
            raise BackupDamaged("a piece of the backup is not what was written")
        return kept


class Keyed:
    """By the 32 bytes of a key file."""

    encrypts = True

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        self._names = hmac.digest(key, b"spinecho backup: names", "sha256")
        self._cipher = AESGCM(hmac.digest(key, b"spinecho backup: contents", "sha256"))

    def name(self, data: bytes) -> str:
        """As `Sealer.name`; who has not the key cannot tell what is named so."""
        return hmac.digest(self._names, data, "sha256").hex()

    def seal(self, data: bytes, about: str) -> bytes:
        """As `Sealer.seal`."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data, about.encode())

    def unseal(self, data: bytes, about: str) -> bytes:
        """As `Sealer.unseal`."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            return self._cipher.decrypt(data[:_NONCE], data[_NONCE:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise BackupDamaged(
                "a piece of the backup is not what was written, or the key is another: give the key file that it was "
                "made with"
            ) from error


def make_key(path: Path) -> None:
    """Write a new key, its owner's alone. Raises `StoreError` where the file is there already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise StoreError(f"{path} is there already: a key that was used is never replaced; name another file") from None
    except OSError as error:
        raise StorageFailure(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def read_key(path: Path) -> Keyed:
    """The key of a file. Raises `StoreError` for one that others may read, or that holds none."""
    try:
        about = path.stat()
        data = path.read_bytes() if about.st_size <= 1024 else b""
        key = base64.b64decode(data.strip(), validate=True)
    except OSError as error:
        raise StoreError(f"the key file {path} cannot be read: {error.strerror}") from error
    except binascii.Error:
        key = b""
    if len(key) != _BYTES:
        raise StoreError(f"{path} holds no key: 'spinecho backup --make-key FILE' makes one")
    if about.st_mode & 0o077:
        raise StoreError(f"the key file {path} can be read by others: chmod 600 {path}")
    return Keyed(key)
