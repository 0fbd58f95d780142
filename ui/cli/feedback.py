"""`spinecho feedback`: thumbs on results, kept by user and query."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from spinecho.db.csv_files import write_csv
from spinecho.db.errors import StoreError
from spinecho.db.filters.algebra import Filter
from spinecho.db.people.feedback import forget_thumbs, put_thumbs, thumbs
from spinecho.db.queries.lookup import study_ids_by_uid
from spinecho.people import open_access
from spinecho.search.access.desk import Role
from spinecho.search.relevance_feedback import agreed, query_key
from spinecho.settings import read_settings
from spinecho.ui.opening import open_database
from spinecho.ui.printing.conditions import with_filters
from spinecho.ui.printing.options import AsJson, Home, guarded, out, print_json
from spinecho.ui.printing.tables import plain

feedback_app = typer.Typer(
    no_args_is_help=True, help="Thumbs on results: they refine the next search, and become judgements to measure with."
)
Words = Annotated[str, typer.Argument(help="The words of the search, as typed; its filters belong to it.")]


def thumbs_of(verdicts: Mapping[str, int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """UIDs of the studies that fitted, and of those that did not."""
    good, bad = (tuple(uid for uid, verdict in verdicts.items() if verdict == sign) for sign in (1, -1))
    return good, bad


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
    settings = read_settings(home=home)
    database = open_database(settings)
    verdicts = dict.fromkeys(good or (), 1) | dict.fromkeys(bad or (), -1) | dict.fromkeys(clear or (), 0)
    if not verdicts:
        raise typer.BadParameter("name at least one study", param_hint="--good, --bad or --clear")
    if both := set(good or ()) & set(bad or ()):
        raise typer.BadParameter(f"{sorted(both)[0]} is both good and bad", param_hint="--bad")
    if unknown := sorted(set(verdicts) - set(study_ids_by_uid(database, list(verdicts)))):
        raise typer.BadParameter(f"no study {unknown[0]!r} in the index", param_hint="--good, --bad or --clear")
    key, me = query_key(words, where), open_access(settings)
    me.allow(Role.VIEWER, "keep thumbs", "thumb", key, thumbs=len(verdicts))
    put_thumbs(database, user=me.person.name, query_key=key, query={"text": words}, verdicts=verdicts)
    kept = thumbs(database, user=me.person.name, query_key=key)
    kept_good, kept_bad = thumbs_of({one.study_uid: one.verdict for one in kept})
    if as_json:
        print_json({"query": words, "good": list(kept_good), "bad": list(kept_bad)})
    else:
        out.print(f"kept: {len(kept_good)} that fit, {len(kept_bad)} that do not")


@feedback_app.command("list")
@guarded
def listed(home: Home = None, as_json: AsJson = False) -> None:
    """Your thumbs, oldest first."""
    settings = read_settings(home=home)
    database, me = open_database(settings), open_access(settings)
    me.allow(Role.VIEWER, "see thumbs", "see-thumbs")
    kept = thumbs(database, user=me.person.name)
    if as_json:
        rows = [
            {"query": one.query.get("text", ""), "study_uid": one.study_uid, "verdict": one.verdict,
             "at": one.at.isoformat(timespec="seconds")}
            for one in kept
        ]  # fmt: skip
        print_json({"user": me.person.name, "thumbs": rows})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "query", "study", "when"):
        table.add_column(column, overflow="fold")
    for one in kept:
        sign = "[green]+[/]" if one.verdict > 0 else "[red]-[/]"
        table.add_row(sign, plain(str(one.query.get("text", ""))), plain(one.study_uid), f"{one.at:%Y-%m-%d %H:%M}")
    out.print(table if kept else "no thumbs yet; 'spinecho feedback add' keeps them")


@feedback_app.command("forget")
@guarded
@with_filters
def forget(words: Words, *, where: Filter, home: Home = None, as_json: AsJson = False) -> None:
    """Take back every thumb of yours on a search."""
    settings = read_settings(home=home)
    database, me, key = open_database(settings), open_access(settings), query_key(words, where)
    me.allow(Role.VIEWER, "take thumbs back", "forget-thumbs", key)
    count = forget_thumbs(database, user=me.person.name, query_key=key)
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
    settings = read_settings(home=home)
    database, me = open_database(settings), open_access(settings)
    if everybody:
        me.allow(Role.RESEARCHER, "export everybody's thumbs", "export-thumbs", everybody=True)
    else:
        me.allow(Role.VIEWER, "export thumbs", "export-thumbs", everybody=False)
    kept = thumbs(database, user=None if everybody else me.person.name)
    rows = agreed((str(one.query.get("text", "")), one.study_uid, one.verdict) for one in kept)
    try:
        write_csv(path, [("query", "study_uid", "grade"), *rows])
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}); name another file") from error
    if as_json:
        print_json({"path": str(path), "judgements": len(rows)})
    else:
        out.print(f"{len(rows)} judgements written to {plain(str(path))}")
