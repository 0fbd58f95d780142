"""Where a study speaks for some words: slices, scores, and a picture with outlines of what stands out."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spinecho.db.errors import FilesChanged
from spinecho.db.values import SeriesCard
from spinecho.encoders.errors import ReadError, Reason
from spinecho.encoders.preparing.preparation import Grey, picture
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.tasks.image_tasks import PreparedVolume, read_task, unpack_read
from spinecho.search.access.personal_archive import PersonalArchive
from spinecho.search.evidence.heat import Heat
from spinecho.setup.at_source import is_away
from spinecho.setup.wiring import read_grey

_SIZE = 512
_PLANES = ("sagittal", "coronal", "axial")
_LINE = (255, 190, 90)


@dataclass(frozen=True, slots=True)
class SeriesEvidence:
    """A series of a study and how it fits some words.

    cosine: of the scan with the words. score: of its hottest part, on a scale that is the same for every study of the
    archive: 0 is what these words give to its parts on average. floor: what unrelated words reach; below it nothing
    stands out, and no slice is named. slices: (slice of the plane, from 1; the highest score on it) of those that reach
    the floor, best first. picture: a PNG of the best slice with outlines, where it was asked for and something stands
    out.
    """

    uid: str
    description: str
    plane: str
    cosine: float
    score: float
    floor: float
    slices: tuple[tuple[int, float], ...]
    picture: bytes | None = field(default=None, repr=False)

    @property
    def stands_out(self) -> bool:
        """Whether anything in the series does."""
        return self.score >= self.floor


def evidence_of(personal: PersonalArchive, card: SeriesCard, words: str, *, slices: int, draw: bool) -> SeriesEvidence:
    """As `Archive.why`, of one series."""
    series = personal.open_series(card)
    heat = personal.evidence(words, series, read_again)
    grey = read_grey(series.source, key=series.key)
    axis = grey.slice_axis
    scores = heat.along(axis, grey.grey.shape[axis])
    png, named = None, []
    if heat.stands_out:
        best = [int(at) for at in np.argsort(-scores, kind="stable")[:slices]]
        named = [(at + 1, round(float(scores[at]), 2)) for at in best if at == best[0] or scores[at] >= heat.floor]
        if draw:
            packed = io.BytesIO()
            outlined(grey.grey, grey.spacing_mm, heat, axis=axis, index=best[0]).save(packed, "PNG")
            png = packed.getvalue()
    return SeriesEvidence(
        card.uid, card.description, _PLANES[axis], round(heat.cosine, 4), round(heat.hottest, 2), round(heat.floor, 2),
        tuple(named), png,
    )  # fmt: skip


def outlined(grey: Grey, spacing: tuple[float, float, float], heat: Heat, *, axis: int, index: int) -> Image.Image:
    """A slice with outlines of what stands out: dashed at the floor, solid where it is far above.

    As `encoders.preparing.preparation.drawn` lays it out; the scan under the lines stays as it is.
    """
    base = picture(grey, spacing, axis=axis, index=index, size=_SIZE)
    drawn = np.repeat(base[..., None], 3, axis=2)
    scores = _on_canvas(heat.plane(axis, (index + 0.5) / grey.shape[axis]), grey.shape, spacing, axis)
    for number, level in enumerate(heat.levels):
        line = _edge(scores >= level)
        if number == 0:  # dashes along diagonals: no line runs far beside one
            rows, columns = np.indices(line.shape)
            line &= (rows + 2 * columns) % 24 < 15
        drawn[_wider(line)] = 0
        drawn[line] = _LINE
    return Image.fromarray(drawn)


def _on_canvas(
    scores: NDArray[np.float32], shape: tuple[int, ...], spacing: tuple[float, float, float], axis: int
) -> NDArray[np.float32]:
    """Scores of a slice where `drawn` puts it, lowest where there is no scan."""
    wide, high = (shape[other] * spacing[other] for other in range(3) if other != axis)
    scale = _SIZE / max(wide, high)
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    flat = Image.fromarray(np.ascontiguousarray(scores.T[::-1, ::-1])).resize(size, Image.Resampling.BICUBIC)
    canvas = np.full((_SIZE, _SIZE), -np.inf, np.float32)
    top, left = (_SIZE - size[1]) // 2, (_SIZE - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = np.asarray(flat)
    return canvas


def _edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The rim of an area, two pixels wide."""
    kept = inside.copy()
    for _ in range(2):
        kept = ~_wider(~kept)
    return inside & ~kept


def _wider(area: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """An area and its neighbours; beyond the canvas there is none of it."""
    padded = np.pad(area, 1)
    found: NDArray[np.bool_] = (
        padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    )
    return found


def read_again(spec: dict[str, Any], source: tuple[tuple[str, str], ...], key: str) -> PreparedVolume:
    """A stored volume, prepared again from its files as the spec says.

    Raises `FilesChanged` where they have changed or gone, `ReadError` where they stay at a source that does not answer.
    """
    headers = [Header.from_json(header, path=path) for path, header in source]
    with Sandbox() as sandbox:
        outcome = sandbox.run(read_task(headers, spec=spec, max_volumes=64, seconds=120.0))
    for item in unpack_read(outcome.messages):
        if isinstance(item, PreparedVolume) and item.key == key:
            return item
    if is_away([path for path, _ in source]):
        raise ReadError(Reason.AT_ITS_SOURCE, f"this series cannot be read: {Reason.AT_ITS_SOURCE.remedy}")
    raise FilesChanged("the files of this series have changed or gone; run 'spinecho index' again")
