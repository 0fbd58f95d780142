"""Where a study speaks for some words: slices, shares, and a picture with the heat map on it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from spinecho.db.errors import FilesChanged
from spinecho.db.values import SeriesCard
from spinecho.encoders.preparing.preparation import Grey, drawn, picture
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.tasks.image_tasks import PreparedVolume, read_task, unpack_read
from spinecho.search.access.personal_archive import PersonalArchive
from spinecho.search.answers.heat import Heat
from spinecho.setup.wiring import read_grey

_SIZE = 512
_PLANES = ("sagittal", "coronal", "axial")
_WARM = np.array([255.0, 120.0, 40.0])


@dataclass(frozen=True, slots=True)
class SeriesEvidence:
    """A series of a study and how it fits some words.

    cosine: of the scan with the words. slices: (slice of the plane, from 1; its share of the cosine), best first.
    picture: a PNG of the best slice with the heat map, where it was asked for.
    """

    uid: str
    description: str
    plane: str
    cosine: float
    slices: tuple[tuple[int, float], ...]
    picture: bytes | None = field(default=None, repr=False)


def evidence_of(personal: PersonalArchive, card: SeriesCard, words: str, *, slices: int, draw: bool) -> SeriesEvidence:
    """As `Archive.why`, of one series."""
    series = personal.open_series(card)
    heat = personal.evidence(words, series, read_again)
    grey = read_grey(series.source, key=series.key)
    axis = grey.slice_axis
    shares = heat.along(axis, grey.grey.shape[axis])
    best = np.argsort(-shares, kind="stable")[:slices]
    png = None
    if draw:
        packed = io.BytesIO()
        overlay(grey.grey, grey.spacing_mm, heat, axis=axis, index=int(best[0])).save(packed, "PNG")
        png = packed.getvalue()
    named = tuple((int(at) + 1, round(float(shares[at]), 4)) for at in best)
    return SeriesEvidence(card.uid, card.description, _PLANES[axis], round(heat.cosine, 4), named, png)


def overlay(grey: Grey, spacing: tuple[float, float, float], heat: Heat, *, axis: int, index: int) -> Image.Image:
    """A slice with the map on it, warm where it speaks for the words; see `encoders.preparing.preparation.drawn`."""
    base = picture(grey, spacing, axis=axis, index=index, size=_SIZE).astype(np.float32)
    map_ = heat.plane(axis, (index + 0.5) / grey.shape[axis])
    lengths = [n * mm for n, mm in zip(grey.shape, spacing, strict=True)]
    steps = tuple(length / count for length, count in zip(lengths, heat.cells.shape, strict=True))
    hot = drawn((map_ * 255).astype(np.uint8), (steps[0], steps[1], steps[2]), axis=axis, size=_SIZE) / 255.0
    strength = 0.55 * np.clip(hot[..., None] - 0.15, 0, 1) / 0.85
    mixed = base[..., None] * (1 - strength) + _WARM * strength
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8))


def read_again(spec: dict[str, Any], source: tuple[tuple[str, str], ...], key: str) -> PreparedVolume:
    """A stored volume, prepared again from its files as the spec says.

    Raises `FilesChanged` where they have changed or gone.
    """
    headers = [Header.from_json(header, path=path) for path, header in source]
    with Sandbox() as sandbox:
        outcome = sandbox.run(read_task(headers, spec=spec, max_volumes=64, seconds=120.0))
    for item in unpack_read(outcome.messages):
        if isinstance(item, PreparedVolume) and item.key == key:
            return item
    raise FilesChanged("the files of this series have changed or gone; run 'spinecho index' again")
