"""Long work of a page, in the processes for it where this server has them: the page waits, others are not held up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from spinecho.ui.server.jobs.pool import Made, pool_of
from spinecho.ui.server.jobs.queue import Job
from spinecho.ui.views.session.opened import PageContext


def pooled(
    context: PageContext, kind: str, arguments: Mapping[str, Any], *, label: str, stays: bool = False
) -> Made | None:
    """What came of a job of this person's; None where this server has no such processes, and the page does it itself.

    A page that is left, or drawn anew for something else, stops waiting and with that the work, unless it `stays`.
    label: said meanwhile.
    Raises `JobFailed`, `QueueFull`.
    """
    pool = pool_of(context.settings)
    if pool is None:
        return None
    place = st.empty()

    def show(job: Job) -> None:  # also lets Streamlit end this drawing where the page was left
        place.caption(
            f"{label} · waiting for its turn" if job.state == "queued" else f"{label} · {job.stage or 'begun'}"
        )

    try:
        return pool.wait(kind, context.front.access.person, arguments, show, stays=stays)
    finally:
        place.empty()
