"""`spinecho adapt`: a better encoder from the archive's own reports, proven on held-out patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive, show_warning
from spinecho.ui.printing.options import AsJson, Device, Home, err, guarded, out, print_json
from spinecho.ui.printing.outputs.figures_compared import print_adapted
from spinecho.ui.printing.progress_bars import progress_bars
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.learning.adapting import Adapted


@guarded
def adapt(
    switch: Annotated[bool, typer.Option("--switch", help="Let it answer where it is better.")] = False,
    minutes: Annotated[float, typer.Option("--minutes", help="Of training, at most.", min=0.1, max=10_000)] = 40.0,
    share: Annotated[
        float,
        typer.Option("--share", help="Of the time that is worked while embedding: 0.5 rests half.", min=0.01, max=1),
    ] = 1.0,
    home: Home = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Make a better encoder from the archive's own reports, and prove it on held-out patients.

    Light networks learn from what reports affirm and deny, over the vectors that the index holds: no scan is read,
    and a CPU does. A fifth of the patients, chosen by a digest, is never trained on; before, after, and a ridge from
    the same features are measured on these, with intervals. What is certainly better is embedded beside the encoder
    that answers, and with --switch answers from then on; 'spinecho encoders rollback' goes back. A run that was
    stopped goes on. Exit status: 0 better, 1 not better and not offered, 2 too little to learn from.
    """
    archive = open_archive(read_settings(home=home, device=device))
    with progress_bars(err, quiet=as_json) as progress:
        done = archive.adapt(switch=switch, minutes=minutes, share=share, on_progress=progress)
    if as_json:
        print_json(done.to_json())
    else:
        _print(done)
    raise typer.Exit(0 if done.better else 1)


def _print(done: Adapted) -> None:
    print_adapted(done.figures, done.patients)
    for warning in (*done.warnings, *(done.added.warnings if done.added is not None else ())):
        show_warning(warning)
    out.print(plain(done.why), soft_wrap=True, highlight=False)
    held = done.held
    if held is not None:
        word = "answers now" if held.state == "serves" else "is held beside"
        further = (
            "'spinecho encoders rollback' goes back"
            if held.state == "serves"
            else f"'spinecho encoders switch {held.number}' lets it answer"
        )
        out.print(
            f"{plain(done.encoder)} {word} ({held.bytes / 1e6:,.0f} MB); {further}", soft_wrap=True, highlight=False
        )
