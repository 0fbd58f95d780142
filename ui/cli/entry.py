"""The entry point of the installed command, which loads nothing before Ctrl-C is answered."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

_STOPPED = 130
"""As `ui.printing.failing` has it, which a command has not loaded yet."""

_STUCK = "leaving a cluster"
"""As `indexer.executing.ray_cluster` names a thread that takes leave of who never answers: the process ends without it,
since Ray's threads would end it by a fault of memory.
"""


def main() -> None:
    """Run the command. Ctrl-C outside of what a command guards ends it without a word but the object of --json."""
    try:
        from spinecho.ui.cli.app import app  # noqa: PLC0415

        app()
    except KeyboardInterrupt:
        if "--json" in sys.argv:
            print('{"error": "KeyboardInterrupt", "message": "stopped"}')  # noqa: T201
        sys.exit(_STOPPED)
    except SystemExit as end:
        if isinstance(end.code, int) and any(one.name == _STUCK for one in threading.enumerate()):
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError):
                    stream.flush()
            os._exit(end.code)
        raise


if __name__ == "__main__":
    main()
