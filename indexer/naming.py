"""UIDs of files that bring none are made from their names: which archive a file's name is counted from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spinecho.db.files.roots import ArchiveName
from spinecho.encoders.reading.headers import Flag, Header
from spinecho.encoders.reading.uids import derived_uid, relative_name


def archive_of(archives: Sequence[ArchiveName], path: str) -> ArchiveName:
    """The oldest archive that holds the path, so that a file keeps its UIDs when a folder above is indexed later."""
    for archive in archives:
        if archive.holds(path):
            return archive
    return ArchiveName(str(Path(path).parent), "")


def named_by_its_archive(header: Header, archive: ArchiveName) -> Header:
    """The header with what was made from names made with the archive's salt too; UIDs that a file brings stay."""
    if not archive.salt:
        return header
    if header.kind == "nifti":
        made = {name: getattr(header, name) for name in ("study_uid", "series_uid", "sop_uid")}
    elif Flag.NO_STUDY_LINK in header.detail.get("flags", ()):
        made = _made_of_names(header, archive)
    else:
        return header
    uids: dict[str, Any] = {name: derived_uid(archive.salt, uid) for name, uid in made.items()}
    return dataclasses.replace(header, **uids)


def _made_of_names(header: Header, archive: ArchiveName) -> dict[str, str]:
    """Those UIDs of a DICOM file that it did not bring."""
    name = relative_name(Path(header.path), Path(archive.path))
    folder = name.rpartition("/")[0]
    number = str(header.detail["facts"].get("series_number", ""))
    derived = {
        "study_uid": derived_uid("study", folder),
        "series_uid": derived_uid("series", folder, number),
        "sop_uid": derived_uid("instance", name),
    }
    return {field: uid for field, uid in derived.items() if getattr(header, field) == uid}
