"""Charts of a cohort: what each rule leaves, and how its studies stand beside the archive's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import streamlit as st

from spinecho.answering.facet_counts import Facet, number
from spinecho.answering.lists import BALANCED

ARCHIVE = "#6b7480"
_NAMES = {"field_strength": "field strength", "body_region": "body region", "vendor": "manufacturer"}
_MOST = 8


def attrition_chart(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Bars of studies by line, in order; counts may be masked ("<5")."""
    data = [
        {
            "line": f"{place:02d}", "what": str(row["what"])[:90], "studies": number(row["studies"]),
            "label": f"{row['studies']} studies, {row['patients']} patients",
        }
        for place, row in enumerate(rows)
    ]  # fmt: skip
    base = alt.Chart(_table(data)).encode(
        y=alt.Y("line:N", axis=None, sort=None),
        x=alt.X("studies:Q", axis=alt.Axis(title=None, grid=False, labels=False, ticks=False, domain=False)),
        tooltip=[alt.Tooltip("what:N", title="line"), alt.Tooltip("label:N", title="left")],
    )
    bars = base.mark_bar(color=_cohort(), height=9, yOffset=9, cornerRadiusEnd=2)
    what = base.mark_text(align="left", baseline="middle", dy=-6, fontSize=12, color=_ink()).encode(
        x=alt.value(0), text="what:N"
    )
    labels = base.mark_text(align="right", baseline="middle", dy=-6, fontSize=12, color=_ink()).encode(
        x=alt.value("width"), text="label:N"
    )
    context = {"left": 0, "top": 10, "right": 0, "bottom": 0}  # the first line's words stand above its bar
    return alt.layer(bars, what, labels).properties(height=34 * max(len(data), 1), padding=context)


def balance_chart(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A line a value: the size of the standardised difference before matching and after; hidden ones are left out."""
    data = [
        {"what": valued(row), "when": when, "apart": abs(row[when]), "label": f"{row[when]:+.2f}"}
        for row in rows
        for when in ("before", "after")
        if isinstance(row[when], float)
    ]
    names = list(dict.fromkeys(one["what"] for one in data))
    base = alt.Chart(_table(data)).encode(
        y=alt.Y("what:N", sort=names, axis=alt.Axis(title=None, labelLimit=170, grid=True)),
        x=alt.X("apart:Q", axis=alt.Axis(title=None, tickCount=5), scale=alt.Scale(zero=True)),
        tooltip=[alt.Tooltip("what:N"), alt.Tooltip("when:N"), alt.Tooltip("label:N", title="difference")],
    )
    marks = [
        base.transform_filter(alt.datum.when == when).mark_point(
            size=60, color=_cohort(), filled=filled, strokeWidth=1.8
        )
        for when, filled in (("before", False), ("after", True))
    ]
    limit = alt.Chart(_table([{"x": BALANCED}])).mark_rule(strokeDash=[4, 3], color=ARCHIVE).encode(x="x:Q")
    return alt.layer(limit, *marks).properties(height=22 * max(len(names), 1))


def valued(row: Mapping[str, Any]) -> str:
    """What a line of a balance table is about."""
    fact = _NAMES.get(str(row["fact"]), str(row["fact"]))
    return fact if fact == "age" else f"{fact}: {row['value'] or 'not recorded'}"


def comparison_charts(facts: Mapping[str, Sequence[Facet]]) -> list[Any]:
    """A chart a fact: the share of studies by value, of the cohort and of the archive; hidden counts have no bar."""
    return [_comparison(name, some) for name, some in facts.items() if some]


def _comparison(name: str, facets: Sequence[Facet]) -> Any:
    ordered = sorted(facets, key=lambda one: one.value) if name in ("age", "field_strength") else list(facets)[:_MOST]
    sums = [sum(number(one.shown) for one in facets) or 1, sum(number(one.total) for one in facets) or 1]
    data = []
    for place, one in enumerate(ordered):
        for who, count, total in (("cohort", one.shown, sums[0]), ("archive", one.total, sums[1])):
            data.append({
                "order": place, "value": one.value or "not recorded", "who": who,
                "share": number(count) / total, "studies": str(count),
            })  # fmt: skip
    return (
        alt.Chart(_table(data), title=alt.Title(_NAMES.get(name, name), anchor="start", fontSize=13))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            y=alt.Y("value:N", sort=alt.EncodingSortField("order"), axis=alt.Axis(title=None, labelLimit=150)),
            x=alt.X("share:Q", axis=alt.Axis(title=None, format="%", tickCount=4)),
            yOffset=alt.YOffset("who:N", sort=["cohort", "archive"]),
            color=alt.Color(
                "who:N", scale=alt.Scale(domain=["cohort", "archive"], range=[_cohort(), ARCHIVE]),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("value:N"), alt.Tooltip("who:N", title="of"), alt.Tooltip("share:Q", format=".1%"),
                alt.Tooltip("studies:N"),
            ],
        )
        .properties(height=alt.Step(11))
    )  # fmt: skip


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    return alt.InlineData(values=list(rows))


def _cohort() -> str:
    return "#1b5f8f" if st.get_option("theme.base") == "light" else "#8fbfe0"


def _ink() -> str:
    """Text on a chart, which takes no colour from the theme."""
    return "#33393f" if st.get_option("theme.base") == "light" else "#c4cad0"
