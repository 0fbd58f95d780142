"""The entry point of the installed command, which loads nothing before Ctrl-C is answered."""

from __future__ import annotations

import sys

_STOPPED = 130
"""As `ui.printing.failing` has it, which a command has not loaded yet."""


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
        from spinecho.ui.printing.ending import end_at_once  # noqa: PLC0415

        if isinstance(end.code, int):
            end_at_once(end.code)
        raise


if __name__ == "__main__":
    main()
