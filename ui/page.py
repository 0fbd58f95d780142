"""The search page. Started by `spinecho ui`; Streamlit runs this file from top to bottom at every interaction."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import streamlit as st

from db.database import Database
from db.filters import Filter
from encoders.registry import ABOUT
from search.engine import Engine
from search.hits import Results
from search.query import ImageQuery, Kind, Query, StudyQuery, TextQuery
from ui.page_filters import filter_panel
from ui.page_rows import escaped, result_rows
from ui.settings import read_settings
from ui.wiring import USER_ERRORS, open_database, open_engine, read_image_query

_UPLOAD_MB = 200


@st.cache_resource(show_spinner="Opening the index")
def _engine(home: str, encoder: str) -> tuple[Engine, Database, threading.Lock]:
    settings = read_settings(home=Path(home), encoder=encoder)
    database = open_database(settings)
    return open_engine(settings, database=database), database, threading.Lock()


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="Spinecho", page_icon=":material/search:", layout="wide")
    settings = read_settings()
    try:
        engine, database, lock = _engine(str(settings.home), settings.encoder)
    except USER_ERRORS as error:
        st.error(escaped(str(error)))
        st.stop()
    with st.sidebar:
        st.subheader("Filters")
        where = filter_panel(database)
    st.title("Spinecho")
    query = _query(engine)
    left, right = st.columns([1, 1])
    want = left.segmented_control("Find", list(Kind), default=Kind.STUDY, format_func=_plural, key="want")
    k = right.select_slider("Results", [5, 10, 20, 50], value=10, key="k")
    if query is None:
        st.info("Type what you are looking for, or drop in a scan. Words such as “no enhancement” exclude.")
    else:
        _answer(engine, database, lock, query, want or Kind.STUDY, int(k), where)
    st.divider()
    st.caption(f"Encoder {settings.encoder}: {ABOUT.get(settings.encoder, '')}.")
    st.caption("For retrieval, teaching and research. Not a diagnostic device.")


def _plural(kind: Kind) -> str:
    return {"study": "Studies", "report": "Reports"}[kind]


def _query(engine: Engine) -> Query | None:
    """The query as it stands: a study to match, else an uploaded scan, else the words."""
    words = st.text_input(
        "Search", placeholder="T2 hyperintense lesion, left temporal lobe, no enhancement", key="words",
        on_change=_forget_study,
    )  # fmt: skip
    with st.expander("Search with a scan"):
        files = st.file_uploader(
            "DICOM files of one series, or a NIfTI file", accept_multiple_files=True, key="scan",
            on_change=_forget_study, max_upload_size=_UPLOAD_MB,
        )  # fmt: skip
    like = st.session_state.get("like")
    if like:
        if st.button(f"Clear: studies like …{like[-12:]}", icon=":material/close:"):
            _forget_study()
            st.rerun()
        return StudyQuery(like)
    if files:
        return _uploaded(engine, files)
    return TextQuery(words) if words.strip() else None


def _uploaded(engine: Engine, files: list[Any]) -> ImageQuery | None:
    """The scan that was dropped in, read in a child process and remembered for this session."""
    key = tuple(file.file_id for file in files)
    if st.session_state.get("scan_key") != key:
        with tempfile.TemporaryDirectory() as folder, st.spinner("Reading the scan"):
            for number, file in enumerate(files):
                ending = ".nii.gz" if file.name.endswith(".nii.gz") else Path(file.name).suffix[:8]
                (Path(folder) / f"{number:05d}{ending}").write_bytes(file.getvalue())
            only = Path(folder) / next(iter(sorted(Path(folder).iterdir()))).name
            try:
                query, _ = read_image_query(only if len(files) == 1 else Path(folder), engine.dual)
            except USER_ERRORS as error:
                st.error(escaped(str(error)))
                return None
        st.session_state["scan_key"], st.session_state["scan_query"] = key, query
    found: ImageQuery = st.session_state["scan_query"]
    return found


def _answer(
    engine: Engine, database: Database, lock: threading.Lock, query: Query, want: Kind, k: int, where: Filter
) -> None:
    try:
        with lock:
            results: Results = engine.search(query, want=want, k=k, where=where)
    except USER_ERRORS as error:
        st.error(escaped(str(error)))
        return
    spent = sum(results.seconds.values()) * 1000
    st.caption(f"{len(results.hits)} shown · {results.searched:,} vectors searched · {spent:.0f} ms")
    for warning in results.warnings:
        st.warning(escaped(warning))
    result_rows(results, database, _more_like)


def _more_like(uid: str) -> None:
    st.session_state["like"] = uid
    st.rerun()


def _forget_study() -> None:
    st.session_state.pop("like", None)


main()
