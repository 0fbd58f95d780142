"""What is running: progress from the run's row, and starting, stopping, retrying for those who may."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from spinecho.access.people import Role
from spinecho.setup.wiring import USER_ERRORS, indexing_process
from spinecho.shown import Busy
from spinecho.ui.views.session.long_work import exit_status, last_words, launch
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.style import trouble

_LABELS = {"discover": "files found", "scan": "headers read", "read": "series read, embedded, stored",
           "reports": "report files"}  # fmt: skip
_LOG, _STARTED = "index.log", "index-process"
"""What a run that is started here prints, and where the session keeps its number."""
_WELL = (None, 0, 1, -signal.SIGTERM)
"""How a run ends: not yet, well, with files that were rejected, by the button."""
_SILENT = 60.0
"""Seconds after which a run that tells nothing, and whose process is gone, was killed."""


@st.fragment(run_every=2.0)
def jobs(context: PageContext) -> None:
    """Draw the newest run, and look again every two seconds."""
    run = context.front.holdings.last_run()
    process = indexing_process(context.settings)
    if st.session_state.get("indexing") and process is None:
        st.session_state["indexing"] = False
        st.rerun(scope="app")  # what the page counts around this has changed
    st.session_state["indexing"] = process is not None
    with st.container(border=True, key="jobs"):
        _summary(run, process)
        if context.front.access.may(Role.MANAGER):
            _buttons(context, process)
            _what_failed(context)


def start(context: PageContext, *, retry: bool = False) -> None:
    """Start indexing the known folders in a process of its own. Raises `Refused`, `Busy`, `StoreError`."""
    context.front.access.require(Role.MANAGER, "index the archive")
    if (process := indexing_process(context.settings)) is not None:
        raise Busy(f"process {process} is indexing already; wait for it, or stop it")
    begun = context.front.holdings.begin_indexing(retry=retry)
    arguments = ["index", *(["--retry"] if retry else [])]
    if (how := begun.deidentified) is not None:
        arguments += ["--deidentify", "--dates", how["dates"], "--descriptors", how["descriptors"]]
    process = launch(arguments, context.settings, context.settings.home / _LOG, row=begun.row)
    st.session_state[_STARTED] = process


def stop(context: PageContext) -> None:
    """Stop the process that is indexing; what it stored stays, and the next run goes on there. Raises `Refused`."""
    context.front.access.require(Role.MANAGER, "stop indexing")
    process = indexing_process(context.settings)
    if process is not None:
        context.front.access.note("stop-index")
        os.kill(process, signal.SIGTERM)


def _summary(run: dict[str, Any] | None, process: int | None) -> None:
    if run is None:
        st.text("Nothing was indexed yet.")
        return
    if run["finished_at"]:
        counts, seconds = run["counts"], run["seconds"]
        amounts = ", ".join(f"{counts[name]:,} {name}" for name in ("series", "volumes", "reports") if counts.get(name))
        st.text(f"Last run ended {run['finished_at'][:16].replace('T', ' ')} UTC: {amounts or 'nothing new'}, "
                f"{seconds.get('wall', 0):,.0f} s")  # fmt: skip
        return
    stages, at = run["counts"].get("stages", {}), run["counts"].get("told_at", run["started_at"])
    silent = (_now() - datetime.fromisoformat(at)).total_seconds()
    if process is None and silent > 3:
        st.text(f"The last run was stopped {_ago(silent)} ago; the next one goes on where it was.")
        return
    elapsed = max((_now() - datetime.fromisoformat(run["started_at"])).total_seconds(), 1e-6)
    since = f"Indexing since {run['started_at'][11:16]} UTC"
    st.text(since + (f" · no word for {_ago(silent)}" if silent > _SILENT else ""))
    for stage, label in _LABELS.items():
        done, known = stages.get(stage, (0, 0))
        if not (done or known):
            continue
        rate = done / elapsed
        left = f" · about {_ago((known - done) / rate)} left" if known > done > 0 else ""
        if not known:  # how many there are is not known yet: a bar would look as if nothing moved
            st.text(f"{label}: {done:,} · {rate:.1f} a second")
            continue
        amounts = f"{label}: {done:,} of {known:,}" + ("" if done >= known else f" · {rate:.1f} a second{left}")
        st.progress(min(done / known, 1.0), text=amounts)


def _what_failed(context: PageContext) -> None:
    """Why the run that this session started ended, where neither it nor a file of the archive says so."""
    status = exit_status(st.session_state.get(_STARTED, 0))
    if status not in _WELL:
        trouble("The run that was started here could not go on", last_words(context.settings.home / _LOG))


def _buttons(context: PageContext, process: int | None) -> None:
    asked_for: str | None = None
    with st.container(horizontal=True):
        try:
            if process is None:
                if st.button("Index what is new", key="index"):
                    start(context)
                if st.button("Retry what was rejected", key="retry"):
                    start(context, retry=True)
            elif st.button("Stop", key="stop"):
                stop(context)
        except USER_ERRORS as error:
            asked_for = str(error)
    if asked_for:
        trouble("This was not started", asked_for)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _ago(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
