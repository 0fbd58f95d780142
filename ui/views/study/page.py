"""The study page: the scan in a viewer, its series at the left, its report at the right."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import streamlit as st

from spinecho.answering.ages import age_in_words
from spinecho.answering.results import StudySummary
from spinecho.errors import QueryError
from spinecho.queries import BoxError, SpotQuery
from spinecho.setup.wiring import USER_ERRORS
from spinecho.shown import (
    Heat,
    Levels,
    NoSuchSearch,
    OpenedSeries,
    OpenedStudy,
    PassageCard,
    SeriesCard,
    Source,
    StudyCard,
    read_again,
    read_levels,
    told_parts,
)
from spinecho.ui.server.jobs.pool import JobFailed
from spinecho.ui.views.components.component import done, registered
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.page_links import go, go_back, row_id
from spinecho.ui.views.session.pooled import pooled
from spinecho.ui.views.session.whole import whole
from spinecho.ui.views.study.acquisition import acquisition_rows
from spinecho.ui.views.study.engine3d import engine_address
from spinecho.ui.views.study.linked import group_rows, interval, parts_by_series, series_facts, series_name
from spinecho.ui.views.study.viewer import pack, viewer
from spinecho.ui.views.style import trouble

_HEIGHT = 720
_OUT_OF_SEARCH = {
    "superseded": "earlier versions of the report",
    "duplicate": "copies of a report",
    "withdrawn": "cancelled reports",
}
FLAG_NOTES = {
    "ORDER_GUESSED": "Which slices belong together was guessed",
    "SLICES_MISSING": "Slices are missing",
    "SLICES_REPEATED": "Slices were taken twice, one of each is shown",
    "SERIES_JOINED": "Put together from single slices with a series UID each",
    "GEOMETRY_SUSPECT": "Positions or directions cannot be true or are missing",
    "CHARSET_GUESSED": "The character set of the texts was guessed",
    "PIXEL_RANGE": "Values exceed the bits that the file states",
    "SIDECAR_SUSPECT": "Values of the sidecar were left out",
    "UID_INVALID": "UIDs are not as the standard has them",
}
"""What a flag of a volume means, in words for the page."""


def study_page(context: PageContext) -> None:
    """Draw the study that the address names."""
    state = st.session_state
    if (way := state.pop("goto", None)) is not None:
        go(way[0], **way[1])
    opened = _opened(context)
    if opened is None:
        trouble("No such study", "The address names no study of this archive; it may have been removed.", grave=False)
        return
    study, series, passages = opened.card, opened.series, opened.passages
    if state.get("viewed") != study.id:
        state["viewed"] = study.id
        state.pop("volume", None)
    _heading(context, study, series)
    _notes(opened)
    rail, middle, *words = st.columns([13, 46, 25] if passages else [13, 71], gap="small")
    chosen = next((card for card in series if card.volume_id == state.get("volume")), series[0] if series else None)
    with rail:
        _rail(opened, chosen)
    if passages:
        with words[0]:
            _report(opened)
    shown = None
    with middle:
        if chosen is None:
            st.caption("No series of this study is indexed.")
        else:
            shown = _scan(context, study, chosen)
    with rail:
        if not passages:
            st.caption("No report belongs to this study.")
        _priors(opened)
    if shown is not None:
        if opened.groups:
            with st.expander("Series that belong together", expanded=False):
                group_rows(opened)
        with st.expander("Acquisition", expanded=False):
            acquisition_rows(shown)


def study_title(study: StudyCard | StudySummary) -> str:
    """Date, age, sex, description and accession number, as far as they are known."""
    age = age_in_words(study.age_years)
    who = " ".join(part for part in (age, study.sex or "") if part)
    when = study.date.isoformat() if study.date else ""
    return " · ".join(part for part in (when, who, study.description, study.accession_number) if part) or study.uid


def heading(study: StudyCard, series: Sequence[SeriesCard]) -> str:
    """`study_title`; of a study that its files say nothing about, what its first series is called."""
    title = study_title(study)
    return series_name(series[0]) if title == study.uid and series else title


@st.cache_resource(max_entries=6, ttl=1800, show_spinner="Reading the series")
def levels(volume_key: str, source: Source) -> Levels:
    """Shared by all sessions, read-only. Six at most: one may be 300 MB. Raises `EncoderError`."""
    return read_levels(source, key=volume_key)


@st.cache_resource(max_entries=12, ttl=1800, show_spinner=False)
def packed(volume_key: str, source: Source, name: str, height: int, *, spots: bool, group: str = "") -> bytes:
    """The volume as the viewer takes it."""
    shown = levels(volume_key, source)
    return pack(shown, name=name, height=height, spots=spots, group=group, engine=engine_address())


def _opened(context: PageContext) -> OpenedStudy | None:
    number = row_id(st.query_params.get("study", ""))
    return None if number is None else context.front.rows.open_study(number)


def _heading(context: PageContext, study: StudyCard, series: Sequence[SeriesCard]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="study-head"):
        if st.button("Results", icon=":material/arrow_back:", key="back"):
            go_back()
        st.text(heading(study, series), width="stretch")
        if st.button("More like this", key="like-study"):
            st.session_state["like"] = (study.uid, study_title(study))
            go("search")
        template = context.settings.viewer_url
        if template:
            link = template.replace("{study_uid}", quote(study.uid, safe=""))
            if st.link_button("Open in PACS", link, icon=":material/open_in_new:"):
                context.front.access.note("open-elsewhere", study.uid)
        with st.popover("UID"):
            st.code(study.uid, language=None)


def _notes(opened: OpenedStudy) -> None:
    """What is odd about the study: an exam in several studies, volumes that rest on guesses."""
    if opened.same_exam:
        st.caption("The same exam (patient, day and accession number) is also stored under other study UIDs:")
        st.text(", ".join(one.uid for one in opened.same_exam))
    odd: dict[str, list[str]] = {}
    for card in opened.series:
        for flag in card.flags:
            if flag in FLAG_NOTES:
                odd.setdefault(flag, []).append(series_name(card))
    for flag, names in odd.items():
        st.text(f"{FLAG_NOTES[flag]}: {', '.join(dict.fromkeys(names))}")


def _scan(context: PageContext, study: StudyCard, card: SeriesCard) -> OpenedSeries | None:
    """Draw it; gives the series that was opened, None, with the trouble, where it cannot be."""
    words = _words(context)
    wanted = bool(words) and st.toggle("Evidence for the words searched for", key="evidence")
    opened = None
    try:
        opened = context.front.rows.open_series(card)
        heat = _heat(context, study, opened, words) if wanted else None
        if heat is not None:
            st.caption(told_of(heat))
        if heat is not None and heat.stands_out:
            volume, name = levels(opened.key, opened.source), series_name(card)
            shown = pack(volume, name=name, height=_HEIGHT, spots=opened.spots, heat=heat, engine=engine_address())
        else:
            shown = packed(opened.key, opened.source, series_name(card), _HEIGHT, spots=opened.spots)
    except USER_ERRORS as error:
        trouble("This series cannot be shown", str(error))
        return opened
    at = f"viewer-{card.volume_id}"
    viewer(shown, key=at, on_act=lambda: _spot(study, card, at))
    if message := st.session_state.pop("spot-message", None):
        trouble("This spot cannot be searched for", message, grave=False)
    return opened


def _words(context: PageContext) -> str:
    """What scans may be asked about of the words of the list that the address names: another than the session's own
    where the page was reloaded, or reached by an address or the browser's history."""
    state, token = st.session_state, st.query_params.get("search")
    if token and token != state.get("asked-by"):
        try:
            state["asked"] = context.front.kept.shown_by_scans(token)
        except (NoSuchSearch, QueryError):  # another's, forgotten, or of words that mean nothing here any more
            state["asked"] = ""
        state["asked-by"] = token
    return str(state.get("asked") or "")


def _heat(context: PageContext, study: StudyCard, series: OpenedSeries, words: str) -> Heat | None:
    """Where the volume stands out for the words, remembered for the session; None, with the reason, without any."""
    held = st.session_state.setdefault("heats", {})
    at = (series.card.volume_id, words)
    try:
        context.front.require_evidence(words)
        if at in held:
            context.front.rows.evidence_again(words, series)
        else:
            held[at] = _compared(context, study, series, words)
    except (JobFailed, QueryError) as error:
        trouble("The evidence cannot be shown", str(error), grave=False)
        return None
    while len(held) > 8:
        held.pop(next(iter(held)))
    found = held[at]
    if not isinstance(found, Heat):
        raise QueryError("the evidence is lost; search again")
    return found


def _compared(context: PageContext, study: StudyCard, series: OpenedSeries, words: str) -> Heat:
    """By the process for it, else here. Raises `JobFailed`, `QueryError`, and what reading the volume again raises."""
    asked = {"study": study.id, "volume": series.card.volume_id, "words": words}
    made = pooled(context, "shown-evidence", asked, label="Looking for the evidence")
    if made is None:
        with st.spinner("Looking for the evidence"):
            return context.front.rows.evidence(words, series, read_again)
    result = made.result
    cells = np.frombuffer(made.content or b"", dtype="<f4").reshape(result["shape"])
    return Heat(cells, *(float(result[name]) for name in ("cosine", "score", "floor")))


def told_of(heat: Heat) -> str:
    """What the outlines are, or that there are none."""
    if not heat.stands_out:
        return (
            f"Nothing stands out: the hottest part of this scan reaches {heat.hottest:.1f}, and unrelated words reach "
            f"{heat.floor:.1f} on scans of this archive."
        )
    dashed, solid = heat.levels
    return (
        f"Dashed line: {dashed:.1f}, which unrelated words reach on one scan in twenty; solid: {solid:.1f}; 0 is usual "
        f"for these words in this archive. The hottest of this scan's 27 parts has {heat.hottest:.1f}, between them it "
        f"comes to {float(heat.cells.max()):.1f}. Lines show what the encoder compared, in parts of a third of the "
        "scan; they are no outlines of a lesion."
    )


def _spot(study: StudyCard, card: SeriesCard, at: str) -> None:
    acted = done(at)
    if acted.get("do") != "spot":
        return
    try:
        r0, a0, s0, r1, a1, s1 = (float(value) for value in acted["box"])
        query = SpotQuery((r0, a0, s0, r1, a1, s1), study_uid=study.uid, series_uid=card.uid)
    except (BoxError, ValueError, TypeError) as error:
        st.session_state["spot-message"] = str(error)
        return
    st.session_state["spot"] = (query, study_title(study))
    st.session_state["goto"] = ("search", {})


def _rail(opened: OpenedStudy, chosen: SeriesCard | None) -> None:
    pictures, parts = opened.pictures, parts_by_series(opened.groups)
    facts = {
        card.volume_id: [series_facts(card) if card.description else "", *parts.get(card.uid, ())]
        for card in opened.series
    }
    rows = [
        {
            "volume": card.volume_id, "name": series_name(card),
            "facts": " · ".join(filter(None, facts[card.volume_id])),
            "png": base64.b64encode(pictures[card.volume_id]).decode() if card.volume_id in pictures else "",
            "chosen": chosen is not None and card.volume_id == chosen.volume_id,
        }
        for card in opened.series
    ]  # fmt: skip
    _side("rail", "Series", rows, _choose)


def _report(opened: OpenedStudy) -> None:
    _side("report", "Report", _sentences(opened.passages), _ask)
    with st.popover("As it came"):
        for report in opened.reports:
            st.text(report.text)
    if opened.withdrawn:
        kinds = {kind: _OUT_OF_SEARCH.get(kind, f"reports ({kind})") for kind in opened.withdrawn}
        left_out = [f"{n} {kinds[kind]}" for kind, n in sorted(opened.withdrawn.items())]
        st.caption(f"Not shown and not searched: {', '.join(left_out)}")


def _sentences(passages: Sequence[PassageCard]) -> list[dict[str, Any]]:
    """Rows of section heads and sentences, in parts where a sentence says several things."""
    rows: list[dict[str, Any]] = []
    before: tuple[int | None, str] | None = None
    for passage in passages:
        if (passage.report_id, passage.section) != before:
            before = (passage.report_id, passage.section)
            rows.append({"head": passage.section})
        rows += [
            {"text": part.text.strip(), "assertion": part.assertion, "normal": part.normal}
            for part in told_parts(passage)
        ]
    return rows


def _priors(opened: OpenedStudy) -> None:
    if not opened.others:
        return
    st.caption("Other studies of this patient")
    firsts = [one.series[0] if one.series else None for one in opened.others]
    encoded = {volume: base64.b64encode(png).decode() for volume, png in opened.pictures.items()}
    choices = [
        (one.card.date.isoformat() if one.card.date else "no date", _called(one.card, first))
        for one, first in zip(opened.others, firsts, strict=True)
    ]
    shared = Counter(choices)
    rows = []
    for at, (one, first, (when, what)) in enumerate(zip(opened.others, firsts, choices, strict=True), 1):
        also = (one.card.accession_number or str(at)) if shared[when, what] > 1 else ""
        where = "" if one.same_region else ", ".join(one.regions)
        rows.append(
            {
                "study": one.card.id, "name": when,
                "facts": " · ".join(part for part in (interval(one.days), where, what, also) if part),
                "png": encoded.get(first.volume_id, "") if first else "", "chosen": False,
            }
        )  # fmt: skip
    _side("rail", "Other studies of this patient", rows, _turn_to, key="side-priors")


def _called(study: StudyCard, first: SeriesCard | None) -> str:
    return " · ".join(part for part in (study.description, series_name(first) if first else "") if part)


def _side(kind: str, label: str, rows: Sequence[Mapping[str, Any]], on_act: Any, *, key: str = "") -> None:
    data = {"kind": kind, "label": label, "rows": [dict(row) for row in rows]}
    registered("side", '<div class="side"></div>', "hand.js")(
        key=key or f"side-{kind}", data=data, on_act_change=whole(on_act)
    )


def _choose() -> None:
    acted = done("side-rail")
    if acted.get("do") == "series":
        st.session_state["volume"] = int(acted["volume"])


def _turn_to() -> None:
    acted = done("side-priors")
    if acted.get("do") == "study":
        st.session_state["goto"] = ("study", {"study": str(int(acted["study"]))})


def _ask() -> None:
    acted = done("side-report")
    if acted.get("do") == "ask":
        st.session_state["ask"] = str(acted["text"])
        st.session_state["goto"] = ("search", {})
