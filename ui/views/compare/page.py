"""Up to four studies side by side, scrolled together."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from spinecho.setup.wiring import USER_ERRORS
from spinecho.shown import SeriesCard
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.page_links import go, go_back, row_id
from spinecho.ui.views.study.linked import series_name
from spinecho.ui.views.study.page import heading, packed
from spinecho.ui.views.study.viewer import viewer
from spinecho.ui.views.style import trouble

_MOST = 4


def compare_page(context: PageContext) -> None:
    """Draw the studies that the address names."""
    asked = map(row_id, st.query_params.get("studies", "")[:200].split(","))
    named = [number for number in asked if number is not None][:_MOST]
    found = context.front.rows.compare(named) if named else []
    cards, series = {card.id: card for card, _ in found}, {card.id: some for card, some in found}
    shown = list(cards)
    if st.button("Results", icon=":material/arrow_back:", key="back"):
        go_back()
    if not shown:
        trouble("Nothing to compare", "Pick two to four studies among the results (x), then compare them.", grave=False)
        return
    if gone := len(set(named)) - len(shown):
        noun = "study" if gone == 1 else "studies"
        st.caption(f"{gone} {noun} of those that the address names cannot be shown: not in this archive any more.")
    wide = 2 if len(shown) == _MOST else len(shown)
    for start in range(0, len(shown), wide):
        for column, number in zip(st.columns(wide, gap="small"), shown[start : start + wide], strict=False):
            with column, st.container(key=f"compared-{number}"):
                some = series[number]
                st.text(heading(cards[number], some))
                names = [f"{at + 1}. {series_name(card)}" for at, card in enumerate(some)]
                name = st.selectbox(
                    "Series",
                    names,
                    _alike(some, series[shown[0]]),
                    key=f"compare-{number}",
                    label_visibility="collapsed",
                )
                card = some[names.index(name)]
                try:
                    opened = context.front.rows.open_series(card)
                    height = 470 if len(shown) == _MOST else 620
                    bytes_ = packed(opened.key, opened.source, series_name(card), height, spots=False, group="compare")
                except USER_ERRORS as error:
                    trouble("This series cannot be shown", str(error))
                    continue
                viewer(bytes_, key=f"viewer-{card.volume_id}-compare")
                if st.button("Open", key=f"open-{number}"):
                    go("study", study=str(number))


def _alike(some: Sequence[SeriesCard], first: Sequence[SeriesCard]) -> int:
    """The place of the series that is most like the first study's first: same sequence and plane, then sequence."""
    wanted = first[0]
    scores = [(one.sequence == wanted.sequence) * 2 + (one.plane == wanted.plane) for one in some]
    return scores.index(max(scores))
