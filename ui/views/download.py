"""The button that takes a file away."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from spinecho.ui.server.downloads import Download, offer


def download_button(
    label: str, make: Callable[[], bytes | str], file_name: str, media_type: str, *, key: str, primary: bool = False
) -> None:
    """Draw it. make: is called at each press, on record. One key keeps its address, however often it is drawn."""
    held: dict[str, Download] = st.session_state.setdefault("downloads", {})
    one = held.get(key)
    if one is None:
        one = held[key] = Download(file_name, media_type, make)
        offer(one)
    one.file_name, one.media_type, one.make = file_name, media_type, make
    kind = "taken primary" if primary else "taken"
    st.html(f'<a class="{kind}" href="{escape(one.address)}" target="_self">{escape(label)}</a>', width="content")
