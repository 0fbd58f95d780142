"""`spinecho predict`: predictions and regions for what was indexed without them."""

from __future__ import annotations

import dataclasses
import os
from typing import Annotated

import typer
from rich.console import Console

from spinecho.indexer.backfill import Added, add_parts
from spinecho.people import open_access
from spinecho.search.access.persons import Role
from spinecho.settings import Settings, read_settings
from spinecho.ui.opening import open_database
from spinecho.ui.printing.options import (
    AsJson,
    Device,
    Encoder,
    Home,
    Limit,
    Memory,
    TextModel,
    err,
    guarded,
    out,
    print_json,
)
from spinecho.ui.printing.progress_bars import progress_bars
from spinecho.ui.printing.tables import plain
from spinecho.wiring import indexing_lock, open_dual


def predict_home(
    settings: Settings, *, workers: int, limit: int | None, memory_mb: int | None, console: Console, quiet: bool
) -> Added:
    """Add predictions and regions to the home's volumes that lack them."""
    database = open_database(settings)
    open_access(settings).allow(Role.MANAGER, "add predictions", "predict")
    with indexing_lock(settings), progress_bars(console, quiet=quiet) as progress:
        return add_parts(
            database, open_dual(settings), workers=workers, limit=limit, memory_mb=memory_mb, progress=progress
        )


def print_predicted(console: Console, done: Added) -> None:
    """Counts, and why volumes were left out."""
    tasks = ", ".join(done.tasks) or "no heads: regions alone"
    console.print(f"{done.volumes:,} volumes of {done.series:,} series done ({plain(tasks)})", highlight=False)
    for reason, n in done.left_out.items():
        console.print(f"[yellow]{n} left out: {plain(reason)}[/]", highlight=False)
    if done.ahead:
        console.print(f"{done.ahead:,} series to go: run the same command again", highlight=False)


@guarded
def predict(
    home: Home = None,
    workers: Annotated[int, typer.Option(help="Reading processes.", min=1, max=64)] = min(4, os.cpu_count() or 1),
    limit: Limit = None,
    memory_mb: Memory = None,
    encoder: Encoder = None,
    text_model: TextModel = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Add what the encoder's heads predict, and its regions, to what was indexed without them.

    Reads the scans again; vectors stay as they are. Volumes that have it all are skipped, so a run that was stopped
    goes on where it was. Exit status: 0 all well, 1 some volumes could not be done, 2 wrong usage.
    """
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    done = predict_home(settings, workers=workers, limit=limit, memory_mb=memory_mb, console=err, quiet=as_json)
    if as_json:
        print_json(dataclasses.asdict(done))
    else:
        print_predicted(out, done)
    raise typer.Exit(1 if done.left_out else 0)
