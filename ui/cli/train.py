"""`spinecho train`: pretraining, alignment and heads, from a TOML file."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from spinecho.setup.private import private_files
from spinecho.ui.printing.console import err, out, print_json
from spinecho.ui.printing.failing import failing
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from collections.abc import Callable

train_app = typer.Typer(
    no_args_is_help=True, help="Train an encoder or heads, from a TOML file; docs/training.md describes its keys."
)

Config = Annotated[Path, typer.Argument(help="A TOML file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]


@train_app.command("pretrain")
def pretrain(config: Config, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Stage 1, without words: kind = "selfsup", "masked" or "mlm" (text alone). A run that has begun goes on."""
    _fit(config, "pretrain", dry_run=dry_run, as_json=as_json)


@train_app.command("align")
def align(config: Config, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Stage 2, with reports: kind = "tower" or "vit". A run that has begun goes on where it was."""
    _fit(config, "align", dry_run=dry_run, as_json=as_json)


@train_app.command("head")
def head(config: Config, dry_run: DryRun = False, device: Device = "auto", as_json: AsJson = False) -> None:
    """Heads on a frozen encoder: kind = "head". Features are cached, so it goes on where it was."""
    with _guarded(as_json=as_json):
        from spinecho.learning.training import train  # noqa: PLC0415

        if dry_run:
            _tell(train("head", config, dry_run=True), as_json=as_json)
            return
        with _bar(quiet=as_json) as bar:
            task = bar.add_task("features", total=None, words="")
            outcome = train(
                "head", config, device=device, on_progress=lambda _, __, words: bar.update(task, words=words)
            )
        _tell(outcome, as_json=as_json)


def _fit(config: Path, stage: str, *, dry_run: bool, as_json: bool) -> None:
    with _guarded(as_json=as_json):
        from spinecho.learning.training import train  # noqa: PLC0415

        if dry_run:
            _tell(train(stage, config, dry_run=True), as_json=as_json)
            return
        with _bar(quiet=as_json) as bar, _asked_to_stop() as stop:
            task = bar.add_task(stage, total=None, words="")

            def progress(done: int, known: int, words: str) -> None:
                bar.update(task, completed=done, total=known or None, words=words)

            outcome = train(stage, config, on_progress=progress, stop=stop)
        _tell(outcome, as_json=as_json)
        if not outcome["finished"]:
            err.print("stopped, and saved; run the same command again to go on")


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}"), TimeElapsedColumn())
    with Bar(*columns, TextColumn("{task.fields[words]}"), console=err, disable=quiet) as bar:
        yield bar


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM let the step end and the state be saved; a second one ends at once."""
    asked = threading.Event()

    def stop(number: int, _: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)} if main else {}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _guarded(*, as_json: bool) -> Iterator[None]:
    """Whatever goes wrong becomes one line and an exit status."""
    stopped = "stopped at once; the last saved state is kept, run the same command again to go on"
    with failing(as_json=as_json, stopped=stopped), private_files():
        yield


def _tell(values: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(values)
        return
    for name, value in values.items():
        out.print(f"{name}: {plain(json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value)}")
