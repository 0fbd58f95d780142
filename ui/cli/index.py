"""`spinecho index`: read folders of DICOM, NIfTI and reports."""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import Annotated

import typer

from spinecho.indexer.pipeline import Options, index_archive
from spinecho.outcomes import roots_of
from spinecho.people import open_access
from spinecho.search.access.persons import Role
from spinecho.settings import read_settings
from spinecho.ui.cli.self_test import run_self_test
from spinecho.ui.opening import open_database
from spinecho.ui.printing import tables
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
from spinecho.wiring import indexing_lock, open_dual


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
    max_volumes: Annotated[
        int, typer.Option(help="Volumes embedded of one series, evenly spread.", min=1, max=10_000)
    ] = 8,
    encoder: Encoder = None,
    text_model: TextModel = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Index folders of DICOM, NIfTI and reports, or go on with it.

    Unchanged files cost a stat. A run that was killed goes on where it stopped. Reports (.txt, .csv, .jsonl) are
    joined to studies by accession number or StudyInstanceUID. Exit status: 0 all well, 1 some files were rejected or
    could not be read ('spinecho failures' lists them), 2 wrong usage, 3 the disk, the rights or the server failed,
    4 stored data are damaged.
    """
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    open_access(settings).allow(
        Role.MANAGER, "index the archive", "index", retry=retry, prune=prune, rebuild=rebuild, again=not resume
    )
    with indexing_lock(settings):
        database = open_database(settings, create=True)
        roots = roots_of(folders, database)
        options = Options(
            workers=workers,
            max_volumes=max_volumes,
            limit=limit,
            retry=retry,
            prune=prune,
            yes=yes,
            verify=verify,
            rebuild=rebuild,
            again=not resume,
            follow_links=follow_links,
            memory_mb=memory_mb,
        )
        opened = functools.cache(lambda: open_dual(settings))
        with progress_bars(err, quiet=as_json) as progress:
            summary = index_archive(
                database,
                settings.builds,
                roots,
                opened,
                options=options,
                progress=progress,
                skip=settings.home,
            )
        if warning := run_self_test(database, opened, console=err):
            summary = dataclasses.replace(summary, warnings=(*summary.warnings, warning))
    if as_json:
        print_json(dataclasses.asdict(summary))
    else:
        tables.print_summary(out, summary)
    raise typer.Exit(1 if summary.mendable else 0)
