"""What `spinecho predict` prints."""

from __future__ import annotations

from rich.console import Console

from spinecho.indexer.backfill import Added
from spinecho.ui.printing.tables import plain


def print_predicted(console: Console, done: Added) -> None:
    """Counts, and why volumes were left out."""
    tasks = ", ".join(done.tasks) or "no heads: regions alone"
    console.print(f"{done.volumes:,} volumes of {done.series:,} series done ({plain(tasks)})", highlight=False)
    for reason, n in done.left_out.items():
        console.print(f"[yellow]{n} left out: {plain(reason)}[/]", highlight=False)
    if done.ahead:
        console.print(f"{done.ahead:,} series to go: run the same command again", highlight=False)
