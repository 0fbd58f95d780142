"""Counts of the builder: made here where that is quick, else by a process for it while the last ones stay."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from spinecho.access.people import Role
from spinecho.answering.lists import Definition, to_plain
from spinecho.setup.wiring import USER_ERRORS
from spinecho.shown import is_long
from spinecho.ui.cohort_answers import changed, counted, frozen_as_seen
from spinecho.ui.server.jobs.pool import Made, Pool, pool_of
from spinecho.ui.server.jobs.queue import Job
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.pooled import pooled

_AT_ONCE, _LOOK, _EVERY = 0.6, 0.05, 0.4
"""Seconds in which most counts are there, so that nothing is dimmed for them; between looks then, and later."""
_HELD, _JOB = "counted", "counting"
"""In the session: the last count, and the job of the one that is waited for."""


@dataclass
class Count:
    """What rules left. rules: as text, without what the cohort is called; generation: the archive's when it was begun.

    answer: see `cohort_answers.counted`. waits: these are counts of before, and others are on their way.
    """

    rules: str
    generation: int
    answer: Mapping[str, Any]
    unseen: bool = False
    """It came from another process and was not shown yet: it is, though the archive has changed meanwhile."""
    waits: bool = False


@dataclass(frozen=True)
class _Asked:
    number: str
    rules: str
    generation: int


def count_of(context: PageContext, definition: Definition) -> Count | None:
    """What the rules leave, remembered until they or the archive change; the last count while it `waits` for this one,
    None where there is no last one. What the cohort is called changes no count. Raises what counting raises.
    """
    state, cohorts, generation = st.session_state, context.front.builder, context.front.kept.generation
    plain = {key: value for key, value in to_plain(definition).items() if key not in ("name", "description")}
    rules = json.dumps(plain, sort_keys=True)
    held: Count | None = state.get(_HELD)
    if held is not None and held.rules == rules and (held.generation == generation or held.unseen):
        _leave(context)
        cohorts.counted_again(definition.name, len(held.answer["studies"]))
    else:
        pool = pool_of(context.settings)
        if pool is None or not is_long(cohorts, definition):
            _leave(context)
            held = Count(rules, generation, counted(cohorts, definition))
        else:
            held = _by(pool, context, definition, rules, generation) or _waiting_beside(held, context)
    if held is not None and not held.waits:
        held.unseen = False
        state[_HELD] = held
    return held


def wait_line(context: PageContext, count: Count | None) -> None:
    """A line that says that counts are on their way; it is there and empty when none are, so that nothing moves."""
    asked: _Asked | None = st.session_state.get(_JOB)
    with st.container(key="count-line"):  # of one height
        if asked is None or (count is not None and not count.waits):
            st.caption("\N{NO-BREAK SPACE}")
        else:
            _follow(context, asked.number)


def freeze(context: PageContext, definition: Definition, digest: str) -> tuple[str, int]:
    """(name, version) of the list that was looked at. What is begun is done, though the page be left.

    Raises `ListChanged`, `Refused`, `JobFailed`, `QueueFull`, and what freezing raises.
    """
    context.front.access.require(Role.RESEARCHER, "freeze a cohort")
    cohorts = context.front.builder
    asked = {"definition": to_plain(definition), "digest": digest}
    made = pooled(context, "freeze", asked, label="Freezing", stays=True) if is_long(cohorts, definition) else None
    kept = frozen_as_seen(cohorts, definition, digest) if made is None else made.result
    return str(kept["name"]), int(kept["number"])


def changes_of(context: PageContext, definition: Definition, number: int) -> Mapping[str, Any]:
    """As `cohort_answers.changed`, of a version with its definition. Raises as `freeze`."""
    cohorts, asked = context.front.builder, {"name": definition.name, "version": number}
    made = pooled(context, "changes", asked, label="Comparing") if is_long(cohorts, definition) else None
    if made is None:
        with st.spinner("Comparing"):
            return changed(cohorts, definition.name, number)
    return _read(made)


def _by(pool: Pool, context: PageContext, definition: Definition, rules: str, generation: int) -> Count | None:
    """What came of the job for these rules; None while it runs. One for other rules is stopped."""
    state = st.session_state
    asked: _Asked | None = state.get(_JOB)
    if asked is not None and asked.rules != rules:
        _leave(context)
        asked = None
    until = time.monotonic() + (_AT_ONCE if asked is None else 0.0)
    while True:
        if asked is None:
            number = pool.ask("shown-count", context.front.access.person, {"definition": to_plain(definition)})
            asked = state[_JOB] = _Asked(number, rules, generation)
        try:
            found = pool.look(asked.number)
        except USER_ERRORS:
            state.pop(_JOB, None)
            raise
        if isinstance(found, Made):
            state.pop(_JOB, None)
            return Count(rules, asked.generation, _read(found), unseen=True)
        if found is None:  # stopped by another page of this person's, or forgotten
            asked = None
            continue
        if time.monotonic() >= until:
            return None
        time.sleep(_LOOK)


def _waiting_beside(held: Count | None, context: PageContext) -> Count | None:
    if held is None:
        return None
    context.front.builder.counted_again(str(held.answer["count"]["cohort"]), len(held.answer["studies"]))
    return Count(held.rules, held.generation, held.answer, waits=True)


def _leave(context: PageContext) -> None:
    asked: _Asked | None = st.session_state.pop(_JOB, None)
    pool = pool_of(context.settings)
    if asked is not None and pool is not None:
        pool.leave(asked.number)


@st.fragment(run_every=_EVERY)
def _follow(context: PageContext, number: str) -> None:
    """Says how far it is, and has the page drawn once it is over; a browser that is closed asks no more."""
    pool = pool_of(context.settings)
    try:
        found = None if pool is None else pool.look(number)
    except USER_ERRORS:  # which the page tells
        found = None
    if not isinstance(found, Job):
        st.rerun(scope="app")
    else:
        so_far = f" · {found.done} of {found.known} lines" if found.known else ""
        st.caption("Counting · waiting for its turn" if found.state == "queued" else f"Counting{so_far}")


def _read(made: Made) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(made.content or b"{}")
    return found
