"""`spinecho doctor`: everything that can be checked in a home, in one go."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from spinecho.maintaining.doctor import Examined, Finding, doctor
from spinecho.maintaining.scrubbing import RATE, Scrubbed, give_way, scrub, scrub_again
from spinecho.setup.settings import Settings, read_settings
from spinecho.ui.printing.options import AsJson, Home, err, guarded, out, print_json
from spinecho.ui.printing.tables import plain

_COLOURS = {"error": "bold red", "warning": "yellow", "note": "dim"}


@guarded
def doctor_command(
    home: Home = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended without touching a row.")] = False,
    through: Annotated[
        bool, typer.Option("--scrub", help="Read what is stored slowly, beside other work, and go on where it ended.")
    ] = False,
    rate: Annotated[
        float, typer.Option("--rate", help="MB a second that --scrub reads at most.", min=0.01, max=100_000)
    ] = RATE,
    every: Annotated[
        float | None,
        typer.Option("--every", help="Hours between beginnings of --scrub. [default: one round]", min=0.01, max=87_600),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check everything in one go, say what helps, and mend what safely can be (docs/operations.md).

    Settings, rights, schema, every row and its checksum, vectors and builds against rows, files that are gone, rows
    that lack others, what interrupted work left, codecs, the record, and room on the disk. It reads all that is stored.
    With --fix builds, snapshots and full text are made anew, rights closed, leftovers removed; rows are never changed.
    --scrub checks by content alone, at the lowest priority, and mends nothing: what it found, and how far it is, stand
    in 'spinecho status'. It may be killed at any time. Exit status: 0 all well, 1 warnings, 4 something is damaged.
    """
    if through:
        if fix:
            raise typer.BadParameter("--scrub mends nothing: give --fix without it")
        _scrub(read_settings(home=home), rate, every, as_json=as_json)
    elif every is not None or rate != RATE:
        raise typer.BadParameter("--rate and --every are of --scrub")
    examined = doctor(read_settings(home=home), fix=fix, on_check=_say if not as_json else lambda _: None)
    if as_json:
        print_json(examined.to_json())
    else:
        _print(examined)
    raise typer.Exit(examined.exit_status)


def _scrub(settings: Settings, rate: float, every: float | None, *, as_json: bool) -> None:
    """A round, or one after the other; ends with what the round says."""
    give_way()
    say = _say if not as_json else lambda _: None
    if every is None:
        done = scrub(settings, rate=rate, on_step=say)
        if as_json:
            print_json(done.to_json())
        else:
            _print_round(done)
        raise typer.Exit(done.exit_status)
    for done in scrub_again(settings, hours=every, rate=rate, on_step=say):
        if as_json:
            out.print(json.dumps(done.to_json()), highlight=False, soft_wrap=True, markup=False)
        else:
            _print_round(done)


def _print_round(done: Scrubbed) -> None:
    _print_findings(done.findings)
    for step, why in done.left_out.items():
        out.print(f"[yellow]left out:[/] {plain(step)}: {plain(why)}", highlight=False, soft_wrap=True)
    summary = f"{done.started_at} to {done.ended_at}: {done.steps:,} steps, {done.bytes / 1e6:,.1f} MB read"
    out.print(f"[dim]{summary}[/]", highlight=False, soft_wrap=True)


def _say(area: str) -> None:
    err.print(f"[dim]checking {area}[/]", highlight=False)


def _print(examined: Examined) -> None:
    _print_findings(examined.findings)
    free, come = (f"{n / 1e6:,.0f} MB" for n in (examined.free, examined.to_come))
    out.print(f"[dim]disk: {free} free, {come} to come by an upgrade and new builds[/]", highlight=False)


def _print_findings(findings: tuple[Finding, ...]) -> None:
    for one in findings:
        out.print(_line(one), highlight=False, soft_wrap=True)
        for example in one.examples:
            out.print(f"  {plain(example)}", highlight=False, soft_wrap=True)
        if not one.fixed:
            out.print(f"  [dim]{plain(one.remedy)}[/]", highlight=False, soft_wrap=True)
    if not findings:
        out.print("All is well.")


def _line(one: Finding) -> str:
    counted = f"{one.count:,} " if one.count > 1 else ""
    mended = " [green]mended[/]" if one.fixed else " [dim](--fix)[/]" if one.fixable else ""
    return f"[{_COLOURS[one.severity]}]{one.severity}[/] {one.area}: {counted}{plain(one.what)}{mended}"
