"""The sheet of keyboard shortcuts, on `?` and by a button, on every page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

_HTML = """<button class="open" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">?</button>
<dialog aria-label="Keyboard shortcuts"><form method="dialog"><h2>Keyboard</h2><dl></dl>
<button>Close</button></form></dialog>"""
_CSS = """
button { font: 14px var(--st-font, sans-serif); color: var(--st-text-color); background: none; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: 4px; min-height: 26px; padding: 2px 10px }
button:focus-visible { outline: 2px solid var(--st-primary-color) }
dialog { color: var(--st-text-color); background: var(--st-secondary-background-color); border-radius: 8px;
  border: 1px solid var(--st-border-color); font: 15px/1.5 var(--st-font, sans-serif); min-width: 420px }
dialog::backdrop { background: rgba(0, 0, 0, 0.55) }
h2 { font-size: 17px; margin: 2px 0 10px }
dl { display: grid; grid-template-columns: auto 1fr; gap: 5px 18px; margin: 0 0 14px }
dt { font-family: ui-monospace, monospace; color: var(--st-primary-color); white-space: pre } dd { margin: 0 }
"""
GENERAL = (("/", "to the search box"), ("?", "this sheet"))


@st.cache_resource
def _component() -> Any:
    js = (Path(__file__).with_name("parts") / "keys.js").read_text(encoding="utf-8")
    return st.components.v2.component("spinecho_keys", html=_HTML, css=_CSS, js=js)


def key_sheet(shortcuts: Sequence[tuple[str, str]]) -> None:
    """Draw the button and hear the keys. shortcuts: those of this page."""
    rows = [list(one) for one in dict((*shortcuts, *GENERAL)).items()]
    _component()(key="keys", data=rows)
