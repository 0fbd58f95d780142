"""`spinecho encoders`: what an archive holds, another encoder beside it, the switch, and back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive, show_warning
from spinecho.ui.printing.options import (
    AsJson,
    Device,
    Home,
    Limit,
    Memory,
    Ray,
    RayEncoders,
    err,
    guarded,
    out,
    print_json,
)
from spinecho.ui.printing.outputs.encoder_trials import print_advice, print_trial
from spinecho.ui.printing.outputs.figures_compared import print_compared
from spinecho.ui.printing.progress_bars import progress_bars
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.archive import Archive
    from spinecho.learning.encoder_spaces import HeldEncoder
    from spinecho.learning.encoder_trials import Terms

encoders_app = typer.Typer(
    no_args_is_help=True,
    help="The encoders that an archive holds: add one beside, compare, switch, roll back, retire (docs/encoders.md).",
)
Held = Annotated[str, typer.Argument(help="Its number or its name, as 'spinecho encoders list' shows them.")]


@encoders_app.command("list")
@guarded
def listed(home: Home = None, as_json: AsJson = False) -> None:
    """Show every encoder whose vectors of scans are held: which answers, what is lacking, what it takes."""
    found = open_archive(read_settings(home=home)).encoders.list()
    if as_json:
        print_json({"encoders": [one.to_json() for one in found]})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("number", "encoder", "", "scans", "lacking", "MB", "space"):
        table.add_column(column, justify="right" if column in {"number", "scans", "lacking", "MB"} else "left")
    for one in found:
        numbers = (f"{one.vectors:,}", f"{one.lacking:,}", f"{one.bytes / 1e6:,.1f}")
        table.add_row(str(one.number), plain(one.encoder), one.state, *numbers, plain(one.space))
    out.print(table, highlight=False)


@encoders_app.command("add")
@guarded
def add(
    encoder: Annotated[str, typer.Argument(help="Its name, see docs/encoders.md, e.g. tower:FOLDER.")],
    switch: Annotated[bool, typer.Option("--switch", help="Let it answer once no scan lacks its vector.")] = False,
    share: Annotated[
        float,
        typer.Option("--share", help="Of the time that is worked: 0.5 rests as long as it works.", min=0.01, max=1),
    ] = 1.0,
    workers: Annotated[int, typer.Option(help="Reading processes.", min=1, max=64)] = 1,
    limit: Limit = None,
    memory_mb: Memory = None,
    ray: Ray = None,
    ray_encoders: RayEncoders = None,
    home: Home = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Embed every scan with another encoder, beside the one that answers; nothing that answers is touched.

    Reads the scans again. What has its vector is not done again, so a run that was stopped goes on where it was, and
    what is indexed meanwhile is taken in by the next. Exit status: 0 whole, 1 some scans lack their vector, 2 wrong
    usage, 3 no room on the disk.
    """
    archive = open_archive(read_settings(home=home, device=device))
    with progress_bars(err, quiet=as_json) as progress:
        done = archive.encoders.add(
            encoder, workers=workers, limit=limit, memory_mb=memory_mb, share=share, switch=switch,
            ray=ray, ray_encoders=ray_encoders, on_progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(done.to_json())
    else:
        for warning in done.warnings:
            show_warning(warning)
        for reason, count in done.left_out.items():
            show_warning(f"{count:,} volumes left out: {reason}")
        out.print(f"{done.volumes:,} scans embedded, {done.ahead:,} lack their vector", highlight=False)
        _print_state(done.encoder)
    raise typer.Exit(1 if done.ahead else 0)


@encoders_app.command("compare")
@guarded
def compare(encoder: Held, home: Home = None, device: Device = None, as_json: AsJson = False) -> None:
    """Measure an encoder that is held against the one that answers, on the same held-out patients.

    Reports find scans and scans find reports, R@10 with chance, pool and 95 % interval, in all and within one region
    and sequence; a fifth of the patients, chosen by a digest, on whom 'spinecho adapt' never trains.
    """
    archive = open_archive(read_settings(home=home, device=device))
    with err.status("measuring"):
        found = archive.encoders.compare(encoder)
    if as_json:
        print_json(found.to_json())
    else:
        print_compared(found.figures, found.serves, found.other, patients=found.patients)


@encoders_app.command("switch")
@guarded
def switch(
    encoder: Held,
    incomplete: Annotated[bool, typer.Option("--incomplete", help="Though some scans lack their vector.")] = False,
    home: Home = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Let an encoder that is held answer from now on, in one transaction; open pages and servers follow by themselves.

    The one before stays, and 'spinecho encoders rollback' goes back to it.
    """
    archive = open_archive(read_settings(home=home, device=device))
    _print(archive.encoders.switch(encoder, incomplete=incomplete), as_json=as_json)
    _warn_of_concepts(archive)


@encoders_app.command("rollback")
@guarded
def rollback(home: Home = None, as_json: AsJson = False) -> None:
    """Let the encoder that answered before the last switch answer again, in one transaction."""
    archive = open_archive(read_settings(home=home))
    _print(archive.encoders.rollback(), as_json=as_json)
    _warn_of_concepts(archive)


@encoders_app.command("retire")
@guarded
def retire(
    encoder: Held,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take it back; possible until the next 'spinecho index'.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Give up an encoder that does not answer: the next 'spinecho index' deletes its vectors and builds."""
    _print(open_archive(read_settings(home=home)).encoders.retire(encoder, undo=undo), as_json=as_json)


@encoders_app.command("recommend")
@guarded
def recommend(home: Home = None, device: Device = None, as_json: AsJson = False) -> None:
    """Say which encoders are worth a try here, and why: one adapted to the reports, and those that others published.

    Looks at regions, languages and reports of the archive, at cores, memory, a card, free disk and the network, and
    says what each costs in hours of computing and in disk. Hours are worked out from how quickly this machine
    multiplies now; reading comes on top. Nothing is fetched.
    """
    with err.status("looking"):
        found = open_archive(read_settings(home=home, device=device)).encoders.recommend()
    if as_json:
        print_json(found.to_json())
    else:
        print_advice(found)


@encoders_app.command("try")
@guarded
def try_out(
    encoder: Annotated[str, typer.Argument(help="Its name, see 'spinecho encoders recommend', or KIND:OWNER/MODEL.")],
    source: Annotated[
        str, typer.Option("--from", help="A folder in the repository's layout, or the address of a mirror of the hub.")
    ] = "",
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="Its licence was read.")] = False,
    digest: Annotated[str, typer.Option("--digest", help="The sha256 that its weights must have.")] = "",
    only_fetch: Annotated[bool, typer.Option("--only-fetch", help="Fetch, verify and convert, and no more.")] = False,
    switch: Annotated[bool, typer.Option("--switch", help="Let it answer where it is better here.")] = False,
    share: Annotated[
        float,
        typer.Option("--share", help="Of the time that is worked: 0.5 rests as long as it works.", min=0.01, max=1),
    ] = 1.0,
    workers: Annotated[int, typer.Option(help="Reading processes.", min=1, max=64)] = 1,
    home: Home = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a published encoder, verify it, embed every scan beside, and measure both on the same held-out patients.

    Its licence is shown before anything is fetched, and asked for on a terminal. Each file is held against the digest
    that its repository states, weights also against the one that is known here; a pickle is converted to safetensors
    in a process without a network. What lies here already is not fetched again, and a run that was stopped goes on.
    Exit status: 0 better here, 1 not better or not measured, 2 not to be had or wrong usage, 3 no room on the disk.
    """
    archive = open_archive(read_settings(home=home, device=device))

    def accept(terms: Terms) -> bool:
        if not as_json:
            out.print(plain(str(terms)), soft_wrap=True, highlight=False)
        return accept_licence or (not as_json and sys.stdin.isatty() and typer.confirm("Accept this licence?"))

    with progress_bars(err, quiet=as_json) as progress:
        done = archive.encoders.try_out(
            encoder, source=source, digest=digest, accept_licence=accept, only_fetch=only_fetch, switch=switch,
            workers=workers, share=share, on_progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(done.to_json())
    else:
        print_trial(done)
    raise typer.Exit(0 if done.better or only_fetch or not done.encoder else 1)


def _warn_of_concepts(archive: Archive) -> None:
    stale = [one.name for one in archive.concepts.list() if one.stale and one.state == "serves"]
    if stale:
        show_warning(
            f"taught over another encoder: {', '.join(stale)}; what they predicted stands, new studies get nothing of "
            "them: 'spinecho teach NAME --again' teaches one over the encoder that answers"
        )


def _print(one: HeldEncoder, *, as_json: bool) -> None:
    if as_json:
        print_json(one.to_json())
    else:
        _print_state(one)


def _print_state(one: HeldEncoder) -> None:
    word = {
        "serves": "answers now",
        "before": "answered before; 'spinecho encoders rollback' goes back to it",
        "beside": f"is held beside; 'spinecho encoders switch {one.number}' lets it answer",
        "retired": f"goes with the next run; 'spinecho encoders retire {one.number} --undo' takes that back",
    }.get(one.state, f"is {plain(one.state)}, which another version of Spinecho knows")
    out.print(f"{plain(one.encoder)} (space {one.number}) {word}", soft_wrap=True, highlight=False)
    if one.lacking and one.state in {"serves", "before"}:
        show_warning(
            f"{one.lacking:,} scans have no vector of it and are not found by scans: "
            f"'spinecho encoders add {one.encoder}' embeds them"
        )
