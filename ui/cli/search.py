"""`spinecho search`: the archive asked with words, a scan or a study."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from spinecho.db.filters.algebra import Filter
from spinecho.setup.settings import read_settings
from spinecho.ui.cli.series import series
from spinecho.ui.cli.why import why
from spinecho.ui.opening import open_archive
from spinecho.ui.printing import tables
from spinecho.ui.printing.conditions import with_filters
from spinecho.ui.printing.options import AsJson, Device, Encoder, Home, K, TextModel, Want, guarded, out, print_json

if TYPE_CHECKING:
    from spinecho.answering.results import Hits

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
    from spinecho.answering.questions import check_words  # noqa: PLC0415

    check_words(words, where, alone=like is None)  # before anything is opened
    reports = _reports(want)
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    found = open_archive(settings).search(
        words, where=where, k=k, by=by, like=like, reports=reports, refine=refine, on=on or (), off=off or (),
        as_typed=as_typed, key_images=False,
    )  # fmt: skip
    _print(found, as_json=as_json)


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
    reports = _reports(want)
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    found = open_archive(settings).similar(path, box=box, where=where, k=k, reports=reports, key_images=False)
    _print(found, as_json=as_json)


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
    reports = _reports(want)
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    found = open_archive(settings).similar(
        study=study_uid, where=where, k=k, other_patients=other_patients, reports=reports, key_images=False
    )
    _print(found, as_json=as_json)


def _reports(want: str) -> bool:
    if want not in ("study", "report"):
        raise typer.BadParameter(f"{want!r} is none of: study, report", param_hint="--want")
    return want == "report"


def _print(found: Hits, *, as_json: bool) -> None:
    if as_json:
        print_json(found.to_json())
    else:
        tables.print_results(out, found)


search_app.command("why")(why)
search_app.command("series")(series)
