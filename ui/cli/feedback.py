"""`spinecho feedback`: thumbs on results, kept by user and query."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from spinecho.db.csv_files import write_csv
from spinecho.db.errors import StoreError
from spinecho.db.filters.algebra import Filter
from spinecho.errors import QueryError
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.conditions import with_filters
from spinecho.ui.printing.options import AsJson, Home, guarded, out, print_json
from spinecho.ui.printing.tables import plain

feedback_app = typer.Typer(
    no_args_is_help=True, help="Thumbs on results: they refine the next search, and become judgements to measure with."
)
Words = Annotated[str, typer.Argument(help="The words of the search, as typed; its filters belong to it.")]


@feedback_app.command("add")
@guarded
@with_filters
def add(
    words: Words,
    good: Annotated[list[str] | None, typer.Option("--good", help="UID of a study that fits. Repeatable.")] = None,
    bad: Annotated[list[str] | None, typer.Option("--bad", help="UID of a study that does not fit.")] = None,
    clear: Annotated[list[str] | None, typer.Option("--clear", help="UID of a study to take the thumb from.")] = None,
    *,
    where: Filter,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Keep thumbs for a search, which 'spinecho search text WORDS --refine' uses. The latest counts."""
    archive = open_archive(read_settings(home=home))
    verdicts = dict.fromkeys(good or (), 1) | dict.fromkeys(bad or (), -1) | dict.fromkeys(clear or (), 0)
    if not verdicts:
        raise typer.BadParameter("name at least one study", param_hint="--good, --bad or --clear")
    if both := set(good or ()) & set(bad or ()):
        raise typer.BadParameter(f"{sorted(both)[0]} is both good and bad", param_hint="--bad")
    try:
        archive.rate(words, verdicts, where=where)
    except QueryError as error:
        raise typer.BadParameter(str(error), param_hint="--good, --bad or --clear") from error
    kept = archive.verdicts(words, where=where)
    kept_good, kept_bad = ([uid for uid, verdict in kept.items() if verdict == sign] for sign in (1, -1))
    if as_json:
        print_json({"query": words, "good": kept_good, "bad": kept_bad})
    else:
        out.print(f"kept: {len(kept_good)} that fit, {len(kept_bad)} that do not")


@feedback_app.command("list")
@guarded
def listed(home: Home = None, as_json: AsJson = False) -> None:
    """Your thumbs, oldest first."""
    archive = open_archive(read_settings(home=home))
    kept = archive.thumbs()
    if as_json:
        rows = [
            {"query": one.words, "study_uid": one.study_uid, "verdict": one.verdict,
             "at": one.at.isoformat(timespec="seconds")}
            for one in kept
        ]  # fmt: skip
        print_json({"user": archive.user, "thumbs": rows})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "query", "study", "when"):
        table.add_column(column, overflow="fold")
    for one in kept:
        sign = "[green]+[/]" if one.verdict > 0 else "[red]-[/]"
        table.add_row(sign, plain(one.words), plain(one.study_uid), f"{one.at:%Y-%m-%d %H:%M}")
    out.print(table if kept else "no thumbs yet; 'spinecho feedback add' keeps them")


@feedback_app.command("forget")
@guarded
@with_filters
def forget(words: Words, *, where: Filter, home: Home = None, as_json: AsJson = False) -> None:
    """Take back every thumb of yours on a search."""
    count = open_archive(read_settings(home=home)).forget_thumbs(words, where=where)
    if as_json:
        print_json({"forgotten": count})
    else:
        out.print(f"{count} thumbs taken back")


@feedback_app.command("export")
@guarded
def export(
    path: Annotated[Path, typer.Argument(help="A CSV file to write, as 'spinecho evaluate --judgements' reads it.")],
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Thumbs of all users, by majority; ties are left out.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write thumbs as judgements: query, study_uid, grade (1 fits, 0 does not)."""
    found = open_archive(read_settings(home=home)).judgements(everybody=everybody)
    rows = [(one.query, one.study_uid, one.grade) for one in found]
    try:
        write_csv(path, [("query", "study_uid", "grade"), *rows])
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}); name another file") from error
    if as_json:
        print_json({"path": str(path), "judgements": len(rows)})
    else:
        out.print(f"{len(rows)} judgements written to {plain(str(path))}")
