"""`spinecho cohort`: rules that choose studies, frozen lists, what changed since, and exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from spinecho.db.csv_files import write_csv
from spinecho.db.filters.selection import Selection
from spinecho.db.people.cohorts import CohortError, Frozen, cohorts, delete_cohort, frozen, members_of
from spinecho.db.people.masking import masked, masked_rows, masked_sizes, number
from spinecho.db.schema.database import Database
from spinecho.people import open_access
from spinecho.search.access.desk import Access, Role, digest_of
from spinecho.search.cohorts.attrition import Evaluation, evaluate
from spinecho.search.cohorts.balance import BALANCED, masked_balance
from spinecho.search.cohorts.definition import EXAMPLE, read_definition
from spinecho.search.cohorts.export import FORMATS, export
from spinecho.search.cohorts.freezing import again, balance_of, keep, told_of
from spinecho.search.cohorts.list_changes import Changes, between
from spinecho.search.cohorts.pseudonyms import Pseudonyms
from spinecho.settings import Settings, read_settings
from spinecho.ui.opening import open_database
from spinecho.ui.printing.options import MOST, AsJson, Device, Encoder, Home, TextModel, err, guarded, out, print_json
from spinecho.ui.printing.tables import plain

cohort_app = typer.Typer(
    no_args_is_help=True,
    help="Cohorts: choose studies by rules, freeze the list, see what changes, export it.\n\n"
    "`spinecho cohort new FILE` writes a definition to start from.",
)
File = Annotated[Path, typer.Argument(help="A definition, see 'spinecho cohort new'.", dir_okay=False)]
Name = Annotated[str, typer.Argument(help="Name of the cohort.")]
Version = Annotated[int | None, typer.Option("--version", help="Which version. [default: the latest]", min=1, max=MOST)]


@cohort_app.command("new")
@guarded
def new(file: Annotated[Path, typer.Argument(help="A TOML file to write.", dir_okay=False)]) -> None:
    """Write a definition with every kind of rule in it, to change and to strike out."""
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(EXAMPLE)
    except FileExistsError:
        raise CohortError(f"{file} is there already; name another file") from None
    except OSError as error:
        raise CohortError(f"{file} cannot be written ({error.strerror})") from error
    out.print(f"{plain(str(file))} written; change it, then: spinecho cohort count {plain(str(file))}")


@cohort_app.command("count")
@guarded
def count(
    file: File, home: Home = None, encoder: Encoder = None, text_model: TextModel = None, device: Device = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Count what each line of a definition leaves, and keep nothing."""
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    definition = read_definition(file)
    database, me = open_database(settings), open_access(settings)
    me.allow(Role.VIEWER, "count a cohort", "count-cohort", digest_of(definition.name))
    found = evaluate(definition, database, Selection(database, settings.builds), _likeness(settings, database))
    _show_counts(found, settings, as_json=as_json)


@cohort_app.command("freeze")
@guarded
def freeze(
    file: File, home: Home = None, encoder: Encoder = None, text_model: TextModel = None, device: Device = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Keep the list that a definition gives now, as version 1 of its name or as the next one."""
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    definition = read_definition(file)
    database, me = open_database(settings), open_access(settings)
    me.require(Role.RESEARCHER, "freeze a cohort")
    found = evaluate(definition, database, Selection(database, settings.builds), _likeness(settings, database))
    kept = _keep(database, settings, me, found)
    _show_counts(found, settings, as_json=as_json, kept=kept)


@cohort_app.command("list")
@guarded
def listed(home: Home = None, as_json: AsJson = False) -> None:
    """Every version of every cohort."""
    settings = read_settings(home=home)
    database, me = open_database(settings), open_access(settings)
    me.allow(Role.VIEWER, "see cohorts", "see-cohorts")
    known = cohorts(database)
    if as_json:
        print_json({"cohorts": [_facts(one, settings) for one in known]})
        return
    if not known:
        out.print("no cohort yet; 'spinecho cohort new FILE' begins one")
        return
    table = _table("cohort", "version", "studies", "patients", "frozen", "by")
    for one in known:
        sizes = map(str, masked_sizes(one.studies, one.patients, settings.smallest_count))
        by = str(one.made_with.get("frozen_by", one.owner))
        table.add_row(plain(one.name), str(one.number), *sizes, f"{one.created_at:%Y-%m-%d %H:%M}", plain(by))
    out.print(table)


@cohort_app.command("show")
@guarded
def show(name: Name, version: Version = None, home: Home = None, as_json: AsJson = False) -> None:
    """A version: what each line left when it was frozen, and its studies (with --json)."""
    settings = read_settings(home=home)
    database, me = open_database(settings), open_access(settings)
    me.allow(Role.VIEWER, "see cohorts", "see-members", digest_of(name), version=version)
    one = frozen(database, name, version)
    if as_json:
        members = members_of(database, name, one.number)
        rows = [
            {"study_uid": member.study_uid, "patient": member.patient, "part": member.part, **member.facts}
            for member in members
        ]
        print_json({**_facts(one, settings), "definition": one.definition, "members": rows})
        return
    out.print(f"[bold]{plain(one.name)}[/] version {one.number}, frozen {one.created_at:%Y-%m-%d %H:%M}")
    if one.description:
        out.print(plain(one.description), style="dim")
    out.print(_attrition(one.attrition, settings))
    _show_balance(balance_of(one, settings.smallest_count))
    for note in told_of(one, settings.smallest_count).get("notes", ()):
        err.print(plain(str(note)), style="yellow")


@cohort_app.command("rerun")
@guarded
def rerun(
    name: Name,
    version: Version = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Keep the new list as the next version.")] = False,
    most: Annotated[int, typer.Option("--most", help="Studies named of each kind of change.", min=0, max=MOST)] = 10,
    home: Home = None, encoder: Encoder = None, text_model: TextModel = None, device: Device = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Run a frozen definition again: which studies come, which go, and why. Nothing is kept without --freeze."""
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    database, me = open_database(settings), open_access(settings)
    me.allow(Role.VIEWER, "count a cohort", "rerun-cohort", digest_of(name), version=version)
    if freeze:
        me.require(Role.RESEARCHER, "freeze a cohort")
    one = frozen(database, name, version)
    selection = Selection(database, settings.builds)
    now, changes = again(database, selection, one, _likeness(settings, database))
    kept = _keep(database, settings, me, now) if freeze else None
    _show_changes(one, changes, settings, most=most, as_json=as_json, kept=kept)


@cohort_app.command("diff")
@guarded
def diff(
    name: Name,
    first: Annotated[int, typer.Argument(help="A version.", min=1, max=MOST)],
    second: Annotated[int, typer.Argument(help="A later version.", min=1, max=MOST)],
    most: Annotated[int, typer.Option("--most", help="Studies named of each kind of change.", min=0, max=MOST)] = 10,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """What differs between two versions."""
    settings = read_settings(home=home)
    database, me = open_database(settings), open_access(settings)
    me.allow(Role.VIEWER, "compare versions", "diff-cohort", digest_of(name), version=first, other=second)
    older, newer = frozen(database, name, first), frozen(database, name, second)
    lists = [members_of(database, name, number) for number in (first, second)]
    _show_changes(older, between(older, newer, *lists), settings, most=most, as_json=as_json)


@cohort_app.command("export")
@guarded
def exported(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="A new folder.", file_okay=False)],
    version: Version = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help=f"Of {', '.join(FORMATS)}; repeatable. [default: all]")
    ] = None,
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="Nothing in the tables names a patient; the list of files is left out.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write a version: tables (CSV, Parquet), manifest.json, BIDS participants.tsv, and a script that copies files.

    The tables are readable by you alone. They name patients, unless --pseudonyms is given: then patients, studies and
    series have codes, and dates, paths and whatever people typed are left out (docs/privacy.md).
    """
    if unknown := sorted(set(formats or ()) - set(FORMATS)):
        raise typer.BadParameter(f"{unknown[0]!r} is none of: {', '.join(FORMATS)}", param_hint="--format")
    if pseudonyms and "copy" in (formats or ()):
        raise typer.BadParameter("copy gives files as they are: not with --pseudonyms", param_hint="--format")
    settings = read_settings(home=home)
    database, me = open_database(settings), open_access(settings)
    me.allow(
        Role.RESEARCHER, "export a cohort", "export", digest_of(name), version=version, pseudonyms=pseudonyms,
        formats=",".join(formats or FORMATS),
    )  # fmt: skip
    one = frozen(database, name, version)
    made = export(
        database, one, members_of(database, name, one.number), folder.absolute(),
        formats=formats or FORMATS, pseudonyms=pseudonyms, smallest=settings.smallest_count,
    )  # fmt: skip
    if as_json:
        facts = {"folder": str(made.folder), "files": list(made.files), "studies": made.studies}
        print_json({**facts, "missing": list(made.missing)})
        return
    out.print(f"{made.studies} studies in {plain(str(made.folder))}: {', '.join(made.files)}")
    if made.missing:
        err.print(f"{len(made.missing)} of them are no longer in the archive; they are listed without facts")


@cohort_app.command("codes")
@guarded
def codes(
    name: Name,
    file: Annotated[Path, typer.Argument(help="A new CSV file, which stays in the house.", dir_okay=False)],
    version: Version = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write whom the codes of an export with --pseudonyms stand for. The file is readable by you alone."""
    settings = read_settings(home=home)
    database, me = open_database(settings), open_access(settings)
    me.allow(Role.RESEARCHER, "write whom the codes of a cohort stand for", "codes", digest_of(name), version=version)
    one = frozen(database, name, version)
    members = members_of(database, name, one.number)
    try:
        write_csv(file, Pseudonyms(one).table(members), fresh=True)
    except FileExistsError:
        raise CohortError(f"{file} is there already; name another file") from None
    except OSError as error:
        raise CohortError(f"{file} cannot be written ({error.strerror})") from error
    if as_json:
        print_json({"path": str(file), "studies": len(members)})
    else:
        out.print(f"{len(members)} studies in {plain(str(file))}; keep it in the house")


@cohort_app.command("delete")
@guarded
def delete(
    name: Name,
    version: Annotated[
        int | None,
        typer.Option("--version", help="One version. [default: the cohort with all of them]", min=1, max=MOST),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Forget a cohort. Its definition is printed first, so that it can be frozen again; its old lists are lost."""
    settings = read_settings(home=home)
    database, me = open_database(settings), open_access(settings)
    me.require(Role.RESEARCHER, "delete a cohort")
    one = frozen(database, name, version)
    if one.owner != me.person.name:
        me.require(Role.MANAGER, "delete the cohort of somebody else")
    if not as_json:
        me.note("see-cohort", digest_of(name), version=version)
        out.print_json(data=dict(one.definition))
    if not yes and not typer.confirm(f"forget {name!r}{'' if version is None else f' version {version}'}?", err=True):
        raise typer.Exit(1)
    me.note("delete", digest_of(name), version=version)
    gone = delete_cohort(database, name, version)
    if as_json:
        print_json({"deleted": name, "versions": gone, "definition": one.definition})
    else:
        out.print(f"{gone} versions of {plain(name)} forgotten")


def _keep(database: Database, settings: Settings, me: Access, found: Evaluation) -> Frozen:
    """Freeze a list, on record before and after."""
    me.note("freeze", digest_of(found.definition.name), studies=len(found.members))
    kept = keep(database, settings.builds, found, owner=me.person.name)
    me.note("frozen", digest_of(kept.name), version=kept.number, studies=kept.studies)
    return kept


def _likeness(settings: Settings, database: Database) -> Callable[[], Any]:
    """Encoders are loaded at the first rule that compares."""
    held: list[Any] = []

    def open_once() -> Any:
        if not held:
            from spinecho.wiring import open_engine, read_image_query  # noqa: PLC0415

            engine = open_engine(settings, database=database)
            held.append(engine.likeness(lambda path: read_image_query(path, engine.dual)[0]))
        return held[0]

    return open_once


def _show_counts(found: Evaluation, settings: Settings, *, as_json: bool, kept: Frozen | None = None) -> None:
    smallest = settings.smallest_count
    parts = found.told_parts(smallest)
    alike = masked_balance([one.plain() for one in found.balance], smallest)
    if as_json:
        facts = {"cohort": found.definition.name, "attrition": masked_rows(found.attrition, smallest), "parts": parts}
        facts |= {"balance": alike} if alike else {}
        print_json({**facts, "warnings": list(found.told(smallest)), **({"version": kept.number} if kept else {})})
        return
    out.print(_attrition(found.attrition, settings))
    _show_balance(alike)
    if parts:
        out.print("  ".join(f"{part} {size}" for part, size in parts.items()))
    for warning in found.told(smallest):
        err.print(plain(warning), style="yellow")
    if kept:
        out.print(f"frozen as version {kept.number} of {plain(kept.name)}")


def _show_balance(rows: Sequence[Mapping[str, Any]]) -> None:
    """Standardised mean differences of matched cases and controls; those that are still apart stand out."""
    if not rows:
        return
    figures = [name for name in rows[0] if name not in ("fact", "value")]
    table = _table("cases against controls", "", *(name.replace("_", " ") for name in figures))
    for row in rows:
        cells = ["" if row[name] is None else str(row[name]) for name in figures]
        if isinstance(row["after"], float) and abs(row["after"]) >= BALANCED:
            cells[-1] = f"[yellow]{cells[-1]}[/]"
        table.add_row(plain(row["fact"].replace("_", " ")), plain(row["value"]) or "[dim]not recorded[/]", *cells)
    out.print()
    out.print(table)
    out.print("before, after: difference of means or shares in standard deviations; under 0.1 is balance", style="dim")


def _attrition(steps: Sequence[Any], settings: Settings) -> Table:
    table = _table("", "studies", "patients", "left")
    rows = masked_rows(list(steps), settings.smallest_count)
    most = max((number(row["studies"]) for row in rows), default=0) or 1
    for row in rows:
        bar = "█" * max(round(24 * number(row["studies"]) / most), 1 if row["studies"] else 0)
        table.add_row(plain(row["what"]), str(row["studies"]), str(row["patients"]), f"[cyan]{bar}[/]")
    return table


def _show_changes(
    one: Frozen, changes: Changes, settings: Settings, *, most: int, as_json: bool, kept: Frozen | None = None
) -> None:
    if as_json:
        facts = {"cohort": one.name, "version": one.number, **changes.plain()}
        print_json({**facts, **({"frozen": kept.number} if kept else {})})
        return
    known = (len(changes.added), len(changes.removed), changes.kept)
    sizes = [masked(size, settings.smallest_count) for size in known]
    out.print(f"against version {one.number}: {sizes[0]} added, {sizes[1]} removed, {sizes[2]} kept")
    for line in changes.definition:
        out.print(f"definition: {plain(line)}")
    signs = {"added": "[green]+[/]", "removed": "[red]-[/]", "moved": "[yellow]~[/]"}
    kinds = {"added": changes.added, "removed": changes.removed, "moved": changes.moved}
    for kind, why, size in changes.reasons():
        out.print(f"{signs[kind]} {masked(size, settings.smallest_count)} {plain(why)}")
        named = [change for change in kinds[kind] if change.why == why]
        for change in named[:most]:
            out.print(f"    {plain(change.study_uid)}", style="dim", highlight=False)
        if len(named) > most:
            out.print(f"    and {len(named) - most} more (--most, --json)", style="dim")
    if kept:
        out.print(f"frozen as version {kept.number} of {plain(kept.name)}")


def _facts(one: Frozen, settings: Settings) -> dict[str, Any]:
    smallest = settings.smallest_count
    sizes = masked_sizes(one.studies, one.patients, smallest)
    return {
        "cohort": one.name,
        "version": one.number,
        "description": one.description,
        "owner": one.owner,
        "frozen_at": one.created_at.isoformat() + "Z",
        "studies": sizes[0],
        "patients": sizes[1],
        "attrition": masked_rows(list(one.attrition), smallest),
        "balance": balance_of(one, smallest),
        "made_with": told_of(one, smallest),
    }


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        right = column in ("studies", "patients", "version")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    return table
