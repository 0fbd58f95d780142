"""`spinecho run-report`: what a run did, as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import MOST, AsJson, Home, guarded, out, print_json
from spinecho.ui.printing.tables import plain


@guarded
def run_report(
    path: Annotated[
        Path, typer.Argument(help="The HTML file to write; one that is there is replaced.", dir_okay=False)
    ],
    run: Annotated[
        int | None, typer.Option("--run", help="Number of the run. [default: the last that ended]", min=1, max=MOST)
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="With a middle slice of each sequence.")
    ] = True,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write what a run of 'spinecho index' did as one HTML page for a ticket: it names no patient and no path.

    Counts, throughput by stage, reasons of what is not in with what helps, what was guessed, studies by vendor and
    sequence, and a picture of each sequence. It loads nothing from anywhere.
    """
    report = open_archive(read_settings(home=home)).run_report(run=run, pictures=pictures)
    report.write(path)
    if as_json:
        print_json({"path": str(path), "run": report.run})
    else:
        out.print(f"the report on run {report.run} is in {plain(str(path))}", soft_wrap=True)
