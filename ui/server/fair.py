"""How a server's threads share the interpreter, and what none of them stops for."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import sys

SWITCH = 0.0001
"""Seconds that a thread may compute on while others wait for the interpreter. A short question asks for it some thirty
times; at Python's 5 ms it waits that long each time beside a long one, which only ever computes."""

_FILES = 65_536
"""More than any server of this kind has open; some systems give a thousand million, which others count through."""

_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h: https://sourceware.org/glibc/manual/latest/html_node/Malloc-Tunable-Parameters.html"""


def share_finely() -> None:
    """Let no thread keep the interpreter for long; for the whole process.

    Of use where few compute at once, as `Turns` sees to: with many they would do little else than take turns.
    """
    sys.setswitchinterval(SWITCH)


def share_heaps() -> None:
    """Let all threads take their memory from two heaps, where the C library is glibc; for the whole process.

    By itself it makes up to eight for each processor, each of which keeps what its busiest moment took, so that a
    server grows for hours though it holds no more. `MALLOC_ARENA_MAX` of whoever starts the server stays in force.
    """
    if "MALLOC_ARENA_MAX" not in os.environ:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def have_files_open() -> None:
    """Take as many files and connections as the account may have; for this process and what it starts.

    Systems begin with 1,024, of which a page that is open behind `spinecho serve` takes three, and each thread some for
    its databases; what is refused then is the index, the record, a temporary file, by chance.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def leave_what_stays() -> None:
    """Once what answers take is open: a collection that walks all of it would stop a search for a tenth of a second.

    What was left so before is looked at once more, else what is gone stays for good.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
