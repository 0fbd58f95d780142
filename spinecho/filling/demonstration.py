"""A synthetic archive to try everything on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from spinecho.db.errors import StoreError
from spinecho.setup.places import place_of

if TYPE_CHECKING:
    import os


def write_demo(
    folder: str | os.PathLike[str],
    *,
    studies: int = 24,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write DICOM files and reports of synthetic studies, with what is true of each in `truth.json`.

    The same seed gives the same bytes. on_progress: called with (studies written, studies). Raises `StoreError` where
    what it is made of is not installed (the extra `demo`).
    """
    try:
        from spinecho.indexer.phantom import PhantomDataMissing, write_archive  # noqa: PLC0415
    except ImportError as error:
        raise StoreError(f"the demonstration archive needs {error.name}: pip install '.[demo]'") from error
    try:
        write_archive(place_of(folder), studies=studies, seed=seed, progress=on_progress)
    except PhantomDataMissing as error:
        raise StoreError(str(error)) from error
