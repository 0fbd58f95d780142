"""`spinecho db`: upgrades of the database, and the copies that they keep."""

from __future__ import annotations

from typing import Annotated

import typer

from spinecho.maintaining.upkeep import copies, copy_database, remove_copies, upgrade
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import show_warning
from spinecho.ui.printing import tables
from spinecho.ui.printing.options import (
    AsJson,
    Home,
    err,
    guarded,
    out,
    print_json,
)
from spinecho.ui.printing.progress_bars import progress_bars

db_app = typer.Typer(no_args_is_help=True, help="Look after the database.")


@db_app.command("upgrade")
@guarded
def db_upgrade(home: Home = None, as_json: AsJson = False) -> None:
    """Bring an older database to this version's schema; a copy is kept beside it."""
    settings = read_settings(home=home)
    with progress_bars(err, quiet=as_json) as progress:
        done = upgrade(settings, notify=show_warning, on_progress=progress)
    where = tables.plain(done.database)
    if done.warning:
        err.print(f"[yellow]{tables.plain(done.warning)}[/]", highlight=False, soft_wrap=True)
    if as_json:
        print_json({"before": done.before, "after": done.after, "copy": str(done.copy) if done.copy else None})
    elif done.copy:
        kept = tables.plain(str(done.copy))
        sentence = f"Upgraded {where} from {done.before} to {done.after}; the old one is kept as {kept}"
        out.print(sentence, highlight=False)
    elif done.before != done.after:
        out.print(f"Upgraded {where} from {done.before or 'nothing'} to {done.after}", highlight=False)
    else:
        out.print(f"{where} is at {done.after}; nothing to do", highlight=False)


@db_app.command("copy")
@guarded
def db_copy(
    to: Annotated[
        str, typer.Argument(help="A new home's folder, or postgresql://user@host/name of an empty database.")
    ],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Copy the database to another home or to a PostgreSQL server, and hold the copy against it.

    From the home's file, or from SPINECHO_DATABASE, with every id: lists, thumbs and links stay true. One that was
    stopped goes on when it is started again; until it is whole nobody can open the copy. Rows are compared by number
    and checksum, and the top ten of some questions have to be the same. The record of who did what stays where it is.
    """
    settings = read_settings(home=home)
    with progress_bars(err, quiet=as_json) as progress:
        done = copy_database(settings, to, on_progress=progress)
    if as_json:
        print_json({"from": done.source, "to": done.copy, "rows": done.rows, "written": done.written,
                    "questions": done.questions})  # fmt: skip
        return
    summary = f"{done.copy} holds the {done.rows:,} rows of {done.source}; {done.written:,} were written now, and "
    out.print(tables.plain(f"{summary}{done.questions} questions are answered alike"), highlight=False, soft_wrap=True)


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
    left = copies(settings)
    gone = remove_copies(settings, names=None if everything else remove) if remove or everything else ()
    if gone:
        left = tuple(one for one in left if one not in gone)
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
