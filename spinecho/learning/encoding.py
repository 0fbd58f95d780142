"""Sentences and scans to vectors, without an archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.registry import DEFAULT, open_encoder
from spinecho.encoders.space import Space
from spinecho.errors import QueryError
from spinecho.setup.places import place_of
from spinecho.setup.wiring import read_image_query


@dataclass(frozen=True)
class Encoded:
    """Unit vectors, (n, dim) float32, and the space that they are of: only vectors of one space may be compared."""

    vectors: NDArray[np.float32]
    space: Space


def encode_text(
    texts: Sequence[str], *, against: str = "scans", encoder: str = DEFAULT, device: str = "auto"
) -> Encoded:
    """A vector for each text. against: "scans", in the space of images, or "sentences", to compare texts with texts.

    Raises `QueryError` for a text without a word, another `against`, and an encoder that does not compare both.
    """
    if isinstance(texts, str):
        raise QueryError("encode_text takes a list of texts; put the one into brackets")
    if empty := [place for place, text in enumerate(texts) if not text.strip()]:
        raise QueryError(f"text {empty[0]} has no word; leave it out")
    if against not in {"scans", "sentences"}:
        raise QueryError(f"against={against!r} is none of: scans, sentences")
    dual = _opened(encoder, device)
    tower = dual.text if against == "sentences" else dual.aligned_text
    if tower is None:
        raise QueryError(f"the encoder {dual.name!r} does not compare words with scans; give against='sentences'")
    return Encoded(np.asarray(tower.encode(list(texts)), dtype=np.float32), tower.space)


def encode_image(path: str | Path, *, encoder: str = DEFAULT, device: str = "auto") -> Encoded:
    """A vector for each volume of a scan: a DICOM or NIfTI file, or a folder of files, read in a child process.

    Raises `NoScan` where there is none, and `ReadError` where nothing could be read.
    """
    dual = _opened(encoder, device)
    query, _ = read_image_query(place_of(path), dual)
    vectors = dual.image.encode_prepared(query.prepared)
    return Encoded(np.asarray(vectors, dtype=np.float32), dual.image.space)


@cache
def _opened(encoder: str, device: str) -> DualEncoder:
    return open_encoder(encoder, device=device)
