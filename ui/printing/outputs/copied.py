"""How copies without their patients are told."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from spinecho.pseudonyms.deidentified import Copied
from spinecho.ui.printing.tables import plain

_WHY = {
    "BURNED_IN": "their headers say that there are",
    "CAPTURE": "they are pictures of a screen",
    "OVERLAY": "drawings stand in unused bits of their pixels",
    "LETTERS": "letters were seen near the border",
    "UNSEEN": "their pixels could not be decoded",
}


def print_copied(out: Console, err: Console, made: Copied) -> None:
    """What was copied; what was not, and what to look at."""
    out.print(f"{made.files} files of {made.series} series and {made.studies} studies in {plain(str(made.folder))}")
    _tell(err, made.held, "series held back, as words may stand in their pictures")
    _tell(err, made.pixels, "series copied, though words may stand in their pictures")
    for reason, count in sorted(made.failed.items()):
        err.print(f"{count} files not copied: {reason}", style="yellow")
    if made.missing:
        err.print(f"{made.missing} studies are no longer in the archive", style="yellow")
    err.print(made.notice, style="dim")


def _tell(err: Console, counts: Mapping[str, int], what: str) -> None:
    for reason, count in sorted(counts.items()):
        err.print(f"{count} {what}: {_WHY.get(reason, reason)} ({reason})", style="yellow")
