"""`spinecho status` and `spinecho failures`: what is indexed, and what is not and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing import tables
from spinecho.ui.printing.options import (
    AsJson,
    Home,
    Memory,
    err,
    guarded,
    out,
    print_json,
)
from spinecho.ui.printing.outputs.damage import require_undamaged
from spinecho.ui.printing.outputs.failure_rows import COLUMNS, failure_rows
from spinecho.ui.printing.outputs.new_files import write_new
from spinecho.ui.printing.progress_bars import progress_bars


@guarded
def status(
    home: Home = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read everything that is stored and see that it is what was written.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is indexed, what is pending, and how the last run went.

    With --check the database's structure, the checksum of every row, and every vector of every build are checked; what
    is damaged is named with what helps. Exit status: 0 all well, 4 something is damaged.
    """
    archive = open_archive(read_settings(home=home))
    if check:
        require_undamaged(archive.check(), out, as_json=as_json)
    facts = archive.status() | ({"damaged": []} if check else {})
    if as_json:
        print_json(facts)
    else:
        tables.print_status(out, facts)


@guarded
def failures(
    home: Home = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason code, in any case, e.g. TRUNCATED.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also files that are merely nothing to embed.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try all rejected files of the last run's folders again first.")
    ] = False,
    memory_mb: Memory = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the list to a new file: .csv, or .jsonl for JSON Lines.", dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what is not in the index, and why: files by reason, and reports without a study.

    --retry is 'spinecho index --retry', and then the list of what is still not in. --export writes each file and report
    with its reason and what would mend it, readable by you alone: names of folders may be names of people.
    """
    archive = open_archive(read_settings(home=home))
    if retry:
        if reason is not None:  # a code that does not exist is told before the work
            archive.failures(reason=reason)
        with progress_bars(err, quiet=as_json) as progress:
            outcome = archive.index(retry=True, memory_mb=memory_mb, deidentify=None, on_progress=progress)
        if not as_json:
            tables.print_summary(out, outcome)
    facts = archive.failures(reason=reason, everything=everything).facts
    if retry:
        facts = facts | {"retried": outcome.to_json()}
    if export is not None:
        rows = write_new(export, COLUMNS, failure_rows(facts))
        if as_json:
            print_json({"path": str(export), "rows": rows} | ({"retried": facts["retried"]} if retry else {}))
        else:
            out.print(f"{rows} rows written to {tables.plain(str(export))}", soft_wrap=True)
    elif as_json:
        print_json(facts)
    else:
        tables.print_failures(out, facts, reason=reason)
