"""From page to page. Words never travel in an address: ids and tokens do, the rest goes by the session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import Page

_KEY = "pages"


def lay_out(pages: Mapping[str, Page]) -> None:
    """Remember the pages of this run by name, for `go`."""
    st.session_state[_KEY] = dict(pages)


def go(page: str, **query: str) -> NoReturn:
    """Turn to a page: search, study, compare, cohorts, archive or evaluate."""
    st.switch_page(st.session_state[_KEY][page], query_params=query)
