"""A scan that is dropped onto the search page: checked, written for a moment, read in a child process."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import streamlit as st

from spinecho.queries import ImageQuery
from spinecho.setup.wiring import USER_ERRORS, take_apart
from spinecho.ui.server.theme import UPLOAD_MB
from spinecho.ui.views.style import trouble

Read: TypeAlias = Callable[[Path], tuple[ImageQuery, Sequence[Any]]]
"""`ShownArchive.read_scan`."""
LIMIT_MB = UPLOAD_MB
"""Of all files together."""
_ENDING = re.compile(r"(?:\.[A-Za-z0-9]{1,8}){1,2}$")


class Dropped(Protocol):
    """What Streamlit gives for a file."""

    file_id: str
    name: str
    size: int

    def getbuffer(self) -> memoryview:
        """The bytes, not copied."""
        ...


@dataclass(frozen=True)
class Scan:
    """A scan that was read, and what was left out of it; or why it could not be read."""

    key: tuple[str, ...]
    name: str
    query: ImageQuery | None
    trouble_text: str = ""


def read_scan(files: Sequence[Dropped], read: Read) -> ImageQuery | None:
    """The query that these files make, read once and remembered for the session; None, with a message, if none.

    Of no files, the one that was read last: the box forgets its files as soon as another page is drawn.
    """
    key = tuple(file.file_id for file in files)
    scan: Scan | None = st.session_state.get("read_scan")
    if scan is None or (files and scan.key != key):
        with st.spinner("Reading the scan"):
            scan = _read(files, read, key)
        st.session_state["read_scan"] = scan
    if scan.query is None:
        trouble("This scan cannot be read", scan.trouble_text)
    elif scan.trouble_text:
        st.caption(scan.trouble_text)
    return scan.query


def scan_name(files: Sequence[Dropped]) -> str:
    """What to call the scan on the page: of no files, the one that was read last, else ''."""
    if not files:
        scan: Scan | None = st.session_state.get("read_scan")
        return scan.name if scan is not None else ""
    return files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"


def _read(files: Sequence[Dropped], read: Read, key: tuple[str, ...]) -> Scan:
    name = scan_name(files)
    size = sum(file.size for file in files) / 1e6
    if size > LIMIT_MB:
        trouble_text = (
            f"{size:.0f} MB are too much for the page, which takes {LIMIT_MB} MB; use 'spinecho search image FOLDER'"
        )
        return Scan(key, name, None, trouble_text)
    with tempfile.TemporaryDirectory(prefix="spinecho-") as folder:
        names = _write(files, Path(folder))
        try:
            place = Path(folder) / next(iter(names)) if len(names) == 1 else Path(folder)
            if place.suffix == ".zip":
                place = take_apart(place)
                names[place.name] = name
            query, left_out = read(place)
        except USER_ERRORS as error:
            return Scan(key, name, None, _renamed(str(error), names, Path(folder)))
    reasons = ", ".join(f"{reason} {n}" for reason, n in Counter(str(one.reason) for one in left_out).most_common())
    return Scan(key, name, query, f"Left out of the scan, by reason: {reasons}." if reasons else "")


def _write(files: Sequence[Dropped], folder: Path) -> dict[str, str]:
    """Numbered names, so that what a browser says is never a path; returns the names that the files came with."""
    names: dict[str, str] = {}
    for number, file in enumerate(files):
        ending = _ENDING.search(file.name)
        ours = f"{number:05d}{ending.group().lower() if ending else ''}"
        (folder / ours).write_bytes(file.getbuffer())
        names[ours] = file.name
    return names


def _renamed(message: str, names: dict[str, str], folder: Path) -> str:
    """The message with the names that the person knows."""
    for ours, theirs in names.items():
        message = message.replace(str(folder / ours), theirs).replace(ours, theirs)
    return message.replace(str(folder), "the folder").replace(folder.name, "the folder")
