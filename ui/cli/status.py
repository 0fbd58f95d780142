"""`spinecho status` and `spinecho failures`: what is indexed, and what is not and why."""

from __future__ import annotations

from typing import Annotated

import typer

from spinecho.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing import tables
from spinecho.ui.printing.damage import require_undamaged
from spinecho.ui.printing.options import (
    AsJson,
    Home,
    guarded,
    out,
    print_json,
)


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
    reason: Annotated[str | None, typer.Option(help="Only this reason code, e.g. TRUNCATED.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also files that are merely nothing to embed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what is not in the index, and why: files by reason, and reports without a study."""
    facts = open_archive(read_settings(home=home)).failures(reason=reason, everything=everything).facts
    if as_json:
        print_json(facts)
    else:
        tables.print_failures(out, facts)
