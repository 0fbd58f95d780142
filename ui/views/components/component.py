"""Components of ours, drawn in the browser: read from `parts/`, registered once, and what a person did in one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

_PARTS = Path(__file__).with_name("parts")


@st.cache_resource
def registered(name: str, html: str, *more: str) -> Any:
    """The component of `parts/NAME.css` and `parts/NAME.js`, with other scripts of `parts/` joined to its own."""
    css, *js = ((_PARTS / file).read_text(encoding="utf-8") for file in (f"{name}.css", f"{name}.js", *more))
    return st.components.v2.component(f"spinecho_{name}", html=html, css=css, js="".join(js))


def done(key: str) -> Mapping[str, Any]:
    """What was just done in the component with this key, while its `on_act_change` runs: {"do": ..., ...}."""
    held = st.session_state.get(key)
    found = held.get("act") if isinstance(held, Mapping) else getattr(held, "act", None)
    return found if isinstance(found, Mapping) else {}
