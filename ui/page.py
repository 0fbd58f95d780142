"""The search page. Started by `spinecho ui`; Streamlit runs this file from top to bottom at every interaction."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import streamlit as st

from db.database import Database
from db.filters import Filter
from encoders.registry import ABOUT
from search.engine import Engine
from search.hits import Results
from search.query import Kind, Query, SpotQuery, StudyQuery, TextQuery
from ui.page_filters import COMPUTED, filter_panel
from ui.page_rows import result_rows
from ui.page_style import apply_style, icon, trouble
from ui.page_upload import LIMIT_MB, read_scan, scan_name
from ui.settings import Settings, read_settings
from ui.wiring import USER_ERRORS, open_database, open_engine


@dataclass(frozen=True)
class _Served:
    """What all sessions share. The engine is used by one of them at a time."""

    engine: Engine
    database: Database
    lock: threading.Lock


@st.cache_resource(show_spinner="Opening the index", max_entries=1)
def _open(home: str, encoder: str, file: int) -> _Served:
    """`file` is the database's inode: a home that was made anew is opened anew."""
    settings = read_settings(home=Path(home), encoder=encoder)
    database = open_database(settings)
    return _Served(open_engine(settings, database=database), database, threading.Lock())


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="Spinecho", page_icon=icon(), layout="wide")
    apply_style()
    settings = read_settings()
    try:
        file = settings.database.stat().st_ino if settings.database.exists() else 0
        served = _open(str(settings.home), settings.encoder, file)
    except USER_ERRORS as error:
        st.markdown("#### Spinecho")
        trouble("The index cannot be opened", str(error))
        st.stop()
    with st.sidebar:
        st.markdown("#### Spinecho")
        where = filter_panel(served.database, settings)
    query = _query(served.engine)
    if query is not None:
        _answer(served, query, where)
    _about(settings)


def _query(engine: Engine) -> Query | None:
    """The search line, and the query as it stands: of words, scan and study, that which was given last."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="line"):
        words = st.text_input(
            "Search", placeholder="T2 hyperintense lesion, left temporal lobe, no enhancement", key="words",
            on_change=_ask_by, args=("words",), label_visibility="collapsed",
        )  # fmt: skip
        with st.popover("Search with a scan"):
            files = st.file_uploader(
                "DICOM files of one series, or one NIfTI file", accept_multiple_files=True, key=_uploader(),
                on_change=_ask_by, args=("scan",), max_upload_size=LIMIT_MB,
            )  # fmt: skip
        st.segmented_control(
            "Find", list(Kind), default=Kind.STUDY, format_func=_plural, key="want", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        st.selectbox(
            "Results", [5, 10, 20, 50], 1, format_func=lambda n: f"{n} best", key="k", width=104,
            label_visibility="collapsed",
        )  # fmt: skip
    by = st.session_state.get("by", "words")
    if by == "study":
        uid, name = st.session_state["like"]
        _chip("Studies like", name)
        other = st.checkbox("Leave out the same patient", key="other-patients")
        return StudyQuery(uid, other)
    if by == "spot":
        spot, name = st.session_state["spot"]
        _chip("Studies with a spot like one of", name)
        return cast(SpotQuery, spot)
    if by == "scan" and files:
        _chip("Studies like the scan", scan_name(files))
        return read_scan(files, engine.dual)
    if words.strip():
        return TextQuery(words)
    st.caption(
        "Type what you are looking for, search with a scan, or narrow the archive on the left. "
        "“no enhancement” or “-enhancement” leaves out studies whose report affirms it."
    )
    return None


def _chip(label: str, name: str) -> None:
    """What is being matched, with a way out of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":blue[{label}]", width="content")
        st.text(name)
        st.button("Clear", icon=":material/close:", key="clear-query", on_click=_back_to_words)


def _answer(served: _Served, query: Query, where: Filter) -> None:
    want, k = Kind(st.session_state["want"] or Kind.STUDY), int(st.session_state["k"])
    try:
        with served.lock:
            results = served.engine.search(query, want=want, k=k, where=where)
    except USER_ERRORS as error:
        trouble("This cannot be searched", str(error))
        return
    _told(results, want)
    result_rows(results, served.database, _more_like)


def _told(results: Results, want: Kind) -> None:
    """How many, how the words were understood, and what to know about the answer."""
    count, query = len(results.hits), results.query
    noun = str(want) if count == 1 else _plural(want).lower()
    said = [f"{count} {noun}"]
    said += [f"without: {', '.join(query['unwanted'])}"] if query.get("unwanted") else []
    said += [f"side: {', '.join(query['sides'])}"] if query.get("sides") else []
    said += [f"{sum(results.seconds.values()) * 1000:.0f} ms"]
    with st.container(key="facts-results"):
        st.text(" · ".join(said))
    for warning in results.warnings:
        trouble("Note", warning.replace("try --include-derived", f"tick “{COMPUTED}”"), grave=False)


def _plural(kind: Kind) -> str:
    return {"study": "Studies", "report": "Reports"}[kind]


def _about(settings: Settings) -> None:
    st.divider()
    st.caption(f"Encoder {settings.encoder}: {ABOUT.get(settings.encoder, '')}.")
    st.caption("For retrieval, teaching and research. Not a diagnostic device.")


def _uploader() -> str:
    """The uploader's name: another one empties it, which Streamlit does in no other way."""
    return f"scan-{st.session_state.get('scans', 0)}"


def _ask_by(way: str) -> None:
    st.session_state["by"] = way


def _more_like(uid: str, name: str) -> None:
    st.session_state.update(by="study", like=(uid, name))


def _back_to_words() -> None:
    state: Any = st.session_state
    state["scans"] = state.get("scans", 0) + 1
    state.pop("read_scan", None)
    state["by"] = "words"


main()
