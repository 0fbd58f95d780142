"""What every command shares: its options, its consoles, and what it does with errors that are meant for people."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

import typer

from spinecho.encoders.sandbox.processes import LEAST_MB
from spinecho.setup.private import private_files
from spinecho.ui.printing.console import err, out, print_json
from spinecho.ui.printing.failing import failing
from spinecho.ui.printing.server_option import VARIABLE, asked_there, may_ask

__all__ = [
    "LOOPBACK",
    "MOST",
    "Address",
    "AsJson",
    "Device",
    "Encoder",
    "Home",
    "K",
    "Limit",
    "Memory",
    "Open",
    "Ray",
    "RayEncoders",
    "TextModel",
    "Theme",
    "Want",
    "err",
    "guarded",
    "out",
    "print_json",
]

P = ParamSpec("P")
R = TypeVar("R")
MOST = 2**31 - 1
"""The largest number that an option takes, where nothing smaller is said."""
MOST_RESULTS = 1_000_000
LOOPBACK = "127.0.0.1"
_NO_RECORD: Any = Annotated[
    bool, typer.Option("--no-record", help="Keep no record of this; only on a machine used alone.")
]
_OF_SERVER: Any = Annotated[
    str | None,
    typer.Option(
        "--server",
        help="Ask the server at this address (https://HOST) in place of a home, with the token of SPINECHO_TOKEN or of "
        f"a file. [default: ${VARIABLE}]",
    ),
]
_OF_FILE: Any = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="File, yours alone, in which the token for --server stands. [default: $SPINECHO_TOKEN_FILE]",
    ),
]

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Where database and index live. [default: $SPINECHO_HOME or ~/.spinecho]"),
]
Address = Annotated[
    str, typer.Option("--address", help="Address to listen on. Others than 127.0.0.1 are open to the network.")
]
Open = Annotated[bool, typer.Option("--open", help="Listen beyond this machine though nobody signs in.")]
Theme = Annotated[Literal["dark", "light"], typer.Option("--theme", help="Colours of the pages.")]
Limit = Annotated[
    int | None, typer.Option("--limit", help="Stop after this many series; run again to go on.", min=0, max=MOST)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Encoder = Annotated[str | None, typer.Option("--encoder", help="Encoder to use, see docs/encoders.md.")]
TextModel = Annotated[
    str | None, typer.Option("--text-model", help="Another sentence encoder: its name on a hub, or its folder.")
]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda. [default: auto]")]
Memory = Annotated[
    int | None,
    typer.Option(
        "--memory-mb",
        help="Memory of a reading process. [default: $SPINECHO_READING_MEMORY_MB or 4096]",
        min=LEAST_MB,
        max=1 << 22,
    ),
]
Ray = Annotated[
    str | None,
    typer.Option("--ray", help="Have a Ray cluster read and encode, see docs/ray.md: HOST:PORT, or auto."),
]
RayEncoders = Annotated[
    int | None,
    typer.Option(
        "--ray-encoders",
        help="Processes of the cluster that encode. [default: one a card, without cards one a processor]",
        min=1,
        max=10_000,
    ),
]


def _some(value: int) -> int:
    if not 1 <= value <= MOST_RESULTS:
        raise typer.BadParameter(f"give at least 1, and at most {MOST_RESULTS:,}")
    return value


K = Annotated[int, typer.Option("-k", help="How many results.", callback=_some)]
Want = Annotated[str, typer.Option("--want", help="study or report: what to get back.")]


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn whatever goes wrong into one line and an exit status: see `ui.printing.failing`."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        stopped = "stopped; nothing that was stored is lost, run the same command again to go on"
        leave_out = bool(kwargs.pop("no_record", False))
        server: Any = kwargs.pop("server", None)
        token_file: Any = kwargs.pop("token_file", None)
        fails = failing(as_json=bool(kwargs.get("as_json")), stopped=stopped)
        with fails, private_files():
            there = asked_there(command, kwargs, server, token_file, no_record=leave_out) if of_home else nullcontext()
            with there, _recorded(leave_out=leave_out):
                return command(*args, **kwargs)

    of_home = "home" in inspect.signature(command).parameters
    return _with_shared(run) if of_home else run


@contextmanager
def _recorded(*, leave_out: bool) -> Iterator[None]:
    """As long as a command runs that was asked for no record, what it starts goes without too."""
    if not leave_out:
        yield
        return
    from spinecho.setup.settings import NO_RECORD  # noqa: PLC0415  (imports the database)

    err.print("no record is kept of this (--no-record)", style="yellow")
    before = os.environ.get(NO_RECORD)
    os.environ[NO_RECORD] = "1"
    try:
        yield
    finally:
        os.environ.pop(NO_RECORD)
        if before is not None:
            os.environ[NO_RECORD] = before


def _with_shared(run: Callable[P, R]) -> Callable[P, R]:
    """Give commands that open a home the option --no-record, and --server where a server can answer."""
    signature = inspect.signature(run, eval_str=True)
    annotations: dict[str, tuple[Any, Any]] = {"no_record": (False, _NO_RECORD)}
    annotations |= {"server": (None, _OF_SERVER), "token_file": (None, _OF_FILE)} if may_ask(run) else {}
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (default, annotation) in annotations.items()
    ]
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in signature.parameters.values()]
    run.__signature__ = signature.replace(parameters=[*parameters, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in (*parameters, *added)}
    return run
