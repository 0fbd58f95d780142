"""`spinecho db`: upgrades of the database, and the copies that they keep."""

from __future__ import annotations

from typing import Annotated

import typer

from spinecho.db.schema.copies import copies_of, remove_copies
from spinecho.db.schema.database import HEAD, upgrade
from spinecho.db.schema.engines import shown
from spinecho.db.store.erasing import erase_traces
from spinecho.db.vectors.kept_up import refresh_builds, refresh_snapshot
from spinecho.indexer.facts_again import derive_facts
from spinecho.indexer.reports.derive import settle_reports
from spinecho.indexer.reports.rereading import read_again
from spinecho.people import open_access
from spinecho.search.access.persons import Role
from spinecho.settings import read_settings
from spinecho.ui.cli.self_test import run_self_test
from spinecho.ui.opening import open_database
from spinecho.ui.printing import tables
from spinecho.ui.printing.options import (
    AsJson,
    Home,
    err,
    guarded,
    out,
    print_json,
)
from spinecho.wiring import indexing_lock, open_dual

db_app = typer.Typer(no_args_is_help=True, help="Look after the database.")


@db_app.command("upgrade")
@guarded
def db_upgrade(home: Home = None, as_json: AsJson = False) -> None:
    """Bring an older database to this version's schema; a copy is kept beside it."""
    settings = read_settings(home=home)
    where = tables.plain(shown(settings.database))
    me = open_access(settings)
    me.allow(Role.MANAGER, "upgrade the database", "db-upgrade")
    warning = ""
    with indexing_lock(settings):
        before, copy = upgrade(settings.database, record=settings.record)
        if before != HEAD:
            database = open_database(settings)
            derive_facts(database)  # studies have what most of their files say, without a file being read
            settle_reports(database)
            if read_again(database, lambda: open_dual(settings).text):
                refresh_builds(database, settings.builds)
                refresh_snapshot(database, settings.builds)
            erase_traces(database)
            warning = run_self_test(database, lambda: open_dual(settings), console=err)
            database.close()
        me.note("db-upgraded", before=before or "", after=HEAD)
    if warning:
        err.print(f"[yellow]{tables.plain(warning)}[/]", highlight=False, soft_wrap=True)
    if as_json:
        print_json({"before": before, "after": HEAD, "copy": str(copy) if copy else None})
    elif copy:
        kept = tables.plain(str(copy))
        out.print(f"Upgraded {where} from {before} to {HEAD}; the old one is kept as {kept}", highlight=False)
    elif before != HEAD:
        out.print(f"Upgraded {where} from {before or 'nothing'} to {HEAD}", highlight=False)
    else:
        out.print(f"{where} is at {HEAD}; nothing to do", highlight=False)


@db_app.command("copies")
@guarded
def db_copies(
    home: Home = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="Delete this copy; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--remove-all", help="Delete every copy.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the copies of the database that upgrades kept, or delete them.

    A copy holds what was true when it was made: names of patients and texts that were replaced or removed since are
    still in it. To put one back, stop Spinecho, then move it to the database's name and remove the database's -wal and
    -shm files.
    """
    settings = read_settings(home=home)
    me = open_access(settings)
    me.allow(Role.MANAGER, "see the database's copies", "see-copies")
    if remove or everything:
        me.allow(Role.MANAGER, "remove the database's copies", "remove-copies", everything=everything)
        with indexing_lock(settings):
            gone = remove_copies(settings.database, None if everything else remove)
    else:
        gone = ()
    left = copies_of(settings.database)
    if as_json:
        kept = [
            {"name": one.path.name, "bytes": one.bytes, "made_at": one.made_at, "schema": one.revision} for one in left
        ]
        print_json({"copies": kept, "removed": [one.path.name for one in gone]})
        return
    for one in gone:
        out.print(f"removed {tables.plain(one.path.name)}", highlight=False, soft_wrap=True)
    for one in left:
        facts = f"{one.bytes / 1e6:,.1f} MB, {one.made_at}, schema {one.revision}"
        out.print(tables.plain(f"{one.path.name}  {facts}"), highlight=False, soft_wrap=True)
    if not left:
        out.print("no copy is kept")
