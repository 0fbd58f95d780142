"""`spinecho record`: whether the record is whole, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from spinecho.access.acts import entry_facts
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_acts
from spinecho.ui.printing.options import MOST, AsJson, Home, err, guarded, out, print_json
from spinecho.ui.printing.outputs.new_files import write_new
from spinecho.ui.printing.tables import plain

record_app = typer.Typer(no_args_is_help=True, help="The record of who did what: is it whole, what does it say.")
_COLUMNS = ("number", "at", "user", "role", "action", "subject", "facts", "digest")


@record_app.command("check")
@guarded
def check(
    since: Annotated[
        str | None, typer.Option("--since", help="ROWS:DIGEST as an earlier check printed it: is it still in there?")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether rows were changed, put in or taken out. Exit status: 0 whole, 1 broken.

    It prints the number of rows and the last digest. Keep that line elsewhere and give it back with --since: a record
    that was cut off, put back from a copy or written anew from end to end is noticed by that alone.
    """
    held = _since(since) if since is not None else None
    found = open_acts(read_settings(home=home)).check(since=held)
    if as_json:
        print_json({"rows": found.rows, "head": found.head, "whole": not found.broken, "broken": list(found.broken)})
    else:
        for line in found.broken:
            err.print(f"[bold red]broken:[/] {plain(line)}", soft_wrap=True, highlight=False)
        word = "broken" if found.broken else "whole"
        out.print(f"{word}, {found.rows} rows, the last is {found.rows}:{found.head}", soft_wrap=True, highlight=False)
    raise typer.Exit(1 if found.broken else 0)


@record_app.command("list")
@guarded
def listed(
    most: Annotated[int, typer.Option("--most", help="Rows shown, the newest.", min=1, max=MOST)] = 50,
    user: Annotated[str | None, typer.Option("--user", help="Of this person alone.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="Of this kind alone, e.g. search or view.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show the latest acts, newest first: everybody's to a manager, else your own."""
    entries = open_acts(read_settings(home=home)).entries(user=user, action=action, most=most)
    if as_json:
        print_json({"record": [entry_facts(one) for one in entries]})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "at (UTC)", "who", "role", "what", "of", "facts"):
        table.add_column(column, overflow="fold")
    for one in entries:
        facts = ", ".join(f"{name} {value}" for name, value in one.facts.items())
        row = (str(one.number), f"{one.at:%Y-%m-%d %H:%M:%S}", one.user, one.role, one.action, one.subject, facts)
        table.add_row(*(plain(cell) for cell in row))
    out.print(table)


@record_app.command("export")
@guarded
def export(
    path: Annotated[Path, typer.Argument(help="A new file: .csv, or .jsonl for JSON Lines.", dir_okay=False)],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write every act with its digest, oldest first, readable by you alone. For managers."""
    entries = open_acts(read_settings(home=home)).walk()
    rows = write_new(path, _COLUMNS, map(entry_facts, entries))
    if as_json:
        print_json({"path": str(path), "rows": rows})
    else:
        out.print(f"{rows} rows written to {plain(str(path))}", soft_wrap=True)


def _since(given: str) -> tuple[int, str]:
    rows, _, digest = given.strip().partition(":")
    if not (rows.isascii() and rows.isdecimal() and len(rows) < 19 and len(digest) == 64):
        raise typer.BadParameter("give ROWS:DIGEST as 'spinecho record check' prints it", param_hint="--since")
    return int(rows), digest
