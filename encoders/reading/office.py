"""What a zip file of parts is by the names of its parts: Word documents and workbooks lie under any name."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.opening import open_file

_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_PARTS = (
    ("word/", "a Word document"), ("xl/workbook.bin", "a binary Excel workbook"), ("xl/", "an Excel workbook"),
    ("ppt/", "a presentation"),
)  # fmt: skip
"""Where the name of a part begins so."""
_NAMED = {
    ".docx": "a Word document", ".docm": "a Word document", ".xlsx": "an Excel workbook", ".xlsm": "an Excel workbook",
    ".odt": "a text document", ".ods": "a spreadsheet", ".pptx": "a presentation",
}  # fmt: skip
_MIME = {b"oasis.opendocument.text": "a text document", b"oasis.opendocument.spreadsheet": "a spreadsheet"}


def office_kind(path: Path, head: bytes) -> str:
    """ "a Word document", "an Excel workbook" and the like; '' for what is none. head: the file's first 512 bytes."""
    if not head.startswith(_STARTS):
        return ""
    if kind := next((kind for mime, kind in _MIME.items() if mime in head[:128]), ""):
        return kind
    by_name = _NAMED.get(path.suffix.lower(), "")
    try:
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            names = {name.lower() for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, OSError, ReadError):
        return by_name
    if kind := next((kind for start, kind in _PARTS if any(name.startswith(start) for name in names)), ""):
        return kind
    return by_name or ("arrays of numbers" if names and all(name.endswith(".npy") for name in names) else "")
