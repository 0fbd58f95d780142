"""The map on the page: points coloured by a fact; a lasso shows what is in it and makes a cohort of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from spinecho.answering.ages import age_in_words
from spinecho.answering.facet_counts import Count, masked_sizes, number
from spinecho.setup.wiring import USER_ERRORS
from spinecho.shown import ArchiveMap, VolumeFacts
from spinecho.ui.views.cohorts.members import member_grid
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.page_links import go
from spinecho.ui.views.session.pooled import pooled
from spinecho.ui.views.style import trouble

_BY = {
    "body_region": "body region", "sequence": "sequence", "plane": "plane", "vendor": "manufacturer",
    "contrast": "contrast agent", "field": "field strength", "sex": "sex", "age": "age",
}  # fmt: skip
# Okabe and Ito's colours, told apart by nearly everybody, then greys and tints
_COLOURS = (
    "#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#b0bec5", "#8d6e63", "#9ccc65",
    "#ba68c8", "#4dd0e1",
)  # fmt: skip
_REST, _FAINT = "#8a8f96", "#565d66"
# from violet to yellow as viridis, without its ends, so that it stands out from dark and light alike
_RISING = ("#7e4fa8", "#5b6fb8", "#3f8fb5", "#2aa3a0", "#35b779", "#7ad151", "#bcd933", "#f3d41b")
_ORDERED = ("age", "field")
_UNKNOWN = "unknown"


def map_view(context: PageContext) -> None:
    """Draw the map and what a lasso holds."""
    by = st.selectbox("Colour by", list(_BY), format_func=_BY.__getitem__, key="map-by", width=220)
    try:
        made, facts = _laid_out(context)
    except USER_ERRORS as error:
        trouble("There is no map", str(error), grave=False)
        return
    picked = st.plotly_chart(
        _figure(made, facts, by, context.settings.smallest_count),
        key="map", on_select="rerun", selection_mode=("lasso", "box"), width="stretch",
        config={"displaylogo": False, "scrollZoom": True, "modeBarButtonsToRemove": ["toImage"]},
    )  # fmt: skip
    drawn = (
        f"{len(made.ids):,} of {made.of:,} volumes, drawn at random"
        if len(made.ids) < made.of
        else f"{made.of:,} volumes"
    )
    st.caption(
        f"{drawn}; {made.method}, seed {made.seed}. What lies together looks alike; distances are for looking only."
    )
    ids = [int(point["customdata"][0]) for point in picked["selection"]["points"] if point.get("customdata")]
    uids = list(dict.fromkeys(facts[one].study_uid for one in ids if one in facts))
    if not uids:
        st.caption("Draw a lasso around points to see them, and to make a cohort of them.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{len(ids):,} volumes of {len(uids):,} studies")
        if st.button("Make a cohort of these", key="map-cohort", type="primary"):
            rule = {"what": "picked on the map", "studies": uids}
            st.session_state["cohort_from"] = {"name": "", "include": [rule]}
            go("cohorts")
    member_grid(context, uids, key="map")


def _laid_out(context: PageContext) -> tuple[ArchiveMap, Mapping[int, VolumeFacts]]:
    key = context.front.kept.generation
    held = st.session_state.get("map-held")
    if held is None or held[0] != key:
        pooled(context, "map", {}, label="Laying out the map; the first time takes a while")  # kept, and read here
        with st.spinner("Laying out the map; the first time takes a while"):
            held = (key, *context.front.holdings.map(context.settings.builds))
        st.session_state["map-held"] = held
    else:
        context.front.holdings.map_again()
    return held[1], held[2]


def _figure(made: ArchiveMap, facts: Mapping[int, VolumeFacts], by: str, smallest: int) -> Any:
    """One trace a value, most frequent first; the legend tells how many, with small counts hidden."""
    import plotly.graph_objects as go_  # noqa: PLC0415  (slow to import)

    held = [facts.get(int(one)) for one in made.ids]
    values = [_value(one, by) for one in held]
    sizes = volumes_by(values, held, smallest)
    counted = sorted(sizes, key=lambda value: (-number(sizes[value]), value))
    figure = go_.Figure()
    for group, colour in groups(counted, ordered=by in _ORDERED):
        at = [place for place, value in enumerate(values) if value in group]
        name = next(iter(group)) if len(group) == 1 else "others"
        (size,) = volumes_by([name] * len(at), [held[place] for place in at], smallest).values()
        size_shown = f"{size:,}" if isinstance(size, int) else size
        figure.add_trace(go_.Scatter(  # Scattergl makes code from text, which the content policy forbids
            x=made.places[at, 0], y=made.places[at, 1], mode="markers", name=_plain(f"{name}  {size_shown}"),
            marker={"size": 6 if len(values) < 5000 else 4, "color": colour,
                    "opacity": 0.45 if _UNKNOWN in group else 0.85},
            customdata=[[int(made.ids[place])] for place in at],
            text=[_hover(facts.get(int(made.ids[place]))) for place in at], hovertemplate="%{text}<extra></extra>",
        ))  # fmt: skip
    figure.update_layout(
        height=560, showlegend=True, margin={"l": 0, "r": 0, "t": 34, "b": 0}, dragmode="lasso",
        legend={"itemsizing": "constant"},
        xaxis={"visible": False}, yaxis={"visible": False, "scaleanchor": "x"},
    )  # fmt: skip
    return figure


def volumes_by(values: Sequence[str], facts: Sequence[VolumeFacts | None], smallest: int = 0) -> dict[str, Count]:
    """Volumes by value; hidden where they are of few patients. facts: of each volume, None for one that is gone."""
    counts, patients = defaultdict[str, int](int), defaultdict[str, set[int]](set)
    for value, fact in zip(values, facts, strict=True):
        counts[value] += 1
        patients[value].add(0 if fact is None else fact.patient)
    return {value: masked_sizes(count, len(patients[value]), smallest)[0] for value, count in counts.items()}


def groups(values: Sequence[str], *, ordered: bool) -> list[tuple[frozenset[str], str]]:
    """(values, colour), drawn in this order. What is not known is grey and lies under the rest."""
    known = [value for value in values if value != _UNKNOWN]
    unknown = [(frozenset([_UNKNOWN]), _FAINT)] if _UNKNOWN in values else []
    if ordered:
        rising = sorted(known, key=lambda value: float(value.split()[0]))
        steps = max(len(rising) - 1, 1)
        return unknown + [
            (frozenset([value]), _RISING[round(at * (len(_RISING) - 1) / steps)]) for at, value in enumerate(rising)
        ]
    shown = [(frozenset([value]), colour) for value, colour in zip(known, _COLOURS, strict=False)]
    rest = frozenset(known[len(_COLOURS) :])
    return unknown + shown + ([(rest, _REST)] if rest else [])


def _value(fact: VolumeFacts | None, by: str) -> str:
    if fact is None:
        return _UNKNOWN
    if by == "field":
        return f"{fact.field_strength_t:.1f} T" if fact.field_strength_t else _UNKNOWN
    if by == "age":
        decade = None if fact.age_years is None else int(fact.age_years // 10) * 10
        return _UNKNOWN if decade is None else f"{decade} to {decade + 9}"
    return str(getattr(fact, by) or _UNKNOWN)


def _hover(fact: VolumeFacts | None) -> str:
    if fact is None:
        return ""
    age = age_in_words(fact.age_years)
    parts = (fact.sequence, fact.plane, fact.body_region, _plain(fact.vendor), fact.sex or "", age)
    return " · ".join(part for part in parts if part)


def _plain(text: str) -> str:
    """Plotly reads a few tags in labels."""
    return text.replace("<", "‹").replace(">", "›").replace("&", "+")
