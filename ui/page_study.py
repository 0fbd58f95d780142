"""An opened study on the search page: a slice of one of its series, and its report."""

from __future__ import annotations

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from db import lookup
from db.database import Database
from encoders.image.preparation import picture
from encoders.image.tasks import GreyVolume
from search.hits import Hit, SeriesHit
from ui.page_spot import ask_for_spot, frame, has_regions, spot_box
from ui.page_style import trouble
from ui.wiring import USER_ERRORS, read_grey

_SIZE = 720
_PLANES = {0: ("sagittal", "A", "S"), 1: ("coronal", "R", "S"), 2: ("axial", "R", "A")}
"""By axis of a volume in RAS+: the plane, and what lies to the left of and above the picture."""
_Source = tuple[tuple[str, str], ...]


def open_study(hit: Hit, database: Database, key: str) -> None:
    """Draw the slices of a hit's series beside the reports of its study."""
    if hit.study is None:
        return
    viewer, words = st.columns([5, 4], gap="medium")
    with words, st.container(key=f"report-{key}"):
        reports = lookup.reports_of(database, [hit.study.id]).get(hit.study.id, [])
        for report in reports:
            st.text(report.text)
        if not reports:
            st.caption("No report belongs to this study.")
    with viewer:
        if not hit.series:
            st.caption("No series of this study passes the filters.")
            return
        chosen = st.selectbox(
            "Series", range(len(hit.series)), format_func=lambda place: _name(hit.series[place]), key=f"series-{key}"
        )
        card = hit.series[chosen].card
        volume_id = card.volume_id
        _, volume_key, source = lookup.volume_source(database, volume_id)
        spot = (hit.study.uid, card.uid, hit.study.description) if has_regions(database, volume_id) else None
        _slices(volume_key, source, f"{key}-{volume_id}", spot)


def _name(series: SeriesHit) -> str:
    card = series.card
    facts = " ".join(fact for fact in (card.plane, card.sequence) if fact != "unknown")
    more = f"first of {card.n_volumes} volumes" if card.n_volumes > 1 else ""
    return " · ".join(part for part in (card.description or "series", facts, more) if part)


@st.cache_resource(max_entries=4, ttl=900, show_spinner="Reading the series")
def _grey(volume_key: str, source: _Source) -> GreyVolume:
    """Shared by all sessions and never copied; its voxels are read-only. Four at most: one may be 150 MB."""
    return read_grey(source, key=volume_key)


@st.fragment
def _slices(volume_key: str, source: _Source, key: str, spot: tuple[str, str, str] | None) -> None:
    """A fragment: moving the slider draws this part of the page again and searches nothing.

    spot: study UID, series UID and a name, where a spot of this series can be asked for.
    """
    try:
        volume = _grey(volume_key, source)
    except USER_ERRORS as error:
        trouble("These slices cannot be shown", str(error))
        return
    axis = volume.slice_axis
    count = volume.grey.shape[axis]
    number = st.slider("Slice", 1, count, (count + 1) // 2, key=f"slice-{key}") if count > 1 else 1
    plane, left, above = _PLANES[axis]
    shown = _drawn(volume, axis=axis, index=number - 1, left=left, above=above)
    place = st.container()
    box = spot_box(key) if spot else None
    if box and spot:
        frame(shown, volume, axis=axis, index=number - 1, box=box)
        ask_for_spot(box, *spot, key)
    with place:
        st.image(shown, width="stretch")
        st.caption(f"{plane}, slice {number} of {count}; {left} left, {above} up")


def _drawn(volume: GreyVolume, *, axis: int, index: int, left: str, above: str) -> Image.Image:
    drawn = picture(volume.grey, volume.spacing_mm, axis=axis, index=index, size=_SIZE)
    shown = Image.fromarray(np.asarray(drawn))
    pen = ImageDraw.Draw(shown)
    pen.text((8, _SIZE // 2), left, fill=210, font_size=22, anchor="lm", stroke_width=2, stroke_fill=0)
    pen.text((_SIZE // 2, 6), above, fill=210, font_size=22, anchor="mt", stroke_width=2, stroke_fill=0)
    return shown
