"""`spinecho reidentify`: whom pseudonyms stand for."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import AsJson, Home, err, guarded, out, print_json
from spinecho.ui.printing.tables import plain


@guarded
def reidentify(
    codes: Annotated[list[str], typer.Argument(help="Pseudonyms of patients, exams, studies or series.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show whom pseudonyms stand for, to those who may see it; each is on record (docs/deidentification.md).

    It takes the role manager, the database of identities and its key. Exit status 1: one of them is not known here.
    """
    found = open_archive(read_settings(home=home)).reidentify(*codes)
    unknown = [code for code in codes if code not in {one.code for one in found}]
    if as_json:
        print_json({"found": [one.to_json() for one in found], "unknown": unknown})
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("pseudonym", "kind", "stands for", "patient", "dates moved by"):
            table.add_column(column, overflow="fold")
        for one in found:
            days = "" if one.days is None else f"{one.days} days"
            table.add_row(plain(one.code), one.kind, plain(one.value), plain(one.patient), days)
        if found:
            out.print(table)
        for code in unknown:
            err.print(f"{plain(code)} is not known here", style="yellow")
    raise typer.Exit(1 if unknown else 0)
