"""What a client shows of itself: a token that is given, of the environment, or of a file that is its owner's alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from spinecho.errors import SettingsError

TOKEN, TOKEN_FILE, SERVER = "SPINECHO_TOKEN", "SPINECHO_TOKEN_FILE", "SPINECHO_SERVER"


def token_of(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The token to show: `given`, else SPINECHO_TOKEN, else what stands in the file SPINECHO_TOKEN_FILE; else ''.

    Raises `SettingsError` for a file that cannot be read, that others may read, or in which no token stands.
    """
    if given is None and not environment.get(TOKEN) and environment.get(TOKEN_FILE):
        return token_in(Path(environment[TOKEN_FILE]).expanduser())
    if given is not None and not isinstance(given, str):
        raise SettingsError("a token is text: one line, as 'spinecho token create' prints it")
    secret = (environment.get(TOKEN, "") if given is None else given).strip()
    if secret and not _plain(secret):
        raise SettingsError("the token has spaces or letters that no token has; was it copied whole?")
    return secret


def token_in(path: Path) -> str:
    """The token that stands in a file. Raises `SettingsError` as `token_of` does."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsError(f"{path} may be read by others: chmod 600 {path}")
        with path.open(encoding="utf-8") as file:
            secret = file.read(10_000).strip()
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"the token's file {path} cannot be read ({type(error).__name__})") from None
    if not secret or not _plain(secret):
        raise SettingsError(f"in {path} stands no token: one line, as 'spinecho token create' prints it")
    return secret


def _plain(secret: str) -> bool:
    return secret.isascii() and secret.isprintable() and " " not in secret
