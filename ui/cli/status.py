"""`spinecho status` and `spinecho failures`: what is indexed, and what is not and why."""

from __future__ import annotations

from typing import Annotated

import typer

from spinecho.people import open_access
from spinecho.search.access.persons import Role, digest_of
from spinecho.settings import read_settings
from spinecho.status_facts import failure_facts, status_facts
from spinecho.ui.opening import open_database
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
    settings = read_settings(home=home)
    database = open_database(settings)
    open_access(settings).allow(Role.VIEWER, "see the archive", "see-archive")
    if check:
        require_undamaged(database, settings, out, as_json=as_json)
    facts = status_facts(database, settings) | ({"damaged": []} if check else {})
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
    settings = read_settings(home=home)
    database = open_database(settings)
    open_access(settings).allow(
        Role.MANAGER, "see which files were rejected", "see-failures", digest_of(reason or ""), everything=everything
    )
    facts = failure_facts(database, reason=reason, everything=everything)
    if as_json:
        print_json(facts)
    else:
        tables.print_failures(out, facts)
