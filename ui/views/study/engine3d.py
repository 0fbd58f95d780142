"""Where the browser fetches NiiVue from: the bundle of an installed wheel, served as it lies there.

The wheel (ipyniivue, the extra `viewer3d`) is found, never imported: only its file goes to the browser, and only when
somebody asks for three dimensions (docs/decisions/0011-niivue-for-three-dimensions.md).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from streamlit.components.v1 import declare_component

_FILE = "widget.js"


def bundle() -> Path | None:
    """The file in the installed wheel; None where there is none."""
    found = find_spec("ipyniivue")
    folders = list(found.submodule_search_locations or ()) if found else []
    files = (Path(folder) / "static" / _FILE for folder in folders)
    return next((file for file in files if file.is_file()), None)


@st.cache_resource
def engine_address() -> str:
    """Its address on this server, from the root; empty where the wheel is not installed."""
    file = bundle()
    if file is None:
        return ""
    served = declare_component("niivue", path=file.parent)
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return "/".join(["", *([base] if base else []), "component", served.name, _FILE])
