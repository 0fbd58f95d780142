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

from spinecho.private import private_files
from spinecho.ui.printing.console import err, out, print_json
from spinecho.ui.printing.failing import failing
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from spinecho.encoders.training.loop.loop import Progress

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
        from spinecho.ui.training.train_plan import HeadsPlan, read_plan  # noqa: PLC0415
        from spinecho.ui.training.train_runs import describe, run_heads  # noqa: PLC0415

        plan = read_plan(config, "head", ("head",))
        assert isinstance(plan, HeadsPlan)  # noqa: S101  (the command says which)
        if dry_run:
            _tell(describe(plan), as_json=as_json)
            return
        from spinecho.encoders.registry import pick_device  # noqa: PLC0415

        with _bar(quiet=as_json) as bar:
            task = bar.add_task("features", total=None, told="")
            told = run_heads(
                plan, device=pick_device(device), progress=lambda done: bar.update(task, told=f"{done} volumes")
            )
        _tell(told, as_json=as_json)


def _fit(config: Path, command: Any, *, dry_run: bool, as_json: bool) -> None:
    with _guarded(as_json=as_json):
        from spinecho.ui.training.train_jobs import JOBS  # noqa: PLC0415
        from spinecho.ui.training.train_plan import FitPlan, read_plan  # noqa: PLC0415
        from spinecho.ui.training.train_runs import describe, run_fit  # noqa: PLC0415

        plan = read_plan(config, command, tuple(JOBS[command]))
        assert isinstance(plan, FitPlan)  # noqa: S101
        if dry_run:
            _tell(describe(plan), as_json=as_json)
            return
        with _bar(quiet=as_json) as bar, _asked_to_stop() as stop:
            task = bar.add_task(command, total=plan.train.steps, told="")

            def progress(now: Progress) -> None:
                bar.update(task, completed=now.step, told=_line(now))

            told = run_fit(plan, progress=progress, stop=stop, note=lambda words: bar.update(task, told=words))
        _tell(told, as_json=as_json)
        if not told["finished"]:
            err.print("stopped, and saved; run the same command again to go on")


def _line(now: Progress) -> str:
    left = f"{int(now.left_s // 3600)}:{int(now.left_s % 3600 // 60):02d}:{int(now.left_s % 60):02d} left"
    mfu = "" if now.mfu is None else f", MFU {100 * now.mfu:.1f} %"
    return f"loss {now.loss:.4f}, {now.examples_per_s:.1f} examples/s{mfu}, {left}"


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}"), TimeElapsedColumn())
    with Bar(*columns, TextColumn("{task.fields[told]}"), console=err, disable=quiet) as bar:
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
