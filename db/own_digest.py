"""Bytes that carry their own digest: what is kept to save work is given back as it was, or is made anew.

A file of arrays with a changed bit in its numbers is still a file of arrays, and nothing else would tell.
"""

from __future__ import annotations

import hashlib

SIZE = 32


def digest_of(content: bytes | memoryview) -> bytes:
    """What stands behind the content: its sha256, `SIZE` bytes."""
    return hashlib.sha256(content).digest()


def with_digest(content: bytes) -> bytes:
    """The content, and its digest behind it."""
    return content + digest_of(content)


def content_of(data: bytes) -> bytes:
    """What `with_digest` was given. Raises ValueError for anything else."""
    content = data[:-SIZE]
    if data[-SIZE:] != digest_of(content):
        raise ValueError("it is not what was kept")
    return content
