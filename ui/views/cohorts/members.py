"""Studies as a grid of pictures and facts; ticking one opens it."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import streamlit as st

from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.page_links import go

_PAGE = 24


def member_grid(context: PageContext, uids: Sequence[str], *, key: str) -> None:
    """Draw a page of the studies. UIDs that the archive no longer has are counted, not shown."""
    pages = max((len(uids) + _PAGE - 1) // _PAGE, 1)
    page = 1
    if pages > 1:
        page = int(st.number_input(f"Page of {pages}", 1, pages, 1, key=f"page-{key}", width=160))
    some = uids[(page - 1) * _PAGE : page * _PAGE]
    rows, opened = [], []
    for one in context.front.rows.studies(some):
        card, of_study = one.card, one.series
        rows.append({
            "": f"data:image/png;base64,{base64.b64encode(one.png).decode()}" if one.png else None,
            "date": card.date, "age": None if card.age_years is None else int(card.age_years), "sex": card.sex,
            "study": card.description,
            "sequences": ", ".join(dict.fromkeys(series.sequence for series in of_study)),
            "scanner": ", ".join(dict.fromkeys(series.vendor for series in of_study)),
            "accession number": card.accession_number, "StudyInstanceUID": card.uid,
        })  # fmt: skip
        opened.append(card.id)
    if len(rows) < len(some):
        st.caption(f"{len(some) - len(rows)} of these are no longer in the archive.")
    if not rows:
        return
    picked = st.dataframe(
        rows, key=f"grid-{key}-{page}", hide_index=True, width="stretch", row_height=66,
        height=min(66 * len(rows) + 40, 620),
        on_select="rerun", selection_mode="single-row",
        column_config={
            "": st.column_config.ImageColumn(width=74), "age": st.column_config.NumberColumn(format="%.0f", width=56),
            "sex": st.column_config.TextColumn(width=48), "date": st.column_config.DateColumn(width=96),
        },
    )  # fmt: skip
    chosen = picked["selection"]["rows"]
    if chosen and chosen[0] < len(opened):
        go("study", study=str(opened[chosen[0]]))
