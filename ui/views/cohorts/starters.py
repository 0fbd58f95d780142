"""Where there is no cohort yet: a few to start from, of what this archive holds."""

from __future__ import annotations

from typing import Any

import streamlit as st

from spinecho.filters import Is, write_filter
from spinecho.ui.views.session.opened import PageContext

_FIELDS = ("body_region", "sequence", "sex")
_KNOWN = {"F": "women", "M": "men"}


def examples(context: PageContext) -> dict[str, Any] | None:
    """Draw them; gives the definition that was chosen, as JSON values."""
    found = context.front.facets(*_FIELDS, where=Is("derived", (False,)))
    # the most frequent value of each field: facets come most studies first
    first = {
        field: next((one.value for one in some if one.shown and one.value not in ("", "unknown")), "")
        for field, some in found.items()
    }
    offers: list[tuple[str, list[dict[str, str]]]] = []
    if region := first["body_region"]:
        offers.append((f"every study of the {region}", [{"filter": write_filter(Is("body_region", (region,)))}]))
    if sequence := first["sequence"]:
        rule = {"filter": write_filter(Is("sequence", (sequence,)))}
        offers.append((f"studies with a {sequence} series", [rule]))
        if (sex := first["sex"]) in _KNOWN:
            offers.append((f"the same, {_KNOWN[sex]} alone", [rule, {"filter": f"sex={sex}"}]))
    chosen = None
    with st.container(horizontal=True, vertical_alignment="center", key="cohort-examples"):
        for place, (title, rules) in enumerate(offers):
            # values may be words of a header, so they stand beside the button, as text
            if st.button("Try", key=f"cohort-example-{place}", help=f"example {place + 1}"):
                chosen = {"name": "", "include": rules}
            st.text(title, width="content")
    return chosen
