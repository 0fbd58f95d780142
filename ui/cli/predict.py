"""What `spinecho predict` does: opens the home, runs it, tells what came of it."""

from __future__ import annotations

from rich.console import Console

from spinecho.indexer.backfill import Added, add_parts
from spinecho.people import open_access
from spinecho.search.access.desk import Role
from spinecho.settings import Settings
from spinecho.ui.opening import open_database
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
