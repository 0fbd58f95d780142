"""Names of volume files: what is their ending, and which files hold the voxels that a header beside them describes."""

from __future__ import annotations

import re

_ENDING = re.compile(
    r"\.(?:nii(?:\.gz)?|dcm\.gz|hdr(?:\.gz)?|img(?:\.gz)?|mgz|mgh(?:\.gz)?|nrrd|nhdr|mha|mhd|par|rec)$", re.IGNORECASE
)
DETACHED: dict[str, tuple[str, ...]] = {
    ".hdr": (".img", ".img.gz"),
    ".hdr.gz": (".img.gz", ".img"),
    ".nhdr": (".raw", ".raw.gz", ".gz", ".img", ".dat"),
    ".mhd": (".raw", ".zraw", ".raw.gz", ".img", ".dat"),
    ".par": (".rec",),
}
"""Ending of a header -> endings of the files of its voxels, as they are usually called."""


def image_stem(name: str) -> str:
    """A file's name without the ending of a format of volumes: `sub-01_T1w` for `sub-01_T1w.nii.gz`."""
    return _ENDING.sub("", name)


def image_ending(name: str) -> str:
    """The ending that `image_stem` takes off, in small letters, '' for another name."""
    found = _ENDING.search(name)
    return found[0].lower() if found else ""


def voxel_names(name: str) -> list[str]:
    """Names, in small letters, that the voxels of a header of this name may have; none for what holds its own."""
    stem = image_stem(name).lower()
    return [stem + ending for ending in DETACHED.get(image_ending(name), ())]


def header_names(name: str) -> list[str]:
    """Names, in small letters, that the header of a file of voxels may have; none for what is no such file."""
    lower = name.lower()
    return [
        lower[: -len(ending)] + header
        for header, endings in DETACHED.items()
        for ending in endings
        if lower.endswith(ending) and len(lower) > len(ending)
    ]
