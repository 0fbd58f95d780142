"""`spinecho builds`: the vector index's builds, and what other kinds of index would give."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from spinecho.db.errors import StoreError
from spinecho.errors import QueryError
from spinecho.maintaining.vector_builds import FLAT_UP_TO, KINDS, require_space, wish_of
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import MOST, AsJson, Home, err, guarded, out, print_json
from spinecho.ui.printing.tables import plain

builds_app = typer.Typer(
    no_args_is_help=True,
    help="The vector index: its builds, a new one, and what each kind of index would give on your vectors.",
)
Space = Annotated[str | None, typer.Option("--space", help="image or text. [default: both]")]
Recall = Annotated[
    float, typer.Option("--recall", help="Share of the ten nearest to be found, measured.", min=0, max=1)
]
Memory = Annotated[
    int, typer.Option("--bytes-per-vector", help="Resident memory the index may take.", min=16, max=MOST)
]
FlatUpTo = Annotated[int, typer.Option("--flat-up-to", help="Vectors up to which all are compared.", min=0, max=MOST)]


@builds_app.command("list")
@guarded
def list_builds(home: Home = None, as_json: AsJson = False) -> None:
    """Show each space's builds: kind, size, and the recall and speed measured when it was made."""
    found = [one.to_json() for one in open_archive(read_settings(home=home)).builds.list()]
    if as_json:
        print_json({"builds": found})
        return
    table = _table("space", "build", "", "kind", "vectors", "recall@10", "p50 ms", "bytes/vector", "made")
    for facts in found:
        if "error" in facts:
            table.add_row(facts["space"], plain(facts["build"]), "", f"[red]{plain(facts['error'])}[/]")
        else:
            table.add_row(
                facts["space"],
                facts["build"],
                "serves" if facts["serves"] else "",
                facts["kind"],
                f"{facts['vectors']:,}",
                _figure(facts["recall"], 4),
                _figure(facts["p50_ms"], 2),
                _figure(facts["bytes_per_vector"], 0),
                facts["created_at"],
            )
    out.print(table, highlight=False)


@builds_app.command("make")
@guarded
def make_build(
    home: Home = None,
    space: Space = None,
    recall: Recall = 0.99,
    bytes_per_vector: Memory = 200,
    flat_up_to: FlatUpTo = FLAT_UP_TO,
    kind: Annotated[str | None, typer.Option("--kind", help=f"One of: {', '.join(KINDS)}. [default: chosen]")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new build from the database; pages and services that are open take it up without a restart.

    Up to --flat-up-to vectors, all are compared. Above, the smallest kind within --bytes-per-vector is taken that
    reaches --recall on vectors held out of it. Whatever stops this, the build that served goes on serving.
    """
    with _wrong("--kind"):
        wish_of(0.99, 200, 0, kind)
    with _wrong("--recall"):
        wish_of(recall, bytes_per_vector, flat_up_to, kind)
    with _wrong("--space"):
        require_space(space)
    archive = open_archive(read_settings(home=home))
    with err.status("") as status:
        builds = archive.builds.make(
            space=space, recall=recall, bytes_per_vector=bytes_per_vector, flat_up_to=flat_up_to, kind=kind,
            on_progress=status.update,
        )  # fmt: skip
    made = [{name: fact for name, fact in one.to_json().items() if name != "serves"} for one in builds]
    if as_json:
        print_json({"builds": made})
        return
    for facts in made:
        measured = (
            f", recall@10 {facts['recall']:.4f} at {facts['p50_ms']:.2f} ms" if facts["recall"] is not None else ""
        )
        note = f" ({plain(facts['note'])})" if facts["note"] else ""
        out.print(
            f"{facts['space']}: build {facts['build']}, {facts['vectors']:,} vectors, {facts['kind']}{measured}{note}",
            highlight=False,
        )


@builds_app.command("tune")
@guarded
def tune(
    home: Home = None,
    space: Space = None,
    kinds: Annotated[list[str] | None, typer.Option("--kind", help=f"Only this one: {', '.join(KINDS)}.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed holds out other vectors.", min=0, max=MOST)] = 0,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Also write tune.json, and a PNG where matplotlib is installed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what each kind of index would give on your vectors: recall@10, milliseconds, bytes, seconds to build.

    Each is built in memory over all vectors but a sample, which then asks for its neighbours; the truth is a
    comparison with all of them. Nothing is changed: 'spinecho builds make --kind' makes one of them.
    """
    with _wrong("--space"):
        require_space(space)
    archive = open_archive(read_settings(home=home))
    with err.status("") as status:
        found = archive.builds.tune(space=space, kinds=kinds, seed=seed, on_progress=status.update)
    value = {role: [dataclasses.asdict(one) for one in rows] for role, rows in found.items()}
    if folder is not None:
        _write(folder, value, quiet=as_json)
    if as_json:
        print_json(value)
        return
    for name, rows in found.items():
        table = _table(name, "breadth", "candidates", "recall@10", "p50 ms", "bytes/vector", "build s")
        for one in rows:
            setting = (str(one.breadth), str(one.candidates)) if one.breadth else ("all", "all")
            table.add_row(
                one.kind,
                *setting,
                f"{one.recall:.4f}",
                f"{one.p50_ms:.2f}",
                f"{one.bytes_per_vector:.0f}",
                f"{one.build_s}",
            )
        out.print(table, highlight=False)


@builds_app.command("sync")
@guarded
def sync(
    home: Home = None,
    space: Space = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Fill a new copy beside the one that serves, then let it serve.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have the server of vectors (SPINECHO_VECTORS: Milvus or pgvector) hold what is stored; searches ask it then.

    It goes on where the last one ended, or was stopped. Every block is read back; a new copy is measured against a
    comparison with all. The database stays the truth: where the server is down or wrong, the builds answer.
    """
    with _wrong("--space"):
        require_space(space)
    archive = open_archive(read_settings(home=home))
    with err.status("") as status:
        found = archive.builds.sync(space=space, anew=anew, on_progress=status.update)
    _print_copies([one.to_json() for one in found], as_json=as_json)


@builds_app.command("status")
@guarded
def server_status(home: Home = None, as_json: AsJson = False) -> None:
    """Show what the server of vectors holds of each space, what it lacks, and the recall measured when it was made."""
    found = open_archive(read_settings(home=home)).builds.status()
    _print_copies([one.to_json() for one in found], as_json=as_json)


def _print_copies(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"copies": found})
        return
    for facts in found:
        where = f"{facts['space']}: {plain(facts['server'])}"
        if "error" in facts:
            out.print(f"{where}: [red]not asked[/]: {plain(facts['error'])}", highlight=False)
        if facts["copy"]:
            out.print(
                f"{where}: copy {facts['copy']}, {facts['kind']}, {facts['vectors']:,} vectors, lacks "
                f"{facts['lacks']:,}, holds {facts['dropped']:,} that are gone",
                highlight=False,
            )
        for share, one in facts["measured"].items():
            out.print(f"  {share:>6} allowed: recall@10 {one['recall']:.4f}, {one['p50_ms']:.1f} ms", highlight=False)


@contextmanager
def _wrong(option: str) -> Iterator[None]:
    """What cannot be asked is the fault of an option."""
    try:
        yield
    except QueryError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _figure(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number and column not in {"build", "", "kind", "made"} else "left")
    return table


def _write(folder: Path, value: dict[str, Any], *, quiet: bool) -> None:
    import json  # noqa: PLC0415

    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tune.json").write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{folder} cannot be written ({error.strerror}); give another folder with --out") from error
    try:
        from spinecho.ui.printing.outputs.tuning_plots import write_trade_offs  # noqa: PLC0415
    except ImportError:
        if not quiet:
            err.print("no picture: it needs matplotlib (pip install '.[plots]')", style="dim", markup=False)
        return
    write_trade_offs(folder, value)
