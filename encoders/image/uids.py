"""UIDs for files that bring none: stable, derived from where the file lies below the archive's root."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid5

_NAMESPACE = UUID("6c1f4f0e-5a52-5d2b-9d0b-7f3f0f7f2b61")


def derived_uid(*parts: str) -> str:
    """A UID under 2.25 (ITU-T X.667, DICOM PS3.5 B.2), equal for equal parts on every machine."""
    return f"2.25.{uuid5(_NAMESPACE, chr(0).join(parts)).int}"


def relative_name(path: Path, root: Path) -> str:
    """The posix path below `root`; the bare name for a file that does not lie there."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.name
