"""UIDs as files bring them; for files that bring none, derived from where the file lies below the archive's root."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from uuid import UUID

_NAMESPACE = UUID("6c1f4f0e-5a52-5d2b-9d0b-7f3f0f7f2b61")


_LEGAL = re.compile(r"[0-9.]{1,64}")
_KEPT = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_DIGIT = re.compile(r"[0-9]")
_NO_LETTER = re.compile(r"[^A-Za-z0-9._\-]+")


def is_legal_uid(text: str) -> bool:
    """Whether it is digits and dots, 64 at most (PS3.5, 9.1)."""
    return _LEGAL.fullmatch(text) is not None


def identity(text: str) -> str | None:
    """The UID as written, also where letters make it none: research exports write `1.2.840.ANON.77`.

    What else stands in it is replaced, and what is too long cut; a derived UID at its end keeps two of them apart. None
    where there is no digit (`ANONYMOUS`, `REMOVED`): that names no object.
    """
    if _LEGAL.fullmatch(text) or (_DIGIT.search(text) and _KEPT.fullmatch(text)):
        return text
    if not _DIGIT.search(text):
        return None
    return f"{_NO_LETTER.sub('_', text)[:24]}_{derived_uid('uid', text).removeprefix('2.25.')}"


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
