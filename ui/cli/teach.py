"""`spinecho teach`: concepts from examples, what they predict, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from spinecho.setup.settings import read_settings
from spinecho.ui.cli.named import NamedGroup
from spinecho.ui.opening import open_archive, show_warning
from spinecho.ui.printing.options import MOST, AsJson, Home, err, guarded, out, print_json
from spinecho.ui.printing.progress_bars import progress_bars
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.learning.teaching import Concept

teach_app = typer.Typer(
    no_args_is_help=True,
    cls=NamedGroup,
    help='Teach a concept from examples: `spinecho teach "pituitary tumour" --from ...` (docs/teaching.md).',
)
Name = Annotated[str, typer.Argument(help="The concept, as in 'pituitary tumour'.")]


@teach_app.command("concept")
@guarded
def concept(
    name: Name,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="Where examples are: cohort:NAME (or NAME@VERSION, or a definition's file), thumbs:QUESTION, "
            "table:FILE, says:present(FINDING), filter:CONDITION. Repeatable.",
        ),
    ] = None,
    against: Annotated[
        str,
        typer.Option("--against", help="Studies without it: cohort:, filter: or table:, or 'rest' of the archive."),
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="From the sources of its newest version, and your thumbs on its name.")
    ] = False,
    label: Annotated[str | None, typer.Option("--label", help="The column of a table's labels.")] = None,
    positive: Annotated[
        str | None, typer.Option("--positive", help="The label of a table that means it; all others mean without it.")
    ] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Keep it, learnable or not, as a version that never predicts.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Teach a concept (the word `concept` may be left out): a head on the stored vectors; no scan is read.

    Measured by nested cross-validation over patients, near-duplicates on one side, and calibrated on held-out ones.
    What it says of every study becomes a predicted fact, 'predicted.NAME=yes', and of new studies with every run.
    Denials count as negatives with says:, and judgements with thumbs: and tables; a cohort or a filter needs
    --against. Exit status: 0 learned, 1 not learnable from this and nothing is kept (or a draft alone), 2 too few
    examples or wrong usage.
    """
    if not sources and not again:
        raise typer.BadParameter("name a place of examples, or --again", param_hint="--from")
    archive = open_archive(read_settings(home=home))
    with progress_bars(err, quiet=as_json) as progress:
        done = archive.teach(
            name, sources=sources or (), against=against, again=again, label=label, positive=positive, draft=draft,
            on_progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(done.to_json())
    else:
        out.print(plain(done.text), soft_wrap=True, highlight=False)
        if done.concept is not None:
            _print_state(done.concept)
    raise typer.Exit(0 if done.learnable else 1)


@teach_app.command("list")
@guarded
def listed(home: Home = None, as_json: AsJson = False) -> None:
    """Show every concept that was taught, version by version, and what it predicts."""
    found = open_archive(read_settings(home=home)).concepts.list()
    if as_json:
        print_json({"concepts": [one.to_json() for one in found]})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    right = {"version", "with", "without", "yes", "no", "unsure"}
    for column in ("concept", "version", "", "AUROC", "with", "without", "yes", "no", "unsure", "by", "taught"):
        table.add_column(column, justify="right" if column in right else "left")
    for one in found:
        auroc, counts = one.card["auroc"], [str(one.predicted.get(value, "")) for value in ("yes", "no", "unknown")]
        table.add_row(
            plain(one.name), str(one.version), one.state + (", stale" if one.stale else ""),
            f"{auroc['value']:.2f} ({auroc['low']:.2f} to {auroc['high']:.2f})",
            str(one.card["positives"]["studies"]), str(one.card["negatives"]["studies"]), *counts, plain(one.owner),
            f"{one.taught_at:%Y-%m-%d}",
        )  # fmt: skip
    out.print(table, highlight=False)


@teach_app.command("show")
@guarded
def show(
    name: Name,
    version: Annotated[
        int | None, typer.Option("--version", help="[default: the one that serves]", min=1, max=MOST)
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show a concept's card: what it was taught from, how well it knows it, when it answers."""
    found = open_archive(read_settings(home=home)).concepts.show(name, version)
    if as_json:
        print_json(found.to_json())
        return
    out.print(plain(found.text), soft_wrap=True, highlight=False)
    _print_state(found)


@teach_app.command("undo")
@guarded
def undo(name: Name, home: Home = None, as_json: AsJson = False) -> None:
    """Take the version that serves back: the one before predicts again, or nothing does."""
    archive = open_archive(read_settings(home=home))
    with progress_bars(err, quiet=as_json) as progress:
        done = archive.concepts.undo(name, on_progress=progress)
    if as_json:
        print_json(done.to_json())
        return
    now = f"version {done.serves} predicts again" if done.serves else "nothing is predicted of it now"
    out.print(f"version {done.undone} of {plain(done.name)} is undone; {now}", soft_wrap=True, highlight=False)


@teach_app.command("apply")
@guarded
def apply(
    name: Annotated[str | None, typer.Argument(help="One concept. [default: all that serve]")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Let concepts predict anew over everything; 'spinecho index' does so of what is new."""
    archive = open_archive(read_settings(home=home))
    with progress_bars(err, quiet=as_json) as progress:
        done, warnings = archive.concepts.apply(name, on_progress=progress)
    if as_json:
        print_json({"studies": done, "warnings": list(warnings)})
        return
    for warning in warnings:
        show_warning(warning)
    for one, studies in done.items():
        out.print(f"{plain(one)}: {studies:,} studies", highlight=False)


@teach_app.command("next")
@guarded
def following(
    name: Name,
    k: Annotated[int, typer.Option("-k", help="How many studies.", min=1, max=200)] = 12,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Name the studies that would teach most, uncertain and diverse first; none that you judged already.

    Judge them with 'spinecho feedback add NAME --good UID --bad UID', then 'spinecho teach NAME --again'.
    """
    found = open_archive(read_settings(home=home)).concepts.next_to_judge(name, k=k)
    if as_json:
        rows: list[dict[str, Any]] = [
            {"study_uid": one.study_uid, "probability": one.probability} for one in found
        ]  # fmt: skip
        print_json({"concept": name, "next": rows})
        return
    for one in found:
        out.print(f"{one.probability:.2f}  {plain(one.study_uid)}", highlight=False)


def _print_state(one: Concept) -> None:
    counts = ", ".join(f"{value} {count}" for value, count in one.predicted.items())
    word = {
        "serves": f"serves ({counts or 'nothing is predicted yet'}): --where '{one.condition}'",
        "replaced": "was replaced by a later version",
        "draft": "is a draft and predicts nothing",
        "undone": "is undone",
    }.get(one.state, f"is {plain(one.state)}, which another version of Spinecho knows")
    out.print(f"version {one.version} of {plain(one.name)} {word}", soft_wrap=True, highlight=False)
    if one.stale and one.state == "serves":
        show_warning(
            f"another encoder answers than the one that {one.name!r} was taught over: new studies get nothing of it; "
            f"'spinecho teach \"{one.name}\" --again' teaches it anew"
        )
