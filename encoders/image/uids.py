"""UIDs for files that bring none: stable, derived from where the file lies below the archive's root."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import UUID

_NAMESPACE = UUID("6c1f4f0e-5a52-5d2b-9d0b-7f3f0f7f2b61")


def derived_uid(*parts: str) -> str:
    """A UID under 2.25 (ITU-T X.667, DICOM PS3.5 B.2), equal for equal parts on every machine."""
    name = chr(0).join(parts).encode("utf-8", "surrogatepass")  # a path may hold bytes that are no UTF-8
    digest = hashlib.sha1(_NAMESPACE.bytes + name, usedforsecurity=False).digest()  # UUID version 5, RFC 9562
    return f"2.25.{UUID(bytes=digest[:16], version=5).int}"


def relative_name(path: Path, root: Path) -> str:
    """The posix path below `root`; the bare name for a file that does not lie there."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.name
