"""The `spinecho` command."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from spinecho.db.errors import StoreError
from spinecho.encoders.sandbox.environment import command_environment
from spinecho.people import open_access, open_record
from spinecho.search.access.desk import Role, digest_of
from spinecho.settings import as_environment, read_settings
from spinecho.ui.cli.builds import builds_app
from spinecho.ui.cli.cohort import cohort_app
from spinecho.ui.cli.evaluate import HELP as EVALUATE_HELP
from spinecho.ui.cli.evaluate import evaluate
from spinecho.ui.cli.facets import HELP as FACETS_HELP
from spinecho.ui.cli.facets import facets
from spinecho.ui.cli.feedback import feedback_app
from spinecho.ui.cli.record import record_app
from spinecho.ui.cli.search import search_app
from spinecho.ui.cli.train import train_app
from spinecho.ui.cli.why import why
from spinecho.ui.opening import open_database
from spinecho.ui.printing import tables
from spinecho.ui.printing.options import (
    MOST,
    AsJson,
    Device,
    Encoder,
    Home,
    Limit,
    Memory,
    TextModel,
    err,
    guarded,
    out,
    print_json,
)
from spinecho.ui.printing.usage import JsonUsage
from spinecho.wiring import indexing_lock, open_dual

app = typer.Typer(
    name="spinecho",
    cls=JsonUsage,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Find MR studies by what is in them: with words, with a scan, or with a study.\n\n"
    'Start with `spinecho index FOLDER`, then `spinecho search text "..."`. '
    "For retrieval, teaching and research; not a diagnostic device.",
)
db_app = typer.Typer(no_args_is_help=True, help="Look after the database.")
app.add_typer(search_app, name="search")
app.add_typer(feedback_app, name="feedback")
app.add_typer(cohort_app, name="cohort")
search_app.command("why")(why)
app.add_typer(db_app, name="db")
app.add_typer(builds_app, name="builds")
app.add_typer(train_app, name="train")
app.add_typer(record_app, name="record")


@app.command()
@guarded
def index(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of DICOM, NIfTI and reports. [default: those of the last run]")
    ] = None,
    home: Home = None,
    workers: Annotated[int, typer.Option(help="Reading processes.", min=1, max=64)] = min(4, os.cpu_count() or 1),
    limit: Limit = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Skip unchanged files; --no-resume looks at all of them again.")
    ] = True,
    retry: Annotated[bool, typer.Option("--retry", help="Try rejected files again.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Forget files that are gone from the disk.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do so even where more than a fifth of an archive is gone.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Also find files that changed with the same size and time: read all of them."),
    ] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build the vector index anew from the database.")] = False,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Also read what links lead to outside of the folders.")
    ] = False,
    memory_mb: Memory = None,
    max_volumes: Annotated[
        int, typer.Option(help="Volumes embedded of one series, evenly spread.", min=1, max=10_000)
    ] = 8,
    encoder: Encoder = None,
    text_model: TextModel = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Index folders of DICOM, NIfTI and reports, or go on with it.

    Unchanged files cost a stat. A run that was killed goes on where it stopped. Reports (.txt, .csv, .jsonl) are
    joined to studies by accession number or StudyInstanceUID. Exit status: 0 all well, 1 some files were rejected or
    could not be read ('spinecho failures' lists them), 2 wrong usage, 3 the disk, the rights or the server failed,
    4 stored data are damaged.
    """
    from spinecho.indexer.pipeline import Options, index_archive  # noqa: PLC0415

    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    from spinecho.outcomes import roots_of  # noqa: PLC0415
    from spinecho.ui.printing.progress_bars import progress_bars  # noqa: PLC0415

    open_access(settings).allow(
        Role.MANAGER, "index the archive", "index", retry=retry, prune=prune, rebuild=rebuild, again=not resume
    )
    with indexing_lock(settings):
        database = open_database(settings, create=True)
        roots = roots_of(folders, database)
        options = Options(
            workers=workers,
            max_volumes=max_volumes,
            limit=limit,
            retry=retry,
            prune=prune,
            yes=yes,
            verify=verify,
            rebuild=rebuild,
            again=not resume,
            follow_links=follow_links,
            memory_mb=memory_mb,
        )
        opened = functools.cache(lambda: open_dual(settings))
        with progress_bars(err, quiet=as_json) as progress:
            summary = index_archive(
                database,
                settings.builds,
                roots,
                opened,
                options=options,
                progress=progress,
                skip=settings.home,
            )
        from spinecho.ui.cli.self_test import run_self_test  # noqa: PLC0415

        if warning := run_self_test(database, opened, console=err):
            summary = dataclasses.replace(summary, warnings=(*summary.warnings, warning))
    if as_json:
        print_json(dataclasses.asdict(summary))
    else:
        tables.print_summary(out, summary)
    raise typer.Exit(1 if summary.mendable else 0)


@app.command()
@guarded
def status(
    home: Home = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read everything that is stored and see that it is what was written.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is indexed, what is pending, and how the last run went.

    With --check the database's structure, the checksum of every row, and every vector of every build are checked; what
    is damaged is named with what helps. Exit status: 0 all well, 4 something is damaged.
    """
    from spinecho.status_facts import status_facts  # noqa: PLC0415
    from spinecho.ui.printing.damage import require_undamaged  # noqa: PLC0415

    settings = read_settings(home=home)
    database = open_database(settings)
    open_access(settings).allow(Role.VIEWER, "see the archive", "see-archive")
    if check:
        require_undamaged(database, settings, out, as_json=as_json)
    facts = status_facts(database, settings) | ({"damaged": []} if check else {})
    if as_json:
        print_json(facts)
    else:
        tables.print_status(out, facts)


@app.command()
@guarded
def failures(
    home: Home = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason code, e.g. TRUNCATED.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also files that are merely nothing to embed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what is not in the index, and why: files by reason, and reports without a study."""
    from spinecho.status_facts import failure_facts  # noqa: PLC0415

    settings = read_settings(home=home)
    database = open_database(settings)
    open_access(settings).allow(
        Role.MANAGER, "see which files were rejected", "see-failures", digest_of(reason or ""), everything=everything
    )
    facts = failure_facts(database, reason=reason, everything=everything)
    if as_json:
        print_json(facts)
    else:
        tables.print_failures(out, facts)


@app.command()
@guarded
def predict(
    home: Home = None,
    workers: Annotated[int, typer.Option(help="Reading processes.", min=1, max=64)] = min(4, os.cpu_count() or 1),
    limit: Limit = None,
    memory_mb: Memory = None,
    encoder: Encoder = None,
    text_model: TextModel = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Add what the encoder's heads predict, and its regions, to what was indexed without them.

    Reads the scans again; vectors stay as they are. Volumes that have it all are skipped, so a run that was stopped
    goes on where it was. Exit status: 0 all well, 1 some volumes could not be done, 2 wrong usage.
    """
    from spinecho.ui.cli.predict import predict_home, print_predicted  # noqa: PLC0415

    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    done = predict_home(settings, workers=workers, limit=limit, memory_mb=memory_mb, console=err, quiet=as_json)
    if as_json:
        print_json(dataclasses.asdict(done))
    else:
        print_predicted(out, done)
    raise typer.Exit(1 if done.left_out else 0)


@app.command()
@guarded
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write the archive.")] = Path("demo/archive"),
    studies: Annotated[int, typer.Option(help="How many studies.", min=1, max=100_000)] = 24,
    seed: Annotated[int, typer.Option(help="Another seed makes another archive.", min=0, max=MOST)] = 0,
    tour: Annotated[bool, typer.Option("--tour", help="Also index it and run a few searches.")] = False,
    home: Home = None,
    device: Device = None,
) -> None:
    """Write a synthetic DICOM archive with reports to try everything on."""
    try:
        from spinecho.ui.cli.demo import take_tour, write_demo  # noqa: PLC0415
    except ImportError as error:
        raise StoreError(f"the demonstration archive needs {error.name}: pip install '.[demo]'") from error

    write_demo(folder, studies=studies, seed=seed, console=err)
    if tour:
        settings = read_settings(home=home, device=device)
        take_tour(folder, settings, out=out, err=err)
    else:
        shown = tables.plain(str(folder))
        out.print(f"Written to {shown}. Next: spinecho index {shown}", highlight=False)


@app.command()
@guarded
def ui(
    home: Home = None,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8501,
    address: Annotated[
        str, typer.Option(help="Address to listen on. Others than 127.0.0.1 are open to the network.")
    ] = "127.0.0.1",
    host: Annotated[
        list[str] | None, typer.Option("--host", help="A further name that the room goes by, such as a proxy's.")
    ] = None,
    allowed: Annotated[bool, typer.Option("--open", help="Listen beyond this machine though nobody signs in.")] = False,
    theme: Annotated[Literal["dark", "light"], typer.Option(help="Colours of the pages.")] = "dark",
    encoder: Encoder = None,
    device: Device = None,
) -> None:
    """Open the reading room in a browser: search, studies, cohorts, archive, evaluation.

    Used alone it asks nobody to sign in; its first address holds a secret, which the browser then remembers. Where
    HOME/secrets.toml has a section `auth` for an OpenID Connect provider, people sign in, and HOME/roles.toml says who
    may do what (docs/reading-room.md).
    """
    from spinecho.ui.server.serve import check_address  # noqa: PLC0415

    settings = read_settings(home=home, encoder=encoder, device=device)
    check_address(address, settings, allowed=allowed)
    open_database(settings).close()  # says what is wrong here rather than in the browser
    open_record(settings)
    command = [
        sys.executable,
        "-P",
        "-m",
        "spinecho.ui.server.serve",
        f"--address={address}",
        f"--port={port}",
        f"--theme={theme}",
    ]
    command += [f"--host={name}" for name in host or ()] + (["--open"] if allowed else [])
    os.execve(sys.executable, command, command_environment({**os.environ, **as_environment(settings)}))  # noqa: S606


@db_app.command("upgrade")
@guarded
def db_upgrade(home: Home = None, as_json: AsJson = False) -> None:
    """Bring an older database to this version's schema; a copy is kept beside it."""
    from spinecho.db.schema.database import HEAD, upgrade  # noqa: PLC0415
    from spinecho.db.schema.engines import shown  # noqa: PLC0415
    from spinecho.db.store.erasing import erase_traces  # noqa: PLC0415
    from spinecho.db.vectors.kept_up import refresh_builds, refresh_snapshot  # noqa: PLC0415
    from spinecho.indexer.facts_again import derive_facts  # noqa: PLC0415
    from spinecho.indexer.reports.derive import settle_reports  # noqa: PLC0415
    from spinecho.indexer.reports.rereading import read_again  # noqa: PLC0415
    from spinecho.ui.cli.self_test import run_self_test  # noqa: PLC0415

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
    from spinecho.db.schema.copies import copies_of, remove_copies  # noqa: PLC0415

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


app.command(help=EVALUATE_HELP)(guarded(evaluate))
app.command(help=FACETS_HELP)(guarded(facets))


def main() -> None:
    """Entry point of the installed command."""
    app()


if __name__ == "__main__":
    main()
