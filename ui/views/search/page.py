"""The search page: one line to type in, filters beside it, and the list of what was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from spinecho.db.errors import StoreError
from spinecho.db.filters.algebra import Filter
from spinecho.search.access.persons import RecordUnwritable
from spinecho.search.access.searching import Saved
from spinecho.search.answers.hits import Results
from spinecho.search.planning.query_plan import Way
from spinecho.search.query import ImageQuery, Kind, Query
from spinecho.ui.views.components.component import done
from spinecho.ui.views.search import facets as filters
from spinecho.ui.views.search import form as asked
from spinecho.ui.views.search.results import list_data, result_list
from spinecho.ui.views.session.opened import Room
from spinecho.ui.views.session.page_links import go
from spinecho.ui.views.style import trouble
from spinecho.ui.views.upload import LIMIT_MB, read_scan, scan_name
from spinecho.wiring import USER_ERRORS

_STEP = 10
_KINDS = {Kind.STUDY: "Studies", Kind.REPORT: "Reports"}


def search_page(room: Room) -> None:
    """Draw the page."""
    state = st.session_state
    if (way := state.pop("goto", None)) is not None:
        go(way[0], **way[1])
    lost = asked.arrive(room.desk)
    where = filters.condition(state)
    with st.sidebar:
        filters.panel(_counts(room, where), smallest=room.desk.smallest)
    scan, corner = _line(room)
    if lost:
        trouble("This address opens no search", lost, grave=False)
    if said := state.pop("not-kept", None):
        trouble("This was not kept", said)
    verdicts = _verdicts(room, where)
    refine = bool(state.get("refine")) and any(verdicts.values())
    good, bad = (tuple(uid for uid, v in verdicts.items() if v == sign) if refine else () for sign in (1, -1))
    query = asked.query(scan, good, bad)
    if query is None:
        _start(room)
        with corner:
            _saved(room)
        return
    results = _answer(room, query, where)
    with corner:
        _saved(room)
    if results is None:
        return
    data = list_data(
        results, room.desk, filters=filters.chips(state), verdicts=verdicts, refined=refine,
        picked=state.get("picked", []), most=asked.MOST, place=str(state.get("token") or ""),
    )  # fmt: skip
    state["chips"] = results.plan.chips if results.plan else ()
    state["asked"] = _shown_by_a_scan(results)
    result_list(data, lambda: _act(room, where))


def _shown_by_a_scan(results: Results) -> str:
    """The words that the study page may ask scans about: not identifiers, nor those that became conditions."""
    return results.plan.query.wanted if results.plan is not None and results.plan.way is Way.WORDS else ""


def _line(room: Room) -> tuple[ImageQuery | None, DeltaGenerator]:
    """The search line: the scan that was dropped, if it is what is searched with, and where saved searches go."""
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="line"):
        st.text_input(
            "Search", placeholder="T2 hyperintense lesion, left temporal lobe, no enhancement", key="words",
            label_visibility="collapsed", on_change=_typed,
        )  # fmt: skip
        with st.popover("Scan", icon=":material/upload_file:", help="Search with a scan"):
            files = st.file_uploader(
                "DICOM files of one series, a zip of them, or one NIfTI file", accept_multiple_files=True,
                key=_uploader(), on_change=_dropped, max_upload_size=LIMIT_MB,
            )  # fmt: skip
        st.segmented_control(
            "Find", list(_KINDS), format_func=_KINDS.__getitem__, key="want", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        corner = st.container(width="content")
    example = state.get("example")
    if example and example[0] == "scan" and files:
        _example("Like the scan", scan_name(files))
        return read_scan(files, room.desk.preparation), corner
    if example and example[0] in ("study", "spot"):
        _example("Like this study" if example[0] == "study" else "With a spot like one of", example[2])
    return None, corner


def _example(label: str, name: str) -> None:
    """What results are to look like, with a way out of it."""
    with st.container(horizontal=True, vertical_alignment="center", key="example-line"):
        st.markdown(f":blue[{label}]", width="content")
        st.text(name, width="content")
        if st.session_state["example"][0] == "study":
            st.checkbox("other patients only", key="other-patients")
        st.button("Clear", icon=":material/close:", key="clear-query", on_click=_no_example)


def _saved(room: Room) -> None:
    """Searches that were kept, the latest ones, and keeping this one."""
    desk = room.desk
    with st.popover("Saved", icon=":material/bookmark:"):
        found = desk.saved_searches()
        both = {one.token: one for one in (*found.kept, *found.latest)}
        st.selectbox(
            "Open", list(both), None, format_func=lambda token: _title(both[token]), key="saved-open",
            placeholder="a kept or a recent search", on_change=_open_saved, args=(room,),
        )  # fmt: skip
        token = st.session_state.get("token")
        mine = both.get(token) if token else None
        if token is None or (mine is not None and mine.owner != desk.person.name):
            st.caption("Search for something, then keep it here under a name.")
            return
        with st.form("keep-search", border=False):
            st.text_input("Name", mine.name if mine else "", max_chars=120, key="saved-name")
            st.checkbox("Share with the team", mine.shared if mine else False, key="saved-shared")
            st.form_submit_button("Keep this search", on_click=_keep, args=(room, token))


def _start(room: Room) -> None:
    """Before anything is asked."""
    if (st.session_state.get("example") or ("",))[0] == "scan":
        return
    st.caption(
        "Type what you are looking for, drop a scan, or narrow the archive on the left. "
        "“no enhancement” or “-enhancement” leaves out studies whose report affirms it; "
        "quotes keep a phrase whole; age:40-60 or sequence:flair narrow it down."
    )
    for one in room.desk.saved_searches().latest[:5]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"recent-{one.token}"):
            if st.button("Again", key=f"again-{one.token}"):
                _load(room, one.token)
                st.rerun()
            st.text(_title(one))


def _answer(room: Room, query: Query, where: Filter) -> Results | None:
    """The answer, remembered until the question or the archive changes."""
    state = st.session_state
    now = asked.plain()
    key = (id(query) if isinstance(query, ImageQuery) else repr(query), repr(now), room.desk.generation)
    held = state.get("answer")
    if held is not None and held[0] == key:
        return held[1] if isinstance(held[1], Results) else None
    try:
        with st.spinner("Searching"):
            results = room.desk.search(query, want=Kind(now["want"]), k=now["k"], where=where)
    except USER_ERRORS as error:
        trouble("This cannot be searched", str(error))
        return None
    if not (isinstance(query, ImageQuery) or (state.get("example") or ("",))[0] in ("scan", "spot")):
        state["token"] = _remembered(room, now)
        if state["token"]:
            st.query_params["search"] = state["token"]
    else:
        st.query_params.pop("search", None)
    state["answer"] = (key, results)
    return results


def _remembered(room: Room, now: dict[str, Any]) -> str | None:
    """The search's token; None where the home can only be read, so that no address leads here again."""
    try:
        return room.desk.remember_search(now)
    except RecordUnwritable:
        raise
    except StoreError:
        return None


def _counts(room: Room, where: Filter) -> Any:
    key = (repr(where), room.desk.generation)
    held = st.session_state.get("counts")
    if held is None or held[0] != key:
        held = key, room.desk.facets(where, [*filters.CHOICES, "field_strength"])
        st.session_state["counts"] = held
    else:
        room.desk.counted_again(where)
    return held[1]


def _verdicts(room: Room, where: Filter) -> dict[str, int]:
    """This person's thumbs for the words as they stand."""
    words = str(st.session_state.get("words") or "").strip()
    return room.desk.verdicts(words, where) if words else {}


def _act(room: Room, where: Filter) -> None:
    """What a person did on the list, before the page is drawn again."""
    state, told = st.session_state, done("results")
    match told.get("do"):
        case "open":
            state["goto"] = ("study", {"study": str(int(told["study"]))})
        case "compare":
            state["goto"] = ("compare", {"studies": ",".join(str(int(one)) for one in told["studies"][:4])})
        case "like":
            state["example"] = ("study", str(told["uid"]), str(told["name"]))
            state["words"], state["k"] = "", asked.K
        case "pick":
            state["picked"] = [int(one) for one in told["studies"]][:4]
        case "thumb":
            words = str(state.get("words") or "").strip()
            if words:
                verdict = max(-1, min(1, int(told["verdict"])))
                with _told():
                    room.desk.rate(words, where, {str(told["uid"]): verdict}, asked=asked.sign(where))
        case "refine":
            state["refine"] = bool(told["on"])
        case "more":
            state["k"] = min(int(state.get("k") or asked.K) + _STEP, asked.MOST)
        case "filter":
            if told["key"] in filters.EMPTY:
                filters.clear(told["key"])
        case "chip":
            chips, place = state.get("chips") or (), int(told["place"])
            if 0 <= place < len(chips):
                state["words"] = asked.changed(str(state.get("words") or "").strip(), chips[place], str(told["text"]))
                state["k"] = asked.K
        case "offer":
            asked.turn(str(told["key"]), on=bool(told["on"]))
        case "as-typed":
            state["as-typed"] = True
        case _:
            pass


def _title(one: Saved) -> str:
    """A search in a few words."""
    told = one.name or str(one.asked.get("words") or "") or f"like {(one.asked.get('like') or ['', 'a study'])[1]}"
    more = len(one.asked.get("filters") or {})
    return told[:80] + (f"  (+{more} filters)" if more else "") + ("  · shared" if one.shared else "")


def _typed() -> None:
    st.session_state["k"] = asked.K
    st.session_state["refine"] = False
    st.session_state["as-typed"] = False
    st.session_state["offers-on"], st.session_state["offers-off"] = set(), set()
    if (st.session_state.get("example") or ("",))[0] == "spot":
        st.session_state["example"] = None


def _dropped() -> None:
    st.session_state["example"] = ("scan",)
    st.session_state["words"] = ""


def _no_example() -> None:
    state: Any = st.session_state
    state["scans"] = state.get("scans", 0) + 1
    state.pop("read_scan", None)
    state["example"] = None


def _open_saved(room: Room) -> None:
    token = st.session_state.get("saved-open")
    if token:
        _load(room, token)
        st.session_state["saved-open"] = None


def _load(room: Room, token: str) -> None:
    """Set the page to a kept search at the next run."""
    st.session_state.pop("want", None)
    st.session_state["token"] = token
    st.query_params["search"] = token


def _keep(room: Room, token: str) -> None:
    name, shared = str(st.session_state.get("saved-name") or ""), bool(st.session_state.get("saved-shared"))
    with _told():
        room.desk.keep_search(token, name=name, shared=shared)


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be kept while a click is worked on is told when the page is drawn after it."""
    try:
        yield
    except USER_ERRORS as error:
        st.session_state["not-kept"] = str(error)


def _uploader() -> str:
    """The uploader's name: another one empties it, which Streamlit does in no other way."""
    return f"scan-{st.session_state.get('scans', 0)}"
