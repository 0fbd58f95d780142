"""The `spinecho facets` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from spinecho.db.filters.algebra import Filter
from spinecho.db.queries.facets import FACETS, Facet
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.conditions import with_filters
from spinecho.ui.printing.console import err, out, print_json
from spinecho.ui.printing.options import MOST, guarded
from spinecho.ui.printing.tables import plain

HELP = f"""Count studies by value, shown / total, for a filter: what there is to choose from, and what it would leave.

Name the fields to count, or none for {", ".join(FACETS)}. Others: model, date (by year), description, archive, derived.
Ages are counted by decade.

"Shown" is the studies that pass the filter and have the value, "total" all that have it. A field's own condition does
not count for its own values: with `--where sequence=T2` the line of T1 tells what choosing T1 instead would show.
Computed images and localizers are left out as in a search, unless a condition speaks of `derived` or `sequence` or
with `--include-derived`.

    spinecho facets sequence sex --where 'age>=60 and not vendor=GE'

    spinecho facets --where 'says:present("haemorrhage") or body_region=spine' --json
"""


@guarded
@with_filters
def facets(
    fields: Annotated[list[str] | None, typer.Argument(help="Fields to count, e.g. sequence vendor age.")] = None,
    most: Annotated[
        int, typer.Option("--most", help="Values shown of each field, most studies first.", min=1, max=MOST)
    ] = 20,
    *,
    where: Filter,
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Where database and index live. [default: $SPINECHO_HOME or ~/.spinecho]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Count studies by value, shown / total."""
    found = open_archive(read_settings(home=home)).facets(*fields or (), where=where)
    if as_json:
        print_json(found.to_json(most=most))
        return
    for warning in found.warnings:
        err.print(f"[yellow]note:[/] {plain(warning)}", soft_wrap=True)
    out.print(f"{found.studies} studies pass")
    for field, some in found.items():
        _print(field, some, most)


def _print(field: str, some: tuple[Facet, ...], most: int) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(field.replace("_", " "), min_width=24)
    table.add_column("shown", justify="right", min_width=8)
    table.add_column("total", justify="right", min_width=8)
    for facet in some[:most]:
        table.add_row(
            plain(facet.value) or "[dim]not recorded[/]",
            str(facet.shown),
            str(facet.total),
            style=None if facet.shown else "dim",
        )
    out.print()
    out.print(table)
    if len(some) > most:
        out.print(f"and {len(some) - most} more (--most)", style="dim")
