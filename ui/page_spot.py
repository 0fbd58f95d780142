"""A spot on an opened slice: where its box lies, how it is drawn, and asking for what looks like it."""

from __future__ import annotations

import streamlit as st
from PIL import Image, ImageDraw

from db import archive, regions
from db.database import Database
from encoders.image.tasks import GreyVolume
from search.query import Box, SpotQuery

_AXES = ("Left to right", "Posterior to anterior", "Inferior to superior")
_FIRST = (35, 65)
_LEAST = 5
"""Percent of the volume: less cannot be dragged apart."""


def has_regions(database: Database, volume_id: int) -> bool:
    """Whether the parts of this volume are stored, so that a spot of it can be asked for."""
    space = archive.serving(database, "image")
    return space is not None and bool(regions.stored_regions(database, space, [volume_id]))


def spot_box(key: str) -> Box | None:
    """The controls of a box; None while nobody wants one."""
    if not st.checkbox("Mark a spot", key=f"mark-{key}"):
        return None
    low, high = [], []
    for name, place in zip(_AXES, st.columns(3), strict=True):
        first, last = place.slider(f"{name} (%)", 0, 100, _FIRST, key=f"spot-{name}-{key}")
        first, last = (first, last) if last - first >= _LEAST else (max(0, last - _LEAST), max(last, _LEAST))
        low.append(first / 100)
        high.append(last / 100)
    return low[0], low[1], low[2], high[0], high[1], high[2]


def frame(shown: Image.Image, volume: GreyVolume, *, axis: int, index: int, box: Box) -> None:
    """Draw the box on a slice that it crosses; the picture is one of `encoders.image.preparation.drawn`."""
    middle = (index + 0.5) / volume.grey.shape[axis]
    if not box[axis] <= middle <= box[axis + 3]:
        return
    across, up = (other for other in range(3) if other != axis)
    lengths = [n * mm for n, mm in zip(volume.grey.shape, volume.spacing_mm, strict=True)]
    scale = shown.width / max(lengths[across], lengths[up])
    width, height = lengths[across] * scale, lengths[up] * scale
    left, top = (shown.width - width) / 2, (shown.height - height) / 2
    corners = [
        (left + (1 - box[across + 3]) * width, top + (1 - box[up + 3]) * height),
        (left + (1 - box[across]) * width, top + (1 - box[up]) * height),
    ]
    ImageDraw.Draw(shown).rectangle(corners, outline=255, width=2)


def ask_for_spot(box: Box, study_uid: str, series_uid: str, name: str, key: str) -> None:
    """A button that makes the box the page's query."""
    st.caption("Compared cell by cell, three along each axis: a box is as coarse as the cells that it touches.")
    if st.button("Find this spot", key=f"find-{key}"):
        query = SpotQuery(box, study_uid=study_uid, series_uid=series_uid)
        st.session_state.update(by="spot", spot=(query, name))
        st.rerun()
