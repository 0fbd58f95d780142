"""A search of a page that nobody looks at any more ends at its next stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException, StopException

from spinecho.shown import SearchStopped, stopped_when


@contextmanager
def while_drawn() -> Iterator[None]:
    """What is searched within ends once this drawing of the page does: its tab is closed, or asks for another."""
    ends: list[RerunException | StopException] = []

    def gone() -> bool:
        try:
            st.session_state.get("words")  # whatever is read there, Streamlit ends a drawing that is over
        except (RerunException, StopException) as end:
            ends.append(end)
        return bool(ends)

    try:
        with stopped_when(gone):
            yield
    except SearchStopped:
        if not ends:
            raise
        raise ends[0] from None
