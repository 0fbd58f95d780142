"""What is read with a file from beside it, so that its change is the file's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from spinecho.db.values import Stat
from spinecho.encoders.reading.formats.names import image_ending, image_stem, voxel_names
from spinecho.encoders.reading.nifti.bids import applying, tables_of


def with_sidecars(files: Sequence[tuple[str, int, int]]) -> list[Stat]:
    """The files of a folder, with size and time of what is read with them: a sidecar, a file of voxels."""
    stamps = {name.lower(): f"{size}-{mtime}" for name, size, mtime in files if image_ending(name) or ".json" in name}
    if len(stamps) == 0:
        return [Stat(*file) for file in files]
    return [Stat(*file, companion=_companion(file[0], stamps)) for file in files]


def _companion(name: str, stamps: dict[str, str]) -> str:
    if not image_ending(name):
        return ""
    beside = [f"{image_stem(name).lower()}.json", *voxel_names(name)]
    return " ".join(stamps[other] for other in beside if other in stamps)


class Companions:
    """`with_sidecars` over the folders of a walk, those above before those below: BIDS files inherit from there."""

    def __init__(self) -> None:
        self._stamps: dict[Path, dict[str, str]] = {}
        """By folder, of tables of subjects and of JSON files that are no image's own."""

    def stats(self, folder: str, files: Sequence[tuple[str, int, int]]) -> list[Stat]:
        """The files of a folder, each with what is read with it."""
        here = Path(folder)
        stems = {image_stem(name) for name, _, _ in files if image_ending(name)}
        kept = {
            name: f"{size}-{mtime}"
            for name, size, mtime in files
            if (name.endswith(".json") and name[:-5] not in stems)
            or name.endswith(("participants.tsv", "_sessions.tsv"))
        }
        if kept:
            self._stamps[here] = kept
        found = with_sidecars(files)
        if not self._stamps:
            return found
        return [self._with_inherited(here, stat) if stat.name.startswith("sub-") else stat for stat in found]

    def _with_inherited(self, folder: Path, stat: Stat) -> Stat:
        if not image_ending(stat.name):
            return stat
        path = folder / stat.name
        names = {place: list(self._stamps[place]) for place in path.parents if place in self._stamps}
        description = [place / "dataset_description.json" for place in names]
        places = [*applying(path, names), *chain.from_iterable(tables_of(path)), *description]
        stamps = [self._stamps.get(place.parent, {}).get(place.name, "") for place in places]
        if not any(stamps):
            return stat
        digest = hashlib.sha256(" ".join(stamps).encode()).hexdigest()[:16]
        return stat._replace(companion=f"{stat.companion} {digest}".strip())
