"""A scan of this machine as the file of an upload; names that may say whose it is stay here."""

from __future__ import annotations

import io
import os
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from spinecho.errors import NoScan
from spinecho.setup.places import place_of

if TYPE_CHECKING:
    from spinecho.answering.studies import Volume

Folder = str | os.PathLike[str]
_ENDING = re.compile(r"(?:\.nii\.gz|\.[A-Za-z0-9]{1,8})$", re.IGNORECASE)


def scan_of(like: Folder | Volume) -> Path | Volume | None:
    """The scan that is meant, None for what is no path here: then it is a study's UID."""
    if not isinstance(like, str | os.PathLike):
        return like
    place = place_of(like)
    return place if place.exists() else None


def files_of(scan: Folder | Volume) -> tuple[tuple[str, bytes], ...]:
    """(a number with the file's ending, its bytes) of a file, of a volume as NIfTI, or of a folder's files as one zip:
    servers take no form of more than 1,000 parts. Raises `NoScan`.
    """
    if not isinstance(scan, str | os.PathLike):
        from spinecho.answering.volume_files import nifti_of  # noqa: PLC0415

        return (("00000.nii", nifti_of(scan)),)
    place = place_of(scan)
    if not place.exists():
        raise NoScan(f"there is no scan at {place}; give a DICOM file or folder, a zip of it, or a NIfTI file")
    found = sorted(one for one in place.rglob("*") if one.is_file()) if place.is_dir() else [place]
    if not found:
        raise NoScan(f"{place} is an empty folder; give a DICOM file or folder, a zip of it, or a NIfTI file")
    if len(found) == 1:
        return ((_name(0, found[0]), found[0].read_bytes()),)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, one in enumerate(found):
            archive.writestr(zipfile.ZipInfo(_name(number, one)), one.read_bytes())
    return (("00000.zip", packed.getvalue()),)


def _name(number: int, place: Path) -> str:
    ending = _ENDING.search(place.name)
    return f"{number:05d}{ending.group().lower() if ending else ''}"
