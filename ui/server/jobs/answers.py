"""Answers that are kept under an Idempotency-Key, and the digest by which each shows that it is what was kept."""

from __future__ import annotations

import hashlib
from typing import Any

from spinecho.db.errors import Damaged
from spinecho.ui.server.jobs.tables import digest_of


def digest_of_answer(name: str, status: int, media: str, body: bytes) -> str:
    """name: what the key is called."""
    return digest_of(name, str(status), media, hashlib.sha256(body).hexdigest())


def answer_of(name: str, kept: tuple[Any, ...]) -> tuple[int, str, bytes] | None:
    """(status, media, body) of a row's status, media, body and digest; None for one that is not answered yet.

    Raises `Damaged` for one that is not what was kept: what was asked was done, and is not to be done again. An older
    version wrote no digest.
    """
    status, media, body, digest = kept
    if status is None and digest is None:
        return None
    try:
        answer = int(status), str(media), bytes(body)
        if digest is not None and digest_of_answer(name, *answer) != digest:
            raise ValueError("its bytes are others")
    except (ValueError, TypeError) as error:
        raise Damaged(
            "the answer that was kept under this Idempotency-Key is damaged; what was asked was done: look at what "
            "came of it, and use another key for what is asked next"
        ) from error
    return answer
