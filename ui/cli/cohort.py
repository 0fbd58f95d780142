"""`spinecho cohort`: rules that choose studies, frozen lists, what changed since, and exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from spinecho.answering.lists import BALANCED, EXAMPLE, FORMATS, Changes, CohortCount, CohortError, FrozenCohort
from spinecho.db.csv_files import write_csv
from spinecho.db.people.masking import masked, number
from spinecho.setup.settings import Settings, read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.deidentifying import Dates, Descriptors, chosen, dates_of, descriptors_of
from spinecho.ui.printing.options import MOST, AsJson, Device, Encoder, Home, TextModel, err, guarded, out, print_json
from spinecho.ui.printing.outputs.copied import print_copied
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
    found = open_archive(settings).cohort(file).count()
    _show_counts(found, as_json=as_json)


@cohort_app.command("freeze")
@guarded
def freeze(
    file: File, home: Home = None, encoder: Encoder = None, text_model: TextModel = None, device: Device = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Keep the list that a definition gives now, as version 1 of its name or as the next one."""
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    kept = open_archive(settings).cohort(file).freeze()
    if kept.count is not None:
        _show_counts(kept.count, as_json=as_json, kept=kept)


@cohort_app.command("list")
@guarded
def listed(home: Home = None, as_json: AsJson = False) -> None:
    """Every version of every cohort."""
    known = open_archive(read_settings(home=home)).cohorts()
    if as_json:
        print_json({"cohorts": [one.to_json() for one in known]})
        return
    if not known:
        out.print("no cohort yet; 'spinecho cohort new FILE' begins one")
        return
    table = _table("cohort", "version", "studies", "patients", "frozen", "by")
    for one in known:
        by = str(one.made_with.get("frozen_by", one.owner))
        sizes = (str(one.studies), str(one.patients))
        table.add_row(plain(one.name), str(one.version), *sizes, f"{one.frozen_at:%Y-%m-%d %H:%M}", plain(by))
    out.print(table)


@cohort_app.command("show")
@guarded
def show(name: Name, version: Version = None, home: Home = None, as_json: AsJson = False) -> None:
    """A version: what each line left when it was frozen, and its studies (with --json)."""
    one = open_archive(read_settings(home=home)).cohort(name=name).version(version)
    if as_json:
        rows = [
            {"study_uid": member.study_uid, "patient": member.patient, "part": member.part, **member.facts}
            for member in one.members
        ]
        print_json({**one.to_json(), "definition": one.definition, "members": rows})
        return
    out.print(f"[bold]{plain(one.name)}[/] version {one.version}, frozen {one.frozen_at:%Y-%m-%d %H:%M}")
    if one.description:
        out.print(plain(one.description), style="dim")
    out.print(_attrition(one.attrition))
    _show_balance(one.balance)
    for note in one.made_with.get("notes", ()):
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
    found = open_archive(settings).cohort(name=name).rerun(version, freeze=freeze)
    _show_changes(name, found.version, found.changes, settings, most=most, as_json=as_json, kept=found.frozen)


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
    changes = open_archive(settings).cohort(name=name).diff(first, second)
    _show_changes(name, first, changes, settings, most=most, as_json=as_json)


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
    cohort = open_archive(read_settings(home=home)).cohort(name=name)
    made = cohort.write(folder, version=version, formats=formats, pseudonyms=pseudonyms)
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
    rows = open_archive(read_settings(home=home)).cohort(name=name).codes(version)
    try:
        write_csv(file, rows, fresh=True)
    except FileExistsError:
        raise CohortError(f"{file} is there already; name another file") from None
    except OSError as error:
        raise CohortError(f"{file} cannot be written ({error.strerror})") from error
    if as_json:
        print_json({"path": str(file), "studies": len(rows) - 1})
    else:
        out.print(f"{len(rows) - 1} studies in {plain(str(file))}; keep it in the house")


@cohort_app.command("copy")
@guarded
def copied(
    name: Name,
    folder: Annotated[
        Path, typer.Argument(help="A new folder, or one of a copying that was stopped.", file_okay=False)
    ],
    version: Version = None,
    dates: Dates = "shifted",
    descriptors: Descriptors = "cleaned",
    burnt_in: Annotated[
        str, typer.Option("--burnt-in", help="hold series back that may have words in their pictures, or copy them.")
    ] = "hold",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Copy the files of a version without whose they are: DICOM by PS3.15's basic profile, NIfTI without its texts.

    UIDs and numbers are mapped by this archive's key, the same in every call. A copying that was stopped goes on when
    it is called again. What the rules do not catch is in docs/deidentification.md, and said at the end. Exit status 1:
    some files could not be copied.
    """
    archive = open_archive(read_settings(home=home))
    made = archive.copy_cohort(
        name, folder, version=version, dates=dates_of(dates), descriptors=descriptors_of(descriptors),
        burnt_in=chosen("--burnt-in", burnt_in, "hold", "copy"),
    )  # fmt: skip
    if as_json:
        print_json(made.to_json())
    else:
        print_copied(out, err, made)
    raise typer.Exit(1 if made.failed else 0)


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
    which = "" if version is None else f" version {version}"

    def confirm(latest: FrozenCohort) -> bool:
        if not as_json:
            out.print_json(data=dict(latest.definition))
        return yes or typer.confirm(f"forget {name!r}{which}?", err=True)

    gone = open_archive(read_settings(home=home)).cohort(name=name).delete(version, confirm=confirm)
    if not gone.versions:
        raise typer.Exit(1)
    if as_json:
        print_json({"deleted": name, "versions": gone.versions, "definition": gone.latest.definition})
    else:
        out.print(f"{gone.versions} versions of {plain(name)} forgotten")


def _show_counts(found: CohortCount, *, as_json: bool, kept: FrozenCohort | None = None) -> None:
    if as_json:
        print_json({**found.to_json(), **({"version": kept.version} if kept else {})})
        return
    out.print(_attrition(found.attrition))
    _show_balance(found.balance)
    if found.parts:
        out.print("  ".join(f"{part} {size}" for part, size in found.parts.items()))
    for warning in found.warnings:
        err.print(plain(warning), style="yellow")
    if kept:
        out.print(f"frozen as version {kept.version} of {plain(kept.name)}")


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


def _attrition(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("", "studies", "patients", "left")
    most = max((number(row["studies"]) for row in rows), default=0) or 1
    for row in rows:
        bar = "█" * max(round(24 * number(row["studies"]) / most), 1 if row["studies"] else 0)
        table.add_row(plain(row["what"]), str(row["studies"]), str(row["patients"]), f"[cyan]{bar}[/]")
    return table


def _show_changes(
    name: str, version: int, changes: Changes, settings: Settings, *, most: int, as_json: bool,
    kept: FrozenCohort | None = None,
) -> None:  # fmt: skip
    if as_json:
        facts = {"cohort": name, "version": version, **changes.plain()}
        print_json({**facts, **({"frozen": kept.version} if kept else {})})
        return
    known = (len(changes.added), len(changes.removed), changes.kept)
    sizes = [masked(size, settings.smallest_count) for size in known]
    out.print(f"against version {version}: {sizes[0]} added, {sizes[1]} removed, {sizes[2]} kept")
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
        out.print(f"frozen as version {kept.version} of {plain(kept.name)}")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        right = column in ("studies", "patients", "version")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    return table
