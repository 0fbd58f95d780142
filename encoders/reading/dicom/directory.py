"""DICOMDIR (PS3.10, PS3.3 F): which files it names, and which of them are gone.

Files that are there are found by the walk over the folders and read once; the directory says what was to be there.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.reading.dicom.elements import Bytes, Malformed, NeedMore, walk
from spinecho.encoders.reading.dicom.scan import DIRECTORY, start_of_data
from spinecho.encoders.reading.opening import is_file, open_file

_RECORDS, _FILE = 0x00041220, 0x00041500
_MOST_BYTES = 1 << 27


def is_directory(head: bytes) -> bool:
    """Whether the start of a DICOM file says that it is a DICOMDIR."""
    return head[128:132] == b"DICM" and DIRECTORY.encode() in head[132:]


def refuse_directory(path: Path) -> NoReturn:
    """Raise the ReadError of a DICOMDIR: FILES_GONE, which counts them, where a file that it names is not there."""
    names = file_names(path)
    outside = [name for name in names if ".." in name or not all(name)]
    gone = [name for name in names if name not in outside and not _is_there(path.parent, name)]
    if gone or outside:
        parts = [f"it names {len(names):,} files, and {len(gone):,} of them are not there"] if gone else []
        parts += [f"{len(outside):,} of its names lead out of its folder"] if outside else []
        raise ReadError(Reason.FILES_GONE, "; ".join(parts))
    raise ReadError(Reason.NO_PIXELS, f"a DICOMDIR: the {len(names):,} files that it names are read at their places")


def file_names(path: Path) -> list[tuple[str, ...]]:
    """The parts of each path that its records name, each once. Raises ReadError."""
    with open_file(path) as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ReadError(Reason.TOO_LARGE, f"a DICOMDIR of more than {_MOST_BYTES >> 20} MB")
    try:
        elements = walk(Bytes(data, len(data), False, "<"), start_of_data(data), {_RECORDS: {_FILE: None}}).elements
    except (Malformed, NeedMore) as error:
        raise ReadError(Reason.TRUNCATED, "the DICOMDIR ends early, or its records are damaged") from error
    records = elements.get(_RECORDS, [])
    found: dict[tuple[str, ...], None] = {}
    for record in records if isinstance(records, list) else []:
        value = record.get(_FILE)
        if isinstance(value, tuple) and (text := value[1].decode("ascii", "replace").strip(" \0")):
            found[tuple(part.strip(" \0") for part in text.replace("/", "\\").split("\\"))] = None
    return list(found)


def _is_there(folder: Path, name: tuple[str, ...]) -> bool:
    """As it is written, or in small letters, or with the ending that some systems add."""
    paths = [folder.joinpath(*name), folder.joinpath(*(part.lower() for part in name))]
    paths.append(paths[0].with_name(f"{name[-1]}.dcm"))
    return any(is_file(path) or _is_link(path) for path in paths)


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except (OSError, ValueError):
        return False
