"""`spinecho watch`: follow sources and folders as a service."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.deidentifying import Dates, Deidentify, Descriptors, dates_of, descriptors_of
from spinecho.ui.printing.options import MOST, Device, Encoder, Home, Memory, TextModel, guarded, out
from spinecho.ui.printing.tables import plain


@guarded
def watch(
    folders: Annotated[list[Path] | None, typer.Argument(help="Folders to follow beside the sources.")] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="This source alone; repeatable. [default: all]")
    ] = None,
    every: Annotated[float, typer.Option("--every", help="Seconds between two passes.", min=0.1, max=86_400)] = 60.0,
    passes: Annotated[int | None, typer.Option("--passes", help="End after so many.", min=1, max=MOST)] = None,
    workers: Annotated[int, typer.Option(help="Reading processes.", min=1, max=64)] = 2,
    memory_mb: Memory = None,
    hours: Annotated[
        str | None, typer.Option("--hours", help="Work in these hours of the day alone, local time, such as 20-6.")
    ] = None,
    grace_days: Annotated[
        float,
        typer.Option("--grace-days", help="Forget files that are gone from a folder for so long.", min=0, max=36_500),
    ] = 7.0,
    keep_gone: Annotated[bool, typer.Option("--keep-gone", help="Never forget files that are gone.")] = False,
    deidentify: Deidentify = False,
    dates: Dates = "shifted",
    descriptors: Descriptors = "cleaned",
    encoder: Encoder = None,
    text_model: TextModel = None,
    device: Device = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a pass.")] = False,
) -> None:
    """Follow sources and folders until it is stopped: what is new is taken and indexed, a line a pass.

    SIGTERM and Ctrl-C end it cleanly. A source that does not answer is named, and asked again by the next pass. Files
    that are gone from folders are forgotten after the grace period, unless a folder is empty or more than a fifth of
    its files are gone: then a pass says so. At the end of the hours what is under way stops, and goes on with the next.
    """
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    watching = open_archive(settings, create=True).watch(
        folders or (),
        sources=source or (),
        every=every,
        workers=workers,
        memory_mb=memory_mb,
        hours=hours,
        grace_days=None if keep_gone else grace_days,
        deidentify=deidentify,
        dates=dates_of(dates),
        descriptors=descriptors_of(descriptors),
    )

    def stop(number: int, frame: FrameType | None) -> None:
        watching.stop()
        if watching.indexing:  # a run may be killed anywhere, and the next goes on
            raise KeyboardInterrupt

    before = {one: signal.signal(one, stop) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        for done in watching.passes(passes):
            facts = done.to_json()
            if as_json:
                out.print(json.dumps(facts), highlight=False, soft_wrap=True, markup=False)
            else:
                indexed = ", ".join(f"{n} {name}" for name, n in facts["indexed"].items()) or "nothing to index"
                line = f"pass {done.number}: {done.studies} studies, {done.pulled} objects; {indexed}"
                forgotten = f"; {done.forgotten} forgotten" if done.forgotten else ""
                forgotten += f"; {done.gone} files gone and forgotten" if done.gone else ""
                out.print(plain("; ".join([line + forgotten, *done.trouble])), highlight=False, soft_wrap=True)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
