"""The tables of an export as files of this machine: whole or not at all, readable by their owner alone."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from spinecho.db.durable import filled_folder
from spinecho.remote.problems import Unreachable
from spinecho.setup.private import open_private, private_files


def unpack_private(archive: zipfile.ZipFile, folder: Path) -> tuple[str, ...]:
    """Put a zip's files into a new or empty folder; their names, sorted. Raises `Unreachable` for names that lead out
    of it.
    """
    names = sorted(name for name in archive.namelist() if not name.endswith("/"))
    for name in names:
        parts = PurePosixPath(name).parts
        if name.startswith("/") or "\\" in name or ".." in parts or not parts:
            raise Unreachable("the server gave an export whose names lead out of its folder; it is not unpacked")
    with filled_folder(folder, prefix=".spinecho-export-") as made, private_files():
        for name in names:
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            with open_private(made / name) as file:
                file.write(archive.read(name))
    return tuple(names)
