"""BIDS (bids-specification 1.10): entities of a name, sidecars that are inherited, and where tables of subjects lie.

A data set's root is the folder that holds `sub-...`. A JSON file there or in a folder between applies to every file of
the same suffix whose entities are those of its name and more; the nearer one outweighs the one above it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.formats.names import image_stem
from spinecho.encoders.reading.opening import names_in, open_file

ENTITIES = ("acq", "ce", "dir", "run", "part", "echo", "rec", "task", "inv", "flip", "mt")
"""Entities that say how an image was acquired, and are kept with it."""
_NAME = re.compile(r"((?:[A-Za-z]+-[A-Za-z0-9+.]+_)*)([A-Za-z0-9]+)")
_MOST_BYTES = 16 << 20


def parts_of_name(name: str) -> tuple[dict[str, str], str] | None:
    """(entities in their order, suffix) of a file's name; None for what is no BIDS name."""
    match = _NAME.fullmatch(image_stem(name).removesuffix(".json"))
    if match is None:
        return None
    pairs = [part.split("-", 1) for part in match[1].split("_") if part]
    return {pair[0]: pair[1] for pair in pairs}, match[2]


def folders_above(path: Path) -> list[Path]:
    """The folders whose files apply to a BIDS file, the data set's root first; none for a file in no data set."""
    named = parts_of_name(path.name)
    if named is None or "sub" not in named[0]:
        return []
    subject = f"sub-{named[0]['sub']}"
    above = [path.parent, *path.parent.parents][:5]
    at = next((i for i, folder in enumerate(above) if folder.name == subject), None)
    return list(reversed(above[: at + 2])) if at is not None and at + 1 < len(above) else []


def applying(path: Path, names: Mapping[Path, Sequence[str]]) -> Iterator[Path]:
    """The JSON files above a BIDS file that apply to it, those that outweigh others last; its own is not among them.

    names: names of files by folder, for the folders that `folders_above` gives.
    """
    mine = parts_of_name(path.name)
    if mine is None:
        return
    own = f"{image_stem(path.name)}.json"
    for folder in folders_above(path):
        found = []
        for name in names.get(folder, ()):
            theirs = parts_of_name(name) if name.endswith(".json") and name != own else None
            if theirs and theirs[1] == mine[1] and theirs[0].items() <= mine[0].items():
                found.append((len(theirs[0]), name))
        yield from (folder / name for _, name in sorted(found))


def tables_of(path: Path) -> list[list[Path]]:
    """Where the tables of a BIDS file's subject and of its session would lie, each with what may describe it."""
    folders = folders_above(path)
    if not folders:
        return []
    root, subject = folders[0], folders[1] / f"{folders[1].name}_sessions.tsv"
    return [
        [root / "participants.tsv", root / "participants.json"],
        [subject, subject.with_suffix(".json"), root / "sessions.json"],
    ]


def inherited(path: Path) -> list[Path]:
    """`applying`, with a look at the folders."""
    return list(applying(path, {folder: names_in(folder) for folder in folders_above(path)}))


def kept_entities(name: str) -> dict[str, str]:
    """Those of a name's entities that say how it was acquired."""
    named = parts_of_name(name)
    return {key: value for key, value in named[0].items() if key in ENTITIES} if named and "sub" in named[0] else {}


def in_data_set(folder: Path) -> bool:
    """Whether a folder lies below a subject's, or holds one."""
    if any(part.startswith("sub-") for part in folder.parts):
        return True
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.startswith("sub-") and entry.is_dir() for entry in entries)
    except (OSError, ValueError):
        return False


def is_derivative(path: Path) -> bool:
    """Whether the data set of a BIDS file says that it is of derivatives."""
    folders = folders_above(path)
    return bool(folders) and b'"derivative"' in _bytes(folders[0] / "dataset_description.json").replace(b"'", b'"')


def _bytes(path: Path) -> bytes:
    """A small file, b'' where there is none or it is too large."""
    try:
        with open_file(path) as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError, ReadError):
        return b""
    return data if len(data) <= _MOST_BYTES else b""
