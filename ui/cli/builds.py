"""`spinecho builds`: the vector index's builds, and what other kinds of index would give."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.table import Table

from spinecho.db.errors import BuildCorrupt, StoreError
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import Role, SpaceRecord
from spinecho.db.vectors.build import (
    Manifest,
    build_index,
    builds_newest_first,
    current_build,
    read_manifest,
    read_rows,
    write_rows,
)
from spinecho.db.vectors.index_plan import FLAT_UP_TO, Wish
from spinecho.db.vectors.trade_off import KINDS, TradeOff, trade_offs
from spinecho.people import open_access
from spinecho.search.access.desk import Role as Rank
from spinecho.settings import read_settings
from spinecho.ui.opening import open_database
from spinecho.ui.printing.options import MOST, AsJson, Home, err, guarded, out, print_json
from spinecho.ui.printing.tables import plain
from spinecho.wiring import indexing_lock

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
    settings = read_settings(home=home)
    found: list[dict[str, Any]] = []
    database = open_database(settings)
    open_access(settings).allow(Rank.VIEWER, "see encoders and builds", "see-builds")
    for role, space in _spaces(database, None):
        for name in builds_newest_first(settings.builds, space):
            facts: dict[str, Any] = {
                "space": role,
                "build": name,
                "serves": name == current_build(settings.builds, space),
            }
            try:
                facts |= _facts(read_manifest(settings.builds, space, name))
            except BuildCorrupt as error:
                facts["error"] = str(error)
            found.append(facts)
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
    wish = _wish(recall, bytes_per_vector, flat_up_to, kind)
    settings = read_settings(home=home)
    made: list[dict[str, Any]] = []
    with indexing_lock(settings), err.status("") as status:
        database = open_database(settings)
        open_access(settings).allow(Rank.MANAGER, "make a build", "make-build", kind=kind or "")
        for role, record in _spaces(database, space):
            status.update(f"{role}: reading vectors")
            manifest = build_index(database, settings.builds, record, wish=wish, say=status.update)
            made.append({"space": role, "build": manifest.build} | _facts(manifest))
    if as_json:
        print_json({"builds": made})
        return
    for facts in made:
        told = f", recall@10 {facts['recall']:.4f} at {facts['p50_ms']:.2f} ms" if facts["recall"] is not None else ""
        note = f" ({plain(facts['note'])})" if facts["note"] else ""
        out.print(
            f"{facts['space']}: build {facts['build']}, {facts['vectors']:,} vectors, {facts['kind']}{told}{note}",
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
    settings = read_settings(home=home)
    database = open_database(settings)
    open_access(settings).allow(Rank.MANAGER, "compare kinds of index", "tune-builds")
    found: dict[str, list[TradeOff]] = {}
    with err.status("") as status:
        for role, record in _spaces(database, space):
            with tempfile.TemporaryDirectory(dir=settings.home) as work:
                write_rows(database, record, Path(work))
                _, codes = read_rows(Path(work), dim=record.dim)
                found[role] = trade_offs(codes, kinds or KINDS, seed=seed, say=status.update)
    value = {role: [dataclasses.asdict(one) for one in rows] for role, rows in found.items()}
    if folder is not None:
        _write(folder, value, quiet=as_json)
    if as_json:
        print_json(value)
        return
    for name, rows in found.items():
        table = _table(name, "breadth", "candidates", "recall@10", "p50 ms", "bytes/vector", "build s")
        for one in rows:
            told = (str(one.breadth), str(one.candidates)) if one.breadth else ("all", "all")
            table.add_row(
                one.kind,
                *told,
                f"{one.recall:.4f}",
                f"{one.p50_ms:.2f}",
                f"{one.bytes_per_vector:.0f}",
                f"{one.build_s}",
            )
        out.print(table, highlight=False)


def _spaces(database: Database, only: str | None) -> Iterator[tuple[Role, SpaceRecord]]:
    if only is not None and only not in get_args(Role):
        raise typer.BadParameter(f"{only!r} is none of: {', '.join(get_args(Role))}", param_hint="--space")
    found = False
    for role in get_args(Role):
        record = storing.serving(database, role) if only in {None, role} else None
        if record is not None:
            found = True
            yield role, record
    if not found:
        raise StoreError("nothing is indexed yet; run 'spinecho index FOLDER' first")


def _wish(recall: float, bytes_per_vector: int, flat_up_to: int, kind: str | None) -> Wish:
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is none of: {', '.join(KINDS)}", param_hint="--kind")
    try:
        return Wish(recall=recall, bytes_per_vector=bytes_per_vector, flat_up_to=flat_up_to, kind=kind)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--recall") from error


def _facts(manifest: Manifest) -> dict[str, Any]:
    efforts = manifest.plan["efforts"]
    first = efforts[0] if efforts else {"recall": None, "p50_ms": None}
    return {
        "kind": manifest.kind,
        "vectors": manifest.count,
        "recall": first["recall"],
        "p50_ms": first["p50_ms"],
        "bytes_per_vector": manifest.plan["bytes_per_vector"] or 2 * int(manifest.space["dim"]) + 16,
        "note": manifest.plan["note"],
        "created_at": manifest.created_at,
    }


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
        from spinecho.ui.printing.tuning_plots import write_trade_offs  # noqa: PLC0415
    except ImportError:
        if not quiet:
            err.print("no picture: it needs matplotlib (pip install '.[plots]')", style="dim", markup=False)
        return
    write_trade_offs(folder, value)
