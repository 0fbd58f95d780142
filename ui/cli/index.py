"""`spinecho index`: read folders of DICOM, NIfTI and reports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing import tables
from spinecho.ui.printing.deidentifying import Dates, Deidentify, Descriptors, dates_of, descriptors_of
from spinecho.ui.printing.options import (
    AsJson,
    Device,
    Encoder,
    Home,
    Limit,
    Memory,
    Ray,
    RayEncoders,
    TextModel,
    err,
    guarded,
    out,
    print_json,
)
from spinecho.ui.printing.progress_bars import progress_bars


@guarded
def index(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of DICOM, NIfTI and reports. [default: those of the last run]")
    ] = None,
    home: Home = None,
    workers: Annotated[int, typer.Option(help="Reading processes.", min=1, max=64)] = min(4, os.cpu_count() or 1),
    limit: Limit = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Skip unchanged files; --no-resume looks at all of them again.")
    ] = True,
    retry: Annotated[bool, typer.Option("--retry", help="Try rejected files again.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Forget files that are gone from the disk.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do so even where more than a fifth of an archive is gone.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Also find files that changed with the same size and time: read all of them."),
    ] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build the vector index anew from the database.")] = False,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Also read what links lead to outside of the folders.")
    ] = False,
    memory_mb: Memory = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Pull from this source first; see 'spinecho sources list'.")
    ] = None,
    report_columns: Annotated[
        str | None,
        typer.Option(
            "--report-columns",
            help='Columns of tables of reports, as "accession=Auftrag,report=Text"; kept until "" is given.',
        ),
    ] = None,
    report_html: Annotated[
        Path | None,
        typer.Option(
            "--report-html", help="Write what the run did as one HTML page, see 'spinecho run-report'.", dir_okay=False
        ),
    ] = None,
    deidentify: Deidentify = False,
    dates: Dates = "shifted",
    descriptors: Descriptors = "cleaned",
    max_volumes: Annotated[
        int, typer.Option(help="Volumes embedded of one series, evenly spread.", min=1, max=10_000)
    ] = 8,
    join: Annotated[
        bool,
        typer.Option("--join", help="Take part in the run of another process over the same PostgreSQL database."),
    ] = False,
    ray: Ray = None,
    ray_encoders: RayEncoders = None,
    encoder: Encoder = None,
    text_model: TextModel = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Index folders of DICOM, NIfTI and reports, or go on with it.

    Unchanged files cost a stat. A run that was killed goes on where it stopped. Reports (see docs/reports.md) are
    joined to studies by accession number or StudyInstanceUID. Exit status: 0 all well, 1 some files were rejected or
    could not be read ('spinecho failures' lists them), 2 wrong usage, 3 the disk, the rights or the server failed,
    4 stored data are damaged.

    With --join this process reads and stores a share of what another one, on this machine or another, has found;
    folders and other options are that one's, and have to be at the same paths here. Should the other die, this one
    leads the run to its end.

    With --ray the processes of a Ray cluster read and encode series (docs/ray.md); this one finds files, reads reports
    and writes every row. The folders have to be at the same paths on every node.
    """
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    archive = open_archive(settings, create=True)
    if join:
        if ray is not None:
            raise typer.BadParameter("--join is one process's share of a run, which no cluster takes: leave --ray out")
        if folders:
            raise typer.BadParameter("with --join the folders are those of the run that is joined; give none")
        with progress_bars(err, quiet=as_json) as progress:
            joined = archive.join(workers=workers, memory_mb=memory_mb, on_progress=progress)
        if as_json:
            print_json(joined.to_json())
        else:
            tables.print_joined(out, joined)
        raise typer.Exit(1 if joined.outcome is not None and joined.outcome.mendable else 0)
    with progress_bars(err, quiet=as_json) as progress:
        outcome = archive.index(
            folders or (), workers=workers, max_volumes=max_volumes, limit=limit, retry=retry, again=not resume,
            prune=prune, yes=yes, verify=verify, rebuild=rebuild, follow_links=follow_links, memory_mb=memory_mb,
            report_columns=report_columns, source=source, deidentify=deidentify, dates=dates_of(dates),
            descriptors=descriptors_of(descriptors), ray=ray, ray_encoders=ray_encoders, on_progress=progress,
        )  # fmt: skip
    if report_html is not None:
        archive.run_report(run=outcome.run).write(report_html)
    if as_json:
        print_json(outcome.to_json())
    else:
        tables.print_summary(out, outcome)
    raise typer.Exit(1 if outcome.mendable else 0)
