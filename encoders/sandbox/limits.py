"""Small files that are read whole in the main process: how large one may be, and what is no regular file at all."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

TEXT_BYTES = 1 << 20
"""Of a file that people write, or a description: roles, secrets, a cohort, a training run, fusion weights, a card."""
TABLE_BYTES = 64 << 20
"""Of a table of keys and labels, or of questions and what answers them: not of an archive."""
WEIGHTS_BYTES = 8 << 30
"""Of one file of weights."""
HEADER_BYTES = 16 << 20
"""Of the header of a safetensors file, which says where each tensor lies."""
MOST_WHOLE = 2**53
"""The largest whole number in a file of settings: what a float holds exactly, and a database takes."""


def read_small(path: Path, error: Callable[[str], Exception], *, most: int = TEXT_BYTES) -> bytes:
    """The bytes of a regular file of at most `most`; else `error` is raised with file, size and limit.

    A FIFO would be waited for and a device never ends, so neither is opened. Raises `OSError` where the file is not
    there or cannot be read.
    """
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise error(f"{path} is no regular file; name one")
    if about.st_size > most:
        raise error(f"{path} has {about.st_size:,} bytes and may have {most:,}; is it the right file?")
    with path.open("rb") as file:
        held = file.read(most + 1)
    if len(held) > most:  # it grew
        raise error(f"{path} has more than {most:,} bytes; is it the right file?")
    return held


_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How files of spreadsheets begin: those that are zips (.xlsx, .ods), and those of before."""


def table_text(path: Path, error: Callable[[str], Exception]) -> str:
    """The text of a table that people hand in: UTF-8 with a mark or without, UTF-16 with one ("Unicode text" of Excel).

    Raises nothing but `error`.
    """
    try:
        held = read_small(path, error, most=TABLE_BYTES)
        if held.startswith(_WORKBOOKS):
            raise error(f"{path} is a workbook or an archive, not text; save its sheet as CSV in UTF-8 and give that")
        return held.decode("utf-16" if held.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except OSError as fault:
        raise error(f"{path} cannot be read ({fault.strerror}); check the path") from fault
    except UnicodeDecodeError as fault:
        raise error(f"{path} is not UTF-8 (byte {fault.start}); save it as UTF-8") from fault


def check_weights(path: Path, error: Callable[[str], Exception]) -> None:
    """Raise `error` for a file that is too large, or whose header is. Raises `OSError`."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise error(f"{path} is no regular file; name one")
    if about.st_size > WEIGHTS_BYTES:
        raise error(f"{path} has {about.st_size:,} bytes and may have {WEIGHTS_BYTES:,}; is it the right file?")
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > HEADER_BYTES:
        raise error(f"{path} is damaged or cut short, or no safetensors file: its header has {header:,} bytes")
