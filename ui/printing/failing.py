"""What a command does when it fails: one clear line, and an exit status that says whose turn it is.

0 done, 1 done with rejections, 2 what was asked cannot be, 3 the machine failed (disk, rights, memory, server),
4 stored data are damaged, 70 a fault of Spinecho's own, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Iterator

import typer

from spinecho.db.errors import Damaged
from spinecho.errors import SpinechoError
from spinecho.ui.printing.console import err, print_json, printable_streams
from spinecho.ui.printing.tables import plain

MACHINE, OWN_FAULT, STOPPED, CLOSED_PIPE = 3, 70, 130, 141

_UNWRITTEN = "while serializing: I/O error"
"""What safetensors says where the system did not take its bytes: an error of its own, no OSError."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def failing(*, as_json: bool, stopped: str) -> Iterator[None]:
    """Turn whatever leaves the block into one line and `typer.Exit`. stopped: what Ctrl-C is answered with."""
    printable_streams()
    try:
        yield
    except typer.Exit:
        raise
    except typer.Abort as abort:  # Ctrl-C, or no answer, where something was to be confirmed
        if as_json:
            with contextlib.suppress(OSError):
                print_json({"error": type(abort).__name__, "message": "not confirmed, so nothing was done"})
        raise
    except KeyboardInterrupt as stop:
        if as_json:
            with contextlib.suppress(OSError):
                print_json({"error": type(stop).__name__, "message": stopped})
        err.print(stopped)
        raise typer.Exit(STOPPED) from None
    except BrokenPipeError:  # whoever read our output has gone
        with contextlib.suppress(OSError), open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise typer.Exit(CLOSED_PIPE) from None
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")):
            raise
        message, status = message_and_status(error)
        if os.environ.get("SPINECHO_TRACEBACK"):
            traceback.print_exc()
        if as_json:
            with contextlib.suppress(OSError, UnicodeError):
                print_json({"error": type(error).__name__, "message": message})
        with contextlib.suppress(OSError):
            err.print(f"[bold red]error:[/] {plain(message)}")
        raise typer.Exit(status) from error


def message_and_status(error: Exception) -> tuple[str, int]:
    """The line for a person, and the exit status."""
    match error:
        case SpinechoError():
            return str(error), error.exit_status
        case MemoryError():
            return (
                "this machine has too little memory for that; give fewer --workers, or a smaller --memory-mb",
                MACHINE,
            )
        case OSError():
            return _of_system(error), MACHINE
        case _ if type(error).__name__ == "SafetensorError" and _UNWRITTEN in str(error):
            return "weights or rows cannot be written: make room, look at the disk, and run the same again", MACHINE
        case UnicodeError():
            name = type(error).__name__
            return (
                f"a text cannot be written as it is ({name}); set LC_ALL=C.UTF-8, or rename what is no UTF-8",
                MACHINE,
            )
        case _ if behind := _damage():
            return behind, Damaged.exit_status
        case _:
            name = type(error).__name__
            return f"a fault of Spinecho's own ({name}); SPINECHO_TRACEBACK=1 shows where it is", OWN_FAULT


def _of_system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename is not None else ""
    reason = error.strerror or type(error).__name__
    if error.errno in _FULL:
        return f"{where}{reason}; make room, and run the same command again: what was stored is kept"
    if error.errno in _DENIED:
        return f"{where}{reason}; give this account the right to write there, or name another home with --home"
    return f"{where}{reason}"


def _damage() -> str:
    """What is damaged in a database that was open, where that may be behind a fault."""
    from spinecho.db.schema.database import damage_behind  # noqa: PLC0415  (the database is slow to import)

    return damage_behind()
