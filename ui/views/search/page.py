"""The search page: one line to type in, filters beside it, and the list of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from spinecho.access.people import RecordUnwritable
from spinecho.answering.facet_counts import Facets
from spinecho.answering.results import Hits
from spinecho.errors import QueryError
from spinecho.filters import Filter
from spinecho.queries import ImageQuery, Kind, Query, Way
from spinecho.setup.wiring import USER_ERRORS
from spinecho.shown import Saved, StoreError
from spinecho.ui.views.components.component import done
from spinecho.ui.views.search import facets as filters
from spinecho.ui.views.search import form as asked
from spinecho.ui.views.search.results import list_data, result_list
from spinecho.ui.views.session.choices import told_apart
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.page_links import go
from spinecho.ui.views.session.wanted import while_drawn
from spinecho.ui.views.session.whole import whole
from spinecho.ui.views.style import trouble
from spinecho.ui.views.upload import LIMIT_MB, read_scan, scan_name

_STEP = 10
_KINDS = {Kind.STUDY: "Studies", Kind.REPORT: "Reports"}


def search_page(context: PageContext) -> None:
    """Draw the page."""
    state = st.session_state
    if (way := state.pop("goto", None)) is not None:
        go(way[0], **way[1])
    with context.front.access.together():
        lost = asked.arrive(context.front.kept)
        where, generation = filters.condition(state), context.front.kept.generation
        labels, counts = _labels(context, generation), _counts(context, where, generation)
        verdicts = _verdicts(context, where)
    with st.sidebar:
        filters.panel(counts, labels=labels, smallest=context.settings.smallest_count)
    scan, corner = _line(context)
    if lost:
        trouble("This address opens no search", lost, grave=False)
    if message := state.pop("not-kept", None):
        trouble("This was not kept", message)
    refine = bool(state.get("refine")) and any(verdicts.values())
    good, bad = (tuple(uid for uid, v in verdicts.items() if v == sign) if refine else () for sign in (1, -1))
    query = asked.query(scan, good, bad)
    if query is None:
        asked.leave(None)
        _start(context)
        with corner:
            _saved(context)
        return
    hits = _answer(context, query, where)
    with corner:
        _saved(context)
    if hits is None:
        return
    data = list_data(
        hits, filters=filters.chips(state), verdicts=verdicts, refined=refine, picked=state.get("picked", []),
        most=asked.MOST, words=_words(), heard=int(state.get("heard") or 0), place=str(state.get("token") or ""),
    )  # fmt: skip
    state["chips"] = hits.understood.chips if hits.understood else ()
    state["asked"], state["asked-by"] = _shown_by_a_scan(hits), state.get("token")
    result_list(data, lambda: _acts(context, where))


def _shown_by_a_scan(hits: Hits) -> str:
    """The words that the study page may ask scans about: not identifiers, nor those that became conditions."""
    plan = hits.understood
    return plan.query.wanted if plan is not None and plan.way is Way.WORDS else ""


def _line(context: PageContext) -> tuple[ImageQuery | None, DeltaGenerator]:
    """The search line: the scan that was dropped, if it is what is searched with, and where saved searches go."""
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="line"):
        st.text_input(
            "Search", placeholder="T2 hyperintense lesion, left temporal lobe, no enhancement", key="words",
            label_visibility="collapsed", on_change=whole(_typed),
        )  # fmt: skip
        with st.popover("Scan", icon=":material/upload_file:", help="Search with a scan"):
            files = st.file_uploader(
                f"DICOM files of one series, a zip of them, or one NIfTI file, at most {LIMIT_MB} MB",
                accept_multiple_files=True, key=_uploader(), on_change=whole(_dropped), max_upload_size=LIMIT_MB,
            )  # fmt: skip
        st.segmented_control(
            "Find", list(_KINDS), format_func=_KINDS.__getitem__, key="want", required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        corner = st.container(width="content")
    example = state.get("example")
    if example and example[0] == "scan" and (name := scan_name(files)):
        _example("Like the scan", name)
        return read_scan(files, context.front.read_scan), corner
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
        st.button("Clear", icon=":material/close:", key="clear-query", on_click=whole(_no_example))


def _saved(context: PageContext) -> None:
    """Searches that were kept, the latest ones, and keeping this one: read once it is opened, and on record then."""
    box = st.popover("Saved", icon=":material/bookmark:", key="saved", on_change="rerun")
    if not box.open:
        return
    found = context.front.kept.saved_searches()
    with box:
        both = {one.token: one for one in (*found.kept, *found.latest)}
        labels = told_apart({token: _title(one) for token, one in both.items()})
        st.selectbox(
            "Open", list(both), None, format_func=lambda token: labels.get(token, token), key="saved-open",
            placeholder="a kept or a recent search", on_change=whole(_open_saved), args=(context,),
        )  # fmt: skip
        token = st.session_state.get("token")
        mine = both.get(token) if token else None
        if token is None or (mine is not None and mine.owner != context.front.user):
            st.caption("Search for something, then keep it here under a name.")
            return
        with st.form("keep-search", border=False):
            st.text_input("Name", mine.name if mine else "", max_chars=120, key="saved-name")
            st.checkbox("Share with the team", mine.shared if mine else False, key="saved-shared")
            st.form_submit_button("Keep this search", on_click=whole(_keep), args=(context, token))


def _start(context: PageContext) -> None:
    """Before anything is asked."""
    if (st.session_state.get("example") or ("",))[0] == "scan":
        return
    st.caption(
        "Type what you are looking for, drop a scan, or narrow the archive on the left. "
        "“no enhancement” or “-enhancement” leaves out studies whose report affirms it; "
        "quotes keep a phrase whole; age:40-60 or sequence:flair narrow it down."
    )
    for one in context.front.kept.saved_searches().latest[:5]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"recent-{one.token}"):
            if st.button("Again", key=f"again-{one.token}"):
                _load(context, one.token)
                st.rerun()
            st.text(_title(one))


def _answer(context: PageContext, query: Query, where: Filter) -> Hits | None:
    """The answer, remembered until the question or the archive changes."""
    state = st.session_state
    now = asked.plain()
    front = context.front
    key = (id(query) if isinstance(query, ImageQuery) else repr(query), repr(now), front.kept.generation)
    held = state.get("answer")
    if held is not None and held[0] == key and isinstance(held[1], Hits):
        kept: Hits = held[1]
        studies = [hit.study.uid for hit in kept if hit.study]
        front.kept.listed_again(studies, hits=len(kept), want=now["want"])
        return kept
    unkept = isinstance(query, ImageQuery) or (state.get("example") or ("",))[0] in ("scan", "spot")
    try:
        with st.spinner("Searching"), while_drawn(), front.access.together():
            hits = front.ask(query, where=where, k=now["k"], reports=now["want"] == Kind.REPORT)
            token = None if unkept else _remembered(context, now)
    except USER_ERRORS as error:
        trouble("This cannot be searched", str(error))
        return None
    if not unkept:
        state["token"] = token
        asked.leave(None)
        if token:
            st.query_params["search"] = token
    else:
        st.query_params.pop("search", None)
        state["token"] = None  # no address leads to this list: that of the search before is another one's
        asked.leave(state.get("example"))
    state["answer"] = (key, hits)
    return hits


def _remembered(context: PageContext, now: dict[str, Any]) -> str | None:
    """The search's token; None where the home can only be read, so that no address leads here again."""
    try:
        return context.front.kept.remember_search(now)
    except RecordUnwritable:
        raise
    except StoreError:
        return None


def _counts(context: PageContext, where: Filter, generation: int) -> Facets:
    fields = [*filters.CHOICES, "field_strength"]
    fields += [f"{filters.LABEL}{name}" for name in filters.labels_shown(st.session_state)]
    key = (repr(where), tuple(fields), generation)
    held: tuple[object, Facets] | None = st.session_state.get("counts")
    if held is None or held[0] != key:
        try:
            held = key, context.front.facets(*fields, where=where)
        except QueryError:  # a kept search may name a value that has gone: the answer says so, the filters stay usable
            held = key, context.front.facets(*filters.CHOICES, "field_strength")
        st.session_state["counts"] = held
    else:
        context.front.kept.counted_again(where)
    return held[1]


def _labels(context: PageContext, generation: int) -> tuple[str, ...]:
    """The labels that some study has, asked for again when the archive has changed."""
    held: tuple[object, tuple[str, ...]] | None = st.session_state.get("labels-known")
    if held is None or held[0] != generation:
        held = generation, context.front.holdings.label_names()
        st.session_state["labels-known"] = held
    else:
        context.front.holdings.labels_again()
    return held[1]


def _verdicts(context: PageContext, where: Filter) -> dict[str, int]:
    """This person's thumbs for the words as they stand."""
    words = _words()
    return context.front.verdicts(words, where=where) if words else {}


def _words() -> str:
    return str(st.session_state.get("words") or "").strip()


def _acts(context: PageContext, where: Filter) -> None:
    """What a person did on the list, each thing once, before the page is drawn again."""
    state = st.session_state
    for acted in done("results").get("acts") or ():
        if int(acted["n"]) > int(state.get("heard") or 0):
            _act(acted, context, where)
            state["heard"] = int(acted["n"])
    asked.changed_here()


def _act(acted: Mapping[str, Any], context: PageContext, where: Filter) -> None:
    """The list may be older than the line above it: what is meant is what the person saw."""
    state, words = st.session_state, str(acted["words"])
    match acted.get("do"):
        case "open":
            state["goto"] = ("study", {"study": str(int(acted["study"]))})
        case "compare":
            state["goto"] = ("compare", {"studies": ",".join(str(int(one)) for one in acted["studies"][:4])})
        case "like":
            state["example"] = ("study", str(acted["uid"]), str(acted["name"]))
            state["words"], state["k"] = "", asked.K
        case "pick":
            state["picked"] = [int(one) for one in acted["studies"]][:4]
        case "thumb":
            if words:
                verdict = max(-1, min(1, int(acted["verdict"])))
                with _errors_shown():
                    context.front.rate(words, {str(acted["uid"]): verdict}, where=where)
        case "refine":
            state["refine"] = bool(acted["on"])
        case "more":
            state["k"] = min(max(int(acted["seen"]) + _STEP, asked.K), asked.MOST)
        case "filter":
            if filters.is_filter(acted["key"]):
                filters.clear(acted["key"])
        case "chip":
            chips, place = state.get("chips") or (), int(acted["place"])
            if words == _words() and 0 <= place < len(chips):
                state["words"] = asked.changed(words, chips[place], str(acted["text"]))
                state["k"] = asked.K
        case "offer":
            asked.turn(str(acted["key"]), on=bool(acted["on"]))
        case "as-typed":
            state["as-typed"] = True
        case _:
            pass


def _title(one: Saved) -> str:
    """A search in a few words."""
    title = one.name or str(one.asked.get("words") or "") or f"like {(one.asked.get('like') or ['', 'a study'])[1]}"
    more = len(one.asked.get("filters") or {})
    return title[:80] + (f"  (+{more} filters)" if more else "") + ("  · shared" if one.shared else "")


def _typed() -> None:
    st.session_state["k"] = asked.K
    st.session_state["refine"] = False
    st.session_state["as-typed"] = False
    st.session_state["offers-on"], st.session_state["offers-off"] = set(), set()
    if (st.session_state.get("example") or ("",))[0] == "spot":
        st.session_state["example"] = None


def _dropped() -> None:
    """Files came, or the last one was taken out of the box."""
    if not st.session_state.get(_uploader()):
        _no_example()
        return
    st.session_state["example"] = ("scan",)
    st.session_state["words"] = ""


def _no_example() -> None:
    state: Any = st.session_state
    state["scans"] = state.get("scans", 0) + 1
    state.pop("read_scan", None)
    state["example"] = None


def _open_saved(context: PageContext) -> None:
    token = st.session_state.get("saved-open")
    if token:
        _load(context, token)
        st.session_state["saved-open"] = None


def _load(context: PageContext, token: str) -> None:
    """Set the page to a kept search at the next run."""
    st.session_state.pop("want", None)
    st.session_state["token"] = token
    st.query_params["search"] = token


def _keep(context: PageContext, token: str) -> None:
    name, shared = str(st.session_state.get("saved-name") or ""), bool(st.session_state.get("saved-shared"))
    with _errors_shown():
        context.front.kept.keep_search(token, name=name, shared=shared)


@contextmanager
def _errors_shown() -> Iterator[None]:
    """What cannot be kept while a click is worked on is told when the page is drawn after it."""
    try:
        yield
    except USER_ERRORS as error:
        st.session_state["not-kept"] = str(error)


def _uploader() -> str:
    """The uploader's name: another one empties it, which Streamlit does in no other way."""
    return f"scan-{st.session_state.get('scans', 0)}"
