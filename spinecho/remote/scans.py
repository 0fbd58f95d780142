"""A scan of this machine as the files of an upload; names that may say whose it is stay here."""

from __future__ import annotations

import os
import re
from pathlib import Path

from spinecho.errors import NoScan

_ENDING = re.compile(r"(?:\.nii\.gz|\.[A-Za-z0-9]{1,8})$", re.IGNORECASE)


def files_of(scan: str | os.PathLike[str]) -> tuple[tuple[str, bytes], ...]:
    """(a number with the file's ending, its bytes) of a file, or of every file of a folder. Raises `NoScan`."""
    place = Path(scan).expanduser()
    if not place.exists():
        raise NoScan(f"there is no scan at {place}; give a DICOM file or folder, a zip of it, or a NIfTI file")
    found = sorted(one for one in place.rglob("*") if one.is_file()) if place.is_dir() else [place]
    if not found:
        raise NoScan(f"{place} is an empty folder; give a DICOM file or folder, a zip of it, or a NIfTI file")
    return tuple((_name(number, one), one.read_bytes()) for number, one in enumerate(found))


def _name(number: int, place: Path) -> str:
    ending = _ENDING.search(place.name)
    return f"{number:05d}{ending.group().lower() if ending else ''}"
