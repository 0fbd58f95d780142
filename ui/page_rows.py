"""Result rows of the search page: what was found, why, and its thumbnails."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from PIL import Image

from db import lookup
from db.database import Database
from search.hits import Hit, PassageHit, Results, SeriesHit
from ui.page_study import open_study
from ui.tables import said, where_in

_MARKS = {
    "present": ":green-badge[present]",
    "absent": ":gray-badge[absent]",
    "uncertain": ":orange-badge[uncertain]",
    "historical": ":blue-badge[history]",
}
_SECTIONS = frozenset({"findings", "impression", "indication", "technique", "comparison", "history", "header"})
_AGAINST = {"absent": "the report denies it", "side": "the other side"}
_SHOWN = 4
_WIDTH = 124
_FAINT = 0.6
"""A sentence with less than this share of the best one's similarity is not what put the study there."""

MoreLike = Callable[[str, str], None]
"""Called with a study's UID and what to call it."""


def result_rows(results: Results, database: Database, more_like: MoreLike) -> None:
    """A row a hit: thumbnails of its best series, facts, the sentences that matched."""
    volumes = [series.card.volume_id for hit in results.hits for series in hit.series[:_SHOWN]]
    pictures = lookup.thumbnails(database, volumes)
    for hit in results.hits:
        key = f"{hit.rank}-{hit.study.uid if hit.study else hit.report.id if hit.report else ''}"
        with st.container(border=True):
            opened = _heading(hit, key, more_like)
            scans, words = st.columns([5, 4], gap="medium")
            with scans:
                _thumbnails(hit, pictures, key)
            with words, st.container(key=f"told-{key}"):
                _sentences(hit, key)
            if opened and hit.study:
                open_study(hit, database, key)
            elif opened and hit.report:
                st.text(hit.report.text)


def study_name(hit: Hit) -> str:
    """Date, age, sex, description and accession number, as far as they are known."""
    if hit.study is None:
        number = hit.report.accession_number if hit.report else ""
        return f"Report without a study {number}".strip()
    study = hit.study
    age = f"{study.age_years:.0f} y" if study.age_years is not None else ""
    who = " ".join(part for part in (age, study.sex or "") if part)
    when = study.date.isoformat() if study.date else ""
    parts = [part for part in (when, who, study.description, study.accession_number) if part]
    return " · ".join(parts) or study.uid


def _heading(hit: Hit, key: str, more_like: MoreLike) -> bool:
    """The row's first line; True where the study is to be opened."""
    facts, actions = st.columns([3, 2], vertical_alignment="center")
    with facts, st.container(key=f"head-{key}"):
        st.text(f"{hit.rank}.  {study_name(hit)}")
    with actions, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if hit.study:
            name = study_name(hit)
            st.button("More like this", key=f"like-{key}", on_click=more_like, args=(hit.study.uid, name))
        return st.toggle("Open", key=f"open-{key}")


def _thumbnails(hit: Hit, pictures: Mapping[int, bytes], key: str) -> None:
    if hit.study and not hit.series:
        st.caption("No series of this study passes the filters.")
    with st.container(horizontal=True, gap="small"):
        for series in hit.series[:_SHOWN]:
            with st.container(width=_WIDTH, key=f"facts-{key}-{series.card.id}"):
                st.image(pictures.get(series.card.volume_id) or _black(), width=_WIDTH)
                st.text(_facts(series))
                if series.told:
                    st.text(f"predicted: {said(series)}")
    more = len(hit.series) - _SHOWN
    if more > 0:
        st.caption(f"and {more} more series")


def _black() -> bytes:
    out = io.BytesIO()
    Image.new("L", (160, 160)).save(out, "PNG")
    return out.getvalue()


def _facts(series: SeriesHit) -> str:
    card = series.card
    facts = [fact for fact in (card.plane, card.sequence, card.body_region) if fact != "unknown"]
    facts += ["contrast"] if card.contrast == "yes" else []
    facts += ["computed"] if card.derived else []
    facts += [f"{series.similarity:.2f}"] if series.similarity is not None else []
    return " · ".join(facts) or card.description or "unknown"


def _sentences(hit: Hit, key: str) -> None:
    for place, found in enumerate(_telling(hit.passages)):
        with st.container(key=f"told-{key}-{place}"):
            st.markdown(_label(found))
            st.text(found.passage.text)
    where = where_in(hit.series[0]) if hit.series else ""
    if where:
        st.caption(where)
    if hit.channels:
        st.caption("similarity: " + ", ".join(f"{channel} {value:.2f}" for channel, value in hit.channels.items()))


def _telling(passages: Sequence[PassageHit]) -> list[PassageHit]:
    """Without sentences that are far behind the best and only happen to be in the same report."""
    best = max((found.similarity for found in passages if found.similarity is not None), default=0.0)
    return [found for found in passages if found.similarity is None or found.similarity >= _FAINT * best]


def _label(found: PassageHit) -> str:
    """Only words of our own: an assertion, a section, a contradiction."""
    passage = found.passage
    section = passage.section if passage.section in _SECTIONS else "report"
    if section == "header":
        return ":blue-badge[header]"
    against = f"  \n:red[{_AGAINST.get(found.contradicts, 'contradicts')}]" if found.contradicts else ""
    return f"{_MARKS.get(passage.assertion, '')} :gray[{section}]{against}"
