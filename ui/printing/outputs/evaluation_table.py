"""An evaluation as tables for people: no figure without its chance level, interval and pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.encoders.measuring.figures import Figure, Figures
    from spinecho.search.evaluation.values import Asked, Evaluation

_LISTED = 12
_COLOURS = {"better": "green", "worse": "red", "chance": "yellow", "few": "dim", "missing": "dim"}
_PARTS = ("P@1", "nDCG@10")


def print_evaluation(console: Console, found: Evaluation) -> None:
    """A table a question, then what else must be known to read them."""
    of, about = found.archive, found.encoder
    console.print(
        f"[dim]{plain(about['name'])} · {of['studies']:,} studies, {of['volumes']:,} volumes of {of['patients']:,} "
        f"patients · {of['reports']:,} reports[/]",
        highlight=False,
    )
    if found.summary:
        console.print(f"[bold]{plain(found.summary)}[/]", highlight=False, soft_wrap=True)
    for headline in found.headlines:
        console.print(f"[{_COLOURS[headline.kind]}]{plain(headline.text)}[/]", highlight=False)
    for one in found.asked:
        _print_asked(console, one)
    for warning in found.warnings:
        console.print(f"[yellow]{plain(warning)}[/]", highlight=False)
    console.print(f"[dim]{plain(_protocol(found.protocol))}[/]", highlight=False, soft_wrap=True)
    for uid in found.unknown_studies[:_LISTED]:
        console.print(f"[yellow]not in the index:[/] {plain(uid)}", highlight=False)
    if len(found.unknown_studies) > _LISTED:
        console.print(f"[yellow]and {len(found.unknown_studies) - _LISTED} more (--json lists all)[/]", highlight=False)


def _protocol(told: Mapping[str, Any]) -> str:
    """How this was measured, for whoever compares it: of a public data set also which cases."""
    text = f"protocol {told.get('name', '')} {told.get('version', '')}"
    if "digest" not in told:
        return text
    return f"{text}, part {told['split']}, {told['cases']:,} cases, digest {str(told['digest'])[:16]}"


def _print_asked(console: Console, one: Asked) -> None:
    console.print(f"\n[bold]{plain(one.name)}[/] [dim]{plain(one.about)}[/]", highlight=False)
    if one.measured is None:
        console.print(f"[yellow]not measured:[/] {plain(one.why)}", highlight=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for column in ("value", "95 % interval", "chance", "best", "queries", "pool"):
        table.add_column(column, justify="right", no_wrap=True)
    _add(table, one.measured.figures, "")
    for name, figures in one.measured.parts.items():
        _add(table, {measure: figures[measure] for measure in _PARTS if measure in figures}, f"[dim]{plain(name)}[/] ")
    console.print(table, highlight=False)
    drawn = f"intervals over {one.measured.units:,} {one.measured.resampled}"
    missing = [f"{number:,} left out: {reason}" for reason, number in one.measured.left_out.items()]
    console.print(f"[dim]{plain('; '.join([drawn, *missing]))}[/]", highlight=False)


def _add(table: Table, figures: Figures, before: str) -> None:
    for name, figure in figures.items():
        digits = 1 if name == "median rank" else 3
        table.add_row(
            f"{before}{plain(name)}",
            f"{figure.value:.{digits}f}",
            _interval(figure, digits),
            f"{figure.chance:.{digits}f}",
            f"{figure.best:.{digits}f}",
            f"{figure.queries:,}",
            f"{figure.pool:,.0f}",
        )


def _interval(figure: Figure, digits: int) -> str:
    if figure.ci95 is None:
        return "none"
    low, high = figure.ci95
    return f"{low:.{digits}f} to {high:.{digits}f}"
