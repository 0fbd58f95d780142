"""`spinecho sources`: where archives come from."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from spinecho.filling.sources import pulled_facts
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import AsJson, Home, guarded, out, print_json
from spinecho.ui.printing.tables import plain

sources_app = typer.Typer(
    no_args_is_help=True,
    help="Where archives come from: folders, PACS, receivers; add, list, test, pull, remove (docs/pacs.md).",
)
Name = Annotated[str, typer.Argument(help="As 'spinecho sources list' names it.")]


@sources_app.command("add")
@guarded
def add(
    name: Annotated[str, typer.Argument(help="By which you know it: a to z, 0 to 9, - and _.")],
    kind: Annotated[str, typer.Argument(help="folder, dicomweb, orthanc, dicom or receive.")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="NAME=VALUE, as docs/pacs.md lists them: url=https://... token_env=PACS_TOKEN"),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Add a source. Secrets are never given here: name the variable or the file that holds one."""
    given = {}
    for one in settings or ():
        key, equals, value = one.partition("=")
        if not equals:
            raise typer.BadParameter(f"settings are written NAME=VALUE; {key[:40]!r} has no =")
        given[key] = value
    made = open_archive(read_settings(home=home), create=True).sources.add(name, kind, **given)
    if as_json:
        print_json(made.to_json())
    else:
        out.print(f"source {made.name} is added; 'spinecho sources test {made.name}' asks whether it answers")


@sources_app.command("list")
@guarded
def listed(home: Home = None, as_json: AsJson = False) -> None:
    """Every source, by name."""
    found = open_archive(read_settings(home=home)).sources.list()
    if as_json:
        print_json({"sources": [one.to_json() for one in found]})
        return
    if not found:
        out.print("no source yet; 'spinecho sources add NAME KIND ...' adds one")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "kind", "settings", "last pull"):
        table.add_column(column, overflow="fold")
    for one in found:
        settings = " ".join(f"{key}={value}" for key, value in one.settings.items())
        at = f"{one.pulled_at:%Y-%m-%d %H:%M} UTC" if one.pulled_at else ""
        table.add_row(plain(one.name), one.kind, plain(settings), at)
    out.print(table)


@sources_app.command("test")
@guarded
def ask(name: Name, home: Home = None, as_json: AsJson = False) -> None:
    """Ask a source whether it answers."""
    answer = open_archive(read_settings(home=home)).sources.test(name)
    if as_json:
        print_json({"source": name, "answer": answer})
    else:
        out.print(plain(answer))


@sources_app.command("pull")
@guarded
def pull(name: Name, home: Home = None, as_json: AsJson = False) -> None:
    """Take what is new or changed into the home; 'spinecho index --source NAME' does so and indexes it.

    One that was killed goes on.
    """
    done = open_archive(read_settings(home=home)).sources.pull(name)
    if as_json:
        print_json(pulled_facts(done))
        return
    out.print(
        f"{done.listed} studies listed, {done.unchanged} unchanged, {done.taken} taken with {done.instances} objects"
        + (f", {done.deleted} deleted there" if done.deleted else "")
        + (f"; {done.short} came with fewer objects than the server counts" if done.short else "")
    )
    raise typer.Exit(1 if done.short else 0)


@sources_app.command("remove")
@guarded
def remove(name: Name, home: Home = None, as_json: AsJson = False) -> None:
    """Forget a source; what was taken from it stays, in its folder and in the index."""
    gone = open_archive(read_settings(home=home)).sources.remove(name)
    if as_json:
        print_json(gone.to_json())
    else:
        out.print(f"source {gone.name} is removed; what came from it stays in {plain(str(gone.folder))}")
