"""Result rows of the search page: what was found, why, and its slices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from PIL import Image

from db import lookup
from db.database import Database
from encoders.errors import EncoderError
from encoders.image.preparation import picture
from encoders.image.tasks import GreyVolume
from search.hits import Hit, PassageHit, Results, SeriesHit
from ui.wiring import read_grey

_MARKS = {"present": ":green[present]", "absent": ":red[absent]", "uncertain": ":orange[uncertain]"}
_SHOWN = 5
_SIZE = 640


def escaped(text: str) -> str:
    """Text from outside as Markdown that shows just its characters."""
    marks = set("\\`*_{}[]()<>#+-.!|~$:&")
    return "".join(f"\\{sign}" if sign in marks else " " if sign in "\r\n\t" else sign for sign in text)


def result_rows(results: Results, database: Database, more_like: Callable[[str], None]) -> None:
    """A row a hit: thumbnails of its best series, facts, the sentences that matched."""
    volumes = [series.card.volume_id for hit in results.hits for series in hit.series[:_SHOWN]]
    pictures = lookup.thumbnails(database, volumes)
    for hit in results.hits:
        with st.container(border=True):
            _heading(hit)
            columns = st.columns(_SHOWN)
            for column, series in zip(columns, hit.series, strict=False):
                with column:
                    png = pictures.get(series.card.volume_id)
                    if png:
                        st.image(png, width="stretch")
                    st.caption(_facts(series))
            for found in hit.passages:
                st.markdown(_sentence(found))
            _actions(hit, database, more_like)


def _heading(hit: Hit) -> None:
    study = hit.study
    if study is None:
        st.markdown(f"**{hit.rank}. Report without a study**")
        return
    sex = {"F": "woman", "M": "man", "O": "other sex"}.get(study.sex or "", "")
    age = f"{study.age_years:.0f} years" if study.age_years is not None else ""
    when = study.date.isoformat() if study.date else ""
    parts = [part for part in (when, age, sex, escaped(study.description), escaped(study.accession_number)) if part]
    channels = ", ".join(f"{channel} {value:.2f}" for channel, value in hit.channels.items())
    st.markdown(f"**{hit.rank}.** " + (" · ".join(parts) or "study without facts") + f"  \n:gray[{channels}]")


def _facts(series: SeriesHit) -> str:
    card = series.card
    facts = [fact for fact in (card.plane, card.sequence, card.body_region) if fact != "unknown"]
    facts += ["contrast"] if card.contrast == "yes" else []
    facts += ["computed"] if card.derived else []
    facts += [f"{series.similarity:.2f}"] if series.similarity is not None else []
    return escaped(" · ".join(facts) or card.description or "unknown")


def _sentence(found: PassageHit) -> str:
    if found.passage.section == "header":
        label = ":blue[header]"
    else:
        label = f"{_MARKS.get(found.passage.assertion, '')} :gray[{found.passage.section}]"
    against = f" :red[contradicts the query: {found.contradicts}]" if found.contradicts else ""
    return f"{label} {escaped(found.passage.text)}{against}"


def _actions(hit: Hit, database: Database, more_like: Callable[[str], None]) -> None:
    if hit.study is None:
        if hit.report:
            st.text(hit.report.text)
        return
    uid = hit.study.uid
    key = f"{hit.rank}-{uid}"
    left, right = st.columns([1, 5])
    if left.button("More like this", key=f"like-{key}"):
        more_like(uid)
    if right.toggle("Open slices and report", key=f"open-{key}"):
        _open_study(hit, database, key)


def _open_study(hit: Hit, database: Database, key: str) -> None:
    if hit.study is None:
        return
    reports = lookup.reports_of(database, [hit.study.id]).get(hit.study.id, [])
    viewer, words = st.columns([3, 2])
    with words:
        for report in reports:
            st.text(report.text)
        if not reports:
            st.caption("No report belongs to this study.")
    with viewer:
        if not hit.series:
            st.caption("No series of this study passes the filters.")
            return
        chosen = st.selectbox(
            "Series",
            range(len(hit.series)),
            format_func=lambda place: f"{hit.series[place].card.description or 'series'} · {_plain(hit.series[place])}",
            key=f"series-{key}",
        )
        _slices(database, hit.series[chosen], key)


@st.cache_data(max_entries=8, show_spinner="Reading the series")
def _grey(volume_id: int, _database: Database) -> GreyVolume:
    _, volume_key, source = lookup.volume_source(_database, volume_id)
    return read_grey(source, key=volume_key)


def _slices(database: Database, series: SeriesHit, key: str) -> None:
    try:
        volume = _grey(series.card.volume_id, database)
    except EncoderError as error:
        st.error(escaped(str(error)))
        return
    names = {0: "sagittal", 1: "coronal", 2: "axial"}
    axes = [axis for axis in range(3) if volume.grey.shape[axis] > 1]
    axis = volume.slice_axis
    if volume.grey.shape[axis] > 1:
        last = volume.grey.shape[axis] - 1
        index = st.slider("Slice", 0, last, last // 2, key=f"slice-{key}-{series.card.volume_id}")
    else:
        index = 0
    drawn = picture(volume.grey, volume.spacing_mm, axis=axis, index=index, size=_SIZE)
    st.image(Image.fromarray(np.asarray(drawn)), caption=f"{names[axis]}, {index + 1} of {volume.grey.shape[axis]}")
    if len(axes) == 3:
        st.caption("Patient's right, or front, is on the left of the picture.")


def _plain(series: SeriesHit) -> str:
    return " ".join(fact for fact in (series.card.plane, series.card.sequence) if fact != "unknown") or "unknown"
