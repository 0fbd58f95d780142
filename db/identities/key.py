"""The key under which pseudonyms are made and identities are sealed: a small file of its own."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from spinecho.db.durable import durable_replace, make_folder, sync_file, sync_folder
from spinecho.db.errors import StorageFailure, StoreError

_HEAD = "spinecho identities key 1"
_FORM = re.compile(rf"{_HEAD}\n([0-9a-f]{{64}})\n")


class KeyTrouble(StoreError):
    """The key of the identities is not there, is not whole, is another, or others may read it."""


class KeyNotWritten(KeyTrouble, StorageFailure):
    """The disk did not take the key."""


@dataclass(frozen=True, slots=True)
class IdentityKey:
    """One secret of 256 bits, from which those for different uses are derived."""

    secret: bytes = field(repr=False)

    @property
    def pseudonyms(self) -> bytes:
        """What UIDs, numbers and days are made with."""
        return hmac.digest(self.secret, b"pseudonyms", hashlib.sha256)

    @property
    def sealing(self) -> bytes:
        """What identities are encrypted with."""
        return hmac.digest(self.secret, b"sealing", hashlib.sha256)

    @property
    def fingerprint(self) -> str:
        """Tells one key from another, and nothing of it."""
        return hmac.digest(self.secret, b"fingerprint", hashlib.sha256).hex()[:16]


def read_key(path: Path) -> IdentityKey:
    """The key in a file that its owner alone may read. Raises `KeyTrouble`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise KeyTrouble(f"{path} is no regular file; it has to be the key of the identities")
            if stat.S_IMODE(about.st_mode) & 0o077:
                raise KeyTrouble(f"others than its owner may read {path}: chmod 600 {path}")
            held = file.read(1000)
    except FileNotFoundError:
        raise KeyTrouble(
            f"there is no key at {path}: put back the copy that you keep of it, or name it (SPINECHO_IDENTITIES_KEY)"
        ) from None
    except OSError as error:
        raise KeyTrouble(f"the key {path} cannot be read: {error.strerror}") from error
    found = _FORM.fullmatch(held.decode("ascii", "replace"))
    if found is None:
        raise KeyTrouble(f"{path} holds no key of Spinecho's, or not all of one; put back the copy that you keep of it")
    return IdentityKey(bytes.fromhex(found[1]))


def make_key(path: Path) -> IdentityKey:
    """Make a key where there is none, readable by its owner alone, and read it. Raises `KeyTrouble`."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        make_folder(path.parent, mode=0o700)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(f"{_HEAD}\n{secrets.token_hex(32)}\n")
        sync_file(unfinished)
        try:
            path.hardlink_to(unfinished)  # whoever was first stays
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            if not path.exists():
                durable_replace(unfinished, path)
        sync_folder(path.parent)
    except OSError as error:
        raise KeyNotWritten(f"the key {path} cannot be made: {error.strerror}; look at its folder") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return read_key(path)
