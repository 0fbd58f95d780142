"""What every command shares: its options, its consoles, and what it does with errors that are meant for people."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer

from encoders.sandbox import LEAST_MB
from ui.console import err, out, print_json
from ui.failing import failing

__all__ = [
    "AsJson",
    "Device",
    "Encoder",
    "Home",
    "K",
    "Memory",
    "TextModel",
    "Want",
    "err",
    "guarded",
    "out",
    "print_json",
]

P = ParamSpec("P")
R = TypeVar("R")

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Where database and index live. [default: $SPINECHO_HOME or ~/.spinecho]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Encoder = Annotated[str | None, typer.Option("--encoder", help="Encoder to use, see the README's table.")]
TextModel = Annotated[
    str | None, typer.Option("--text-model", help="Another sentence encoder: its name on a hub, or its folder.")
]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda. [default: auto]")]
K = Annotated[int, typer.Option("-k", help="How many results.")]
Memory = Annotated[
    int | None,
    typer.Option(
        "--memory-mb",
        help="Memory of a reading process. [default: $SPINECHO_READING_MEMORY_MB or 4096]",
        min=LEAST_MB,
        max=1 << 22,
    ),
]
Want = Annotated[str, typer.Option("--want", help="study or report: what to get back.")]


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn whatever goes wrong into one line and an exit status: see `ui.failing`."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        stopped = "stopped; nothing that was stored is lost, run the same command again to go on"
        with failing(as_json=bool(kwargs.get("as_json")), stopped=stopped):
            return command(*args, **kwargs)

    return run
