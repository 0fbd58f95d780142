"""What every command shares: its options, its consoles, and what it does with errors that are meant for people."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console

from ui import tables
from ui.private import private_files
from ui.wiring import USER_ERRORS

P = ParamSpec("P")
R = TypeVar("R")
MOST = 2**31 - 1
"""The largest number that an option takes, where nothing smaller is said."""
MOST_RESULTS = 1_000_000
err = Console(stderr=True)
out = Console()

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Where database and index live. [default: $SPINECHO_HOME or ~/.spinecho]"),
]
Limit = Annotated[
    int | None, typer.Option("--limit", help="Stop after this many series; run again to go on.", min=0, max=MOST)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Encoder = Annotated[str | None, typer.Option("--encoder", help="Encoder to use, see the README's table.")]
TextModel = Annotated[
    str | None, typer.Option("--text-model", help="Another sentence encoder: its name on a hub, or its folder.")
]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda. [default: auto]")]


def _some(value: int) -> int:
    if not 1 <= value <= MOST_RESULTS:
        raise typer.BadParameter(f"give at least 1, and at most {MOST_RESULTS:,}")
    return value


K = Annotated[int, typer.Option("-k", help="How many results.", callback=_some)]
Want = Annotated[str, typer.Option("--want", help="study or report: what to get back.")]


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn errors that are meant for people into one line and exit status 2."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with private_files():
                return command(*args, **kwargs)
        except USER_ERRORS as error:
            if kwargs.get("as_json"):
                out.print_json(json.dumps({"error": type(error).__name__, "message": str(error)}))
            err.print(f"[bold red]error:[/] {tables.plain(str(error))}", soft_wrap=True)
            raise typer.Exit(2) from error
        except KeyboardInterrupt:
            err.print("stopped; nothing that was stored is lost, run the same command again to go on")
            raise typer.Exit(130) from None

    return run


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=1))  # noqa: T201
