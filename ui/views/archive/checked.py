"""What was found by checking everything that is stored, slowly, in the background."""

from __future__ import annotations

import streamlit as st

from spinecho.ui.scrubbed import scrub_findings, scrub_rows
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.style import trouble


def checked(context: PageContext) -> None:
    """A line for the last whole round and the one under way, and each finding with what helps."""
    facts = context.front.scrubbed()
    for name, summary in scrub_rows(facts):
        st.text(f"{name.capitalize()}: {summary}")
    for one in scrub_findings(facts):
        counted = f"{one['count']:,} " if one["count"] > 1 else ""
        lines = [counted + one["what"], one["remedy"], *one["examples"]]
        trouble(one["area"].capitalize(), "\n".join(lines), grave=one["severity"] == "error")
