"""From page to page. Words never travel in an address: ids and tokens do, the rest goes by the session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import streamlit as st
from streamlit.navigation.page import Page

_KEY = "pages"
_DIGITS = 18
"""Of a row's number: what 63 bits hold."""
_BEHIND = frozenset({"study", "compare"})
"""Pages that are opened from a list, and lead back to it."""


def lay_out(pages: Mapping[str, Page]) -> None:
    """Remember the pages of this run by name, for `go`."""
    st.session_state[_KEY] = dict(pages)


def row_id(text: str) -> int | None:
    """The number of a row that an address names; None for what is none, or is larger than any row's."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None


def go(page: str, **query: str) -> NoReturn:
    """Turn to a page: search, study, compare, cohorts, archive or evaluate.

    The address of what was opened from a list holds the list's token, so that `go_back` finds it in another session
    too: a reload begins one.
    """
    token = _token()
    kept = {"search": token} if token and page in _BEHIND else {}
    st.switch_page(st.session_state[_KEY][page], query_params={**query, **kept})


def go_back() -> NoReturn:
    """Turn to the list that this page was opened from, else to the latest, else to an empty line."""
    token = _token()
    go("search", **({"search": token} if token else {}))


def keep_address(name: str) -> None:
    """Take all but one from the address: going back from a study leaves the study's number in that of the list."""
    for other in set(st.query_params) - {name}:
        st.query_params.pop(other)


def _token() -> str:
    return str(st.query_params.get("search") or st.session_state.get("token") or "")
