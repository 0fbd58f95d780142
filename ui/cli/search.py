"""`spinecho search`: the archive asked with words, a scan or a study."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from spinecho.db.filters.algebra import ALL, Filter
from spinecho.search.access.desk import Desk
from spinecho.settings import Settings, read_settings
from spinecho.ui.cli.feedback import thumbs_of
from spinecho.ui.cli.why import why
from spinecho.ui.opening import open_desk
from spinecho.ui.printing import tables
from spinecho.ui.printing.conditions import with_filters
from spinecho.ui.printing.options import (
    AsJson,
    Device,
    Encoder,
    Home,
    K,
    TextModel,
    Want,
    err,
    guarded,
    out,
    print_json,
)
from spinecho.wiring import read_scan_query, read_spot_query

search_app = typer.Typer(no_args_is_help=True, help="Ask the archive, with words, a scan or a study.")


class _Words(TyperCommand):
    """Takes "-lesion" for words, as the search box does; -k 5 and --options stay what they are."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words = re.compile(r"[-−][^\W\d_]{2}[^=]*")
        return super().parse_args(ctx, [f" {one}" if words.fullmatch(one) else one for one in args])


@search_app.command("text", cls=_Words)
@guarded
@with_filters
def search_text(
    words: Annotated[
        str,
        typer.Argument(
            help='What to look for, e.g. "left temporal glioma, no enhancement", an accession number, or a report. '
            "Without words the studies that pass the filters are listed by date."
        ),
    ] = "",
    k: K = 10,
    want: Want = "study",
    by: Annotated[
        Literal["everything", "words", "scans"],
        typer.Option(help="What the words are compared with: sentences of reports and headers, the scans, or both."),
    ] = "everything",
    like: Annotated[
        str | None, typer.Option("--like", help="A study's UID or a scan's path that results are to resemble too.")
    ] = None,
    refine: Annotated[bool, typer.Option("--refine", help="Use your thumbs on earlier results.")] = False,
    on: Annotated[
        list[str] | None, typer.Option("--on", help='Take these words for the condition that is offered, e.g. "t2".')
    ] = None,
    off: Annotated[
        list[str] | None, typer.Option("--off", help='Take these words as words, e.g. "women over 60". Repeatable.')
    ] = None,
    as_typed: Annotated[bool, typer.Option("--as-typed", help="Keep the spelling as it is.")] = False,
    *,
    where: Filter,
    home: Home = None,
    encoder: Encoder = None,
    text_model: TextModel = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Find studies (or reports, with --want report) with words.

    "no X" and -X leave out studies whose report affirms X, "quotes" are taken at their word, and word* stands for every
    word that begins so. Accession numbers, UIDs and dates are answered by exact match. Facts in words ("women over 60,
    from 2022, 3 tesla") become conditions where they can mean nothing else; others are offered, for --on. --like adds
    an example: "after contrast" --like STUDY is like this one, but after contrast. --refine uses the thumbs that
    'spinecho feedback add' kept for the same words and filters.
    """
    from spinecho.encoders.language.query_words import parse_query  # noqa: PLC0415
    from spinecho.search.planning.long_text import require_length  # noqa: PLC0415
    from spinecho.search.query import Evidence, StudyQuery, TextQuery  # noqa: PLC0415

    require_length(words)  # before anything slow is opened
    if where == ALL and like is None and not any(char.isalnum() for char in words):
        parse_query(words)
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)

    def query(desk: Desk) -> Any:
        example: Any = None
        if like is not None:
            path = Path(like)
            example = _read(path, desk) if path.exists() else StudyQuery(like)
        good, bad = thumbs_of(desk.verdicts(words, where)) if refine else ((), ())
        if refine and not (good or bad):
            err.print("no thumbs are kept for these words and filters; 'spinecho feedback add' keeps them", style="dim")
        chosen = (tuple(" ".join(key.casefold().split()) for key in some or ()) for some in (on, off))
        turned_on, turned_off = chosen
        return TextQuery(
            words, Evidence(by), like=example, good=good, bad=bad, on=turned_on, off=turned_off, as_typed=as_typed
        )

    _search(settings, query, want=want, k=k, where=where, as_json=as_json)


@search_app.command("image")
@guarded
@with_filters
def search_image(
    path: Annotated[Path, typer.Argument(help="A DICOM or NIfTI file, or a folder of DICOM files.")],
    k: K = 10,
    want: Want = "study",
    box: Annotated[
        str | None,
        typer.Option(
            "--box",
            help="Find this spot: R0,A0,S0,R1,A1,S1, fractions 0..1 from the left, posterior and inferior end, "
            "or voxels i0:i1,j0:j1,k0:k1 along R, A, S.",
        ),
    ] = None,
    *,
    where: Filter,
    home: Home = None,
    encoder: Encoder = None,
    text_model: TextModel = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Find studies that look like a scan, or with --want report the reports of such studies."""
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)

    def query(desk: Desk) -> Any:
        return _read(path, desk, box)

    _search(settings, query, want=want, k=k, where=where, as_json=as_json)


@search_app.command("study")
@guarded
@with_filters
def search_study(
    study_uid: Annotated[str, typer.Argument(help="StudyInstanceUID of a study that is indexed.")],
    k: K = 10,
    want: Want = "study",
    other_patients: Annotated[
        bool, typer.Option("--other-patients", help="Leave out studies of the same patient.")
    ] = False,
    *,
    where: Filter,
    home: Home = None,
    encoder: Encoder = None,
    text_model: TextModel = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Find studies that look like one that is indexed; the study itself is never among them."""
    from spinecho.search.query import StudyQuery  # noqa: PLC0415

    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    _search(settings, lambda _: StudyQuery(study_uid, other_patients), want=want, k=k, where=where, as_json=as_json)


def _read(path: Path, desk: Desk, box: str | None = None) -> Any:
    """The scan at `path` as a query; files that were left out are named."""
    spec = desk.preparation
    read, left_out = read_scan_query(path, spec) if box is None else read_spot_query(path, box, spec)
    for failure in left_out:
        err.print(f"left out {tables.plain(Path(failure.path).name)}: {failure.reason}", style="dim")
    return read


def _search(
    settings: Settings, make: Callable[[Desk], Any], *, want: str, k: int, where: Filter, as_json: bool
) -> None:
    from spinecho.search.answers.hits import results_json  # noqa: PLC0415
    from spinecho.search.query import Kind  # noqa: PLC0415

    if want not in set(Kind):
        raise typer.BadParameter(f"{want!r} is none of: {', '.join(Kind)}", param_hint="--want")
    desk = open_desk(settings)
    results = desk.search(make(desk), want=Kind(want), k=k, where=where)
    if as_json:
        print_json(results_json(results))
    else:
        tables.print_results(out, results)


search_app.command("why")(why)
