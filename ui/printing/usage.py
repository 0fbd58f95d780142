"""A command line that cannot be read, as JSON too where JSON was asked for."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from spinecho.ui.printing.console import print_json

_OF_SERVERS = ("--server", "--token-file")


class JsonUsage(TyperGroup):
    """The outermost group of commands: what it cannot read is one JSON object on stdout where `--json` is given.

    The line on stderr and the exit status stay those of every unread command line. Options are looked for before `--`
    alone: what follows it are words.
    """

    _as_json = False

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """As the group's own."""
        before = args[: args.index("--")] if "--" in args else args
        self._as_json = "--json" in before
        try:
            return super().make_context(info_name, args, parent, **extra)
        except (Exception, KeyboardInterrupt) as error:
            self._print(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        """As the group's own."""
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            _explain(error)
            self._print(error)
            raise

    def _print(self, error: BaseException) -> None:
        message = getattr(error, "format_message", None)
        message_shown = message() if callable(message) else ""
        if isinstance(error, KeyboardInterrupt):  # a command that has begun answers for itself
            message_shown = "stopped"
        if self._as_json and message_shown:
            print_json({"error": type(error).__name__, "message": message_shown})


def _explain(error: BaseException) -> None:
    """Say of a command that no server can answer why it has not the options of those that one can."""
    if getattr(error, "option_name", None) in _OF_SERVERS:
        wrong: Any = error
        wrong.message = "this command works on the machine that holds the archive: run it there, without --server"
        wrong.possibilities = []
