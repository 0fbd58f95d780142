"""All layouts that are read, in the order in which a folder is tried.

LSpineSMRI (data.mendeley.com/datasets/kr8ttxsbb8, doi 10.17632/kr8ttxsbb8.2) has none of its own: its page tells 640
patients, 17,440 slices and reports, but no source that could be read tells how files and reports are named, so a reader
would be made of guesses. It is read as `captions`: a table with a line a patient, of the patient's folder and report.
"""

from __future__ import annotations

from pathlib import Path

from spinecho.search.evaluation.public.caption_table import CaptionTable
from spinecho.search.evaluation.public.cases import Layout, LayoutError
from spinecho.search.evaluation.public.mr_rate import MrRate
from spinecho.search.evaluation.public.radgenome_brain import RadGenomeBrain

LAYOUTS: tuple[Layout, ...] = (RadGenomeBrain(), MrRate(), CaptionTable())


def layout_of(folder: Path, name: str | None = None) -> Layout:
    """The layout of this name, or the first that the folder fits. Raises `LayoutError` naming what there is."""
    if not folder.is_dir():
        raise LayoutError(f"there is no folder {folder}; name the one that holds the data set")
    if name is None:
        found = next((one for one in LAYOUTS if one.fits(folder)), None)
        if found is None:
            known = "; ".join(f"{one.name}: {one.looks_for}" for one in LAYOUTS)
            raise LayoutError(f"{folder} is laid out like no public data set that is read here ({known})")
        return found
    named = next((one for one in LAYOUTS if one.name == name), None)
    if named is None:
        raise LayoutError(f"no layout {name!r}; there are {', '.join(one.name for one in LAYOUTS)}")
    if not named.fits(folder):
        raise LayoutError(f"{folder} is not laid out as {name}: {named.looks_for}")
    return named
