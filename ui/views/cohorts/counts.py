"""What rules leave, drawn: totals, a bar a line, the balance of matched sets, the list beside the whole archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from spinecho.answering.facet_counts import Facet
from spinecho.answering.lists import SHARES
from spinecho.ui.views.cohorts.charts import attrition_chart, balance_chart, comparison_charts, valued
from spinecho.ui.views.cohorts.members import member_grid
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.style import trouble


def show_counts(context: PageContext, answer: Mapping[str, Any]) -> None:
    """Draw a count; see `cohort_answers.counted`."""
    count = answer["count"]
    with st.container(horizontal=True, gap="large", key="totals"):
        st.metric("Studies", count["studies"])
        st.metric("Patients", count["patients"])
        for part, size in count["parts"].items():
            st.metric(part, size)
    for warning in count["warnings"]:
        trouble("Note", warning, grave=False)
    st.altair_chart(attrition_chart(count["attrition"]), width="stretch")
    if not answer["studies"]:
        return
    show_balance(count["balance"])
    with st.expander("Beside the whole archive", expanded=True):
        st.caption("Of each pair the upper bar is the cohort, the lower one the archive.")
        facts = {name: [Facet(*row) for row in rows] for name, rows in answer["beside"].items()}
        charts = comparison_charts(facts)
        for start in range(0, len(charts), 3):
            for column, chart in zip(st.columns(3), charts[start : start + 3], strict=False):
                column.altair_chart(chart, width="stretch")
    with st.expander("Studies", expanded=True):
        member_grid(context, answer["studies"], key="preview")


def show_balance(rows: Sequence[Mapping[str, Any]]) -> None:
    """How alike matched cases and controls are; nothing where nothing was matched."""
    if not rows:
        return
    with st.expander("Balance of cases and controls", expanded=True):
        st.caption("Standardised mean differences: the hollow mark before matching, the filled one after.")
        chart, table = st.columns([5, 6], gap="medium")
        chart.altair_chart(balance_chart(rows), width="stretch")
        figures = ["before", "after", *(name for name in rows[0] if name in SHARES)]
        table.dataframe(
            [{"what": valued(row), **{name.replace("_", " "): row[name] for name in figures}} for row in rows],
            hide_index=True, width="stretch",
        )  # fmt: skip
