"""The demonstration: write an archive, index it, ask it four kinds of question, say what to try next."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress as Bars
from rich.rule import Rule

from spinecho.answering.results import Hits
from spinecho.filling import demonstration
from spinecho.setup.settings import Settings, read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing import tables
from spinecho.ui.printing.options import MOST, Device, Home, err, guarded, out
from spinecho.ui.printing.progress_bars import progress_bars

_SHOWN = 3
_QUESTIONS = (
    "acute infarct with restricted diffusion in the left hemisphere",
    "ring-enhancing mass with surrounding oedema",
)
_SEEN = "meningioma of the right hemisphere"
"""Asked of the scans alone, by the encoder that ships."""


def write_demo(folder: Path, *, studies: int, seed: int, console: Console) -> None:
    """Write the synthetic archive with a progress bar on a terminal."""
    with Bars(console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("writing the archive", total=studies)
        demonstration.write_demo(
            folder,
            studies=studies,
            seed=seed,
            on_progress=lambda done, total: bars.update(task, completed=done, total=total),
        )


def take_tour(folder: Path, settings: Settings, *, out: Console, err: Console) -> None:
    """Index the archive and search it in all four ways."""
    archive = open_archive(settings, create=True)
    with progress_bars(err, quiet=False) as progress:
        outcome = archive.index(folder, on_progress=progress)
    out.print(Rule("indexed", align="left"))
    tables.print_summary(out, outcome)
    for words in _QUESTIONS:
        _print(out, f'text to image: "{words}"', archive.search(words, k=_SHOWN))
    pictures = archive.search(_SEEN, by="scans", k=_SHOWN)
    _print(out, f'text to image, by the scans alone, no report read: "{_SEEN}"', pictures)
    first = next(iter(archive.search(_QUESTIONS[1], k=1)), None)
    if first is None or first.study is None or not first.series:
        return
    scan, uid = Path(first.series[0].paths[0]).parent, first.study.uid
    reports = archive.reports_for(scan, k=_SHOWN)
    _print(out, f"image to text: reports of studies that look like {scan.name}", reports)
    _print(out, "image to image: studies that look like that one", archive.similar(study=uid, k=_SHOWN))
    _print(out, 'text to text: "no haemorrhage"', archive.search("no haemorrhage", reports=True, k=_SHOWN))
    archive.close()
    _next_steps(out, settings, uid, scan)


def _print(out: Console, title: str, found: Hits) -> None:
    out.print()
    out.print(Rule(tables.plain(title), align="left"))
    tables.print_results(out, found)


def _next_steps(out: Console, settings: Settings, uid: str, scan: Path) -> None:
    command = "spinecho" if shutil.which("spinecho") else _near(Path(sys.argv[0]))
    home = f"--home {_near(settings.home)}"
    out.print()
    out.print(Rule("what to try next", align="left"))
    for line, why in (
        (f"ui {home}", "open the search page in a browser"),
        (f'search text "glioma, no enhancement" {home}', "what a report affirms can be excluded"),
        (f'search text "white matter lesions" --sequence FLAIR --age 60- {home}', "with filters"),
        (f"search image {_near(scan)} {home}", "a folder, a DICOM file or a NIfTI file"),
        (f"search study {uid} {home}", "more like one that is indexed"),
        (f"index FOLDER {home}", "your own archive"),
    ):
        out.print(f"  {tables.plain(f'{command} {line}')}", highlight=False, soft_wrap=True)
        out.print(f"    [dim]{why}[/]", highlight=False)


def _near(path: Path) -> str:
    """The path as typed from here, where it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else str(path)


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
    write_demo(folder, studies=studies, seed=seed, console=err)
    if tour:
        settings = read_settings(home=home, device=device)
        take_tour(folder, settings, out=out, err=err)
    else:
        words = ["spinecho", "index", str(folder), *(["--home", str(home)] if home else [])]
        out.print(
            f"Written to {tables.plain(str(folder))}. Next: {tables.plain(shlex.join(words))}",
            highlight=False,
            soft_wrap=True,
        )
