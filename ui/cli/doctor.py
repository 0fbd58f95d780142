"""`spinecho doctor`: everything that can be checked in a home, in one go."""

from __future__ import annotations

from typing import Annotated

import typer

from spinecho.doctor import Examined, Finding, doctor
from spinecho.settings import read_settings
from spinecho.ui.printing.options import AsJson, Home, err, guarded, out, print_json
from spinecho.ui.printing.tables import plain

_COLOURS = {"error": "bold red", "warning": "yellow", "note": "dim"}


@guarded
def doctor_command(
    home: Home = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended without touching a row.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check everything in one go, say what helps, and mend what safely can be (docs/operations.md).

    Settings, rights, schema, every row and its checksum, vectors and builds against rows, files that are gone, rows
    that lack others, what interrupted work left, codecs, the record, and room on the disk. It reads all that is stored.
    With --fix builds, snapshots and full text are made anew, rights closed, leftovers removed; rows are never changed.
    Exit status: 0 all well, 1 warnings, 4 something is damaged.
    """
    examined = doctor(read_settings(home=home), fix=fix, on_check=_say if not as_json else lambda _: None)
    if as_json:
        print_json(examined.to_json())
    else:
        _print(examined)
    raise typer.Exit(examined.exit_status)


def _say(area: str) -> None:
    err.print(f"[dim]checking {area}[/]", highlight=False)


def _print(examined: Examined) -> None:
    for one in examined.findings:
        out.print(_line(one), highlight=False, soft_wrap=True)
        for example in one.examples:
            out.print(f"  {plain(example)}", highlight=False, soft_wrap=True)
        if not one.fixed:
            out.print(f"  [dim]{plain(one.remedy)}[/]", highlight=False, soft_wrap=True)
    if not examined.findings:
        out.print("All is well.")
    free, come = (f"{n / 1e6:,.0f} MB" for n in (examined.free, examined.to_come))
    out.print(f"[dim]disk: {free} free, {come} to come by an upgrade and new builds[/]", highlight=False)


def _line(one: Finding) -> str:
    counted = f"{one.count:,} " if one.count > 1 else ""
    mended = " [green]mended[/]" if one.fixed else " [dim](--fix)[/]" if one.fixable else ""
    return f"[{_COLOURS[one.severity]}]{one.severity}[/] {one.area}: {counted}{plain(one.what)}{mended}"
