"""The reading room. Started by `spinecho ui`; Streamlit runs this file from top to bottom at every interaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from spinecho.access.people import Person, Recorder
from spinecho.setup.settings import Settings, read_settings
from spinecho.setup.wiring import USER_ERRORS
from spinecho.shown import ABOUT
from spinecho.ui.views.archive.page import SHORTCUTS as ARCHIVE_KEYS
from spinecho.ui.views.archive.page import archive_page
from spinecho.ui.views.cohorts.page import SHORTCUTS as COHORT_KEYS
from spinecho.ui.views.cohorts.page import cohorts_page
from spinecho.ui.views.compare.page import compare_page
from spinecho.ui.views.concepts.page import SHORTCUTS as CONCEPT_KEYS
from spinecho.ui.views.concepts.page import concepts_page
from spinecho.ui.views.evaluate.page import SHORTCUTS as EVALUATE_KEYS
from spinecho.ui.views.evaluate.page import evaluate_page
from spinecho.ui.views.search.page import search_page
from spinecho.ui.views.search.results import SHORTCUTS
from spinecho.ui.views.session.floor import FLOOR
from spinecho.ui.views.session.keys import key_sheet
from spinecho.ui.views.session.opened import PageContext, enter, record_of
from spinecho.ui.views.session.page_links import lay_out
from spinecho.ui.views.session.signed import sign_out_button, watch, who
from spinecho.ui.views.study.page import study_page
from spinecho.ui.views.study.viewer import SHORTCUTS as VIEWER_KEYS
from spinecho.ui.views.style import apply_style, icon, trouble

Draw = Callable[[PageContext], None]
# name in the address, title, what draws it, its shortcuts, whether it stands in the menu
_PAGES: tuple[tuple[str, str, Draw, Sequence[tuple[str, str]], bool], ...] = (
    ("search", "Search", search_page, SHORTCUTS, True),
    ("study", "Study", study_page, VIEWER_KEYS, False),
    ("compare", "Compare", compare_page, VIEWER_KEYS, False),
    ("cohorts", "Cohorts", cohorts_page, COHORT_KEYS, True),
    ("concepts", "Concepts", concepts_page, CONCEPT_KEYS, True),
    ("archive", "Archive", archive_page, ARCHIVE_KEYS, True),
    ("evaluate", "Evaluate", evaluate_page, EVALUATE_KEYS, True),
)


def main() -> None:
    """Sign in, open the index, draw the page that the address names."""
    st.set_page_config(page_title="Spinecho", page_icon=icon(), layout="wide")
    apply_style()
    settings = read_settings()
    try:
        record = record_of(settings)
        person = who(settings, record)
        if person is None:
            st.stop()
        context = enter(settings, person)
    except USER_ERRORS as error:
        st.markdown("#### Spinecho")
        trouble("The index cannot be opened", str(error))
        st.stop()
    pages = {name: _page(context, *rest) for name, rest in ((row[0], row) for row in _PAGES)}
    lay_out(pages)
    st.navigation(list(pages.values()), position="top").run()
    _foot(settings, person, record)
    watch(settings)


def _page(
    context: PageContext, name: str, title: str, draw: Draw, shortcuts: Sequence[tuple[str, str]], listed: bool
) -> st.Page:
    def shown() -> None:
        try:
            draw(context)
        except USER_ERRORS as error:
            trouble("This page cannot be shown", str(error))
        key_sheet(shortcuts)

    shown.__name__ = f"{name}_page"
    return st.Page(
        shown, title=title, url_path=name, default=name == "search", visibility="visible" if listed else "hidden"
    )


def _foot(settings: Settings, person: Person, record: Recorder) -> None:
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center", key="foot"):
        if settings.no_record:
            st.markdown(":orange[No record is kept of what is done here (--no-record).]")
        st.caption(
            f"For retrieval, teaching and research. Not a diagnostic device. "
            f"Encoder {settings.encoder}: {ABOUT.get(settings.encoder, '')}."
        )
        sign_out_button(settings, person, record)


with FLOOR.held():
    main()
