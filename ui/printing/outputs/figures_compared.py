"""Two encoders' figures side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.table import Table

from spinecho.ui.printing.console import out
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.encoders.measuring.figures import Figure


def print_compared(
    figures: Mapping[str, tuple[Figure | None, Figure | None]], first: str, second: str, *, patients: int
) -> None:
    """A row a figure: both values with their intervals, chance, and the pool."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(("R@10", plain(first), plain(second), "chance", "pool", "asked")):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for name, (before, after) in figures.items():
        known = after or before
        if known is not None:
            context = (f"{known.chance:.2f}", f"{known.pool:.0f}", f"{known.queries:,}")
            table.add_row(name, _figure(before), _figure(after), *context)
    out.print(table, highlight=False)
    out.print(f"{patients:,} held-out patients; 95 % intervals over patients", highlight=False)


def _figure(one: Figure | None) -> str:
    if one is None:
        return "not aligned"
    interval = "" if one.ci95 is None else f" ({one.ci95[0]:.2f} to {one.ci95[1]:.2f})"
    return f"{one.value:.2f}{interval}"


def print_adapted(figures: Mapping[str, tuple[Figure | None, Figure, Figure]], patients: Mapping[str, int]) -> None:
    """A row a figure: before, a ridge from the same features, after."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(("R@10", "before", "ridge", "after", "chance", "pool", "asked")):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for name, (before, ridge, after) in figures.items():
        context = (f"{after.chance:.2f}", f"{after.pool:.0f}", f"{after.queries:,}")
        table.add_row(name, _figure(before), _figure(ridge), _figure(after), *context)
    out.print(table, highlight=False)
    counts = ", ".join(f"{n:,} {name}" for name, n in patients.items())
    out.print(f"patients: {counts}; 95 % intervals over patients", highlight=False)
