"""`spinecho predict`: predictions and regions for what was indexed without them."""

from __future__ import annotations

import dataclasses
import os
from typing import Annotated

import typer

from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import (
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
from spinecho.ui.printing.outputs.predicted import print_predicted
from spinecho.ui.printing.progress_bars import progress_bars


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
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    archive = open_archive(settings)
    with progress_bars(err, quiet=as_json) as progress:
        done = archive.predict(workers=workers, limit=limit, memory_mb=memory_mb, on_progress=progress)
    if as_json:
        print_json(dataclasses.asdict(done))
    else:
        print_predicted(out, done)
    raise typer.Exit(1 if done.left_out else 0)
