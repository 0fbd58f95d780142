"""A cohort's versions: what each is, what changed, taking it away, deleting it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from spinecho.answering.facet_counts import masked
from spinecho.answering.lists import FORMATS, Changes, Cohort, FrozenCohort, from_plain
from spinecho.setup.wiring import USER_ERRORS
from spinecho.ui.views.cohorts.charts import attrition_chart
from spinecho.ui.views.cohorts.counting import changes_of
from spinecho.ui.views.cohorts.counts import show_balance
from spinecho.ui.views.cohorts.exporting import packed_tables, taken_tables
from spinecho.ui.views.cohorts.members import member_grid
from spinecho.ui.views.download import download_button
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.whole import whole
from spinecho.ui.views.style import trouble


def show_versions(context: PageContext, versions: Sequence[FrozenCohort], edit: Callable[[FrozenCohort], None]) -> None:
    """Draw the versions of one cohort, the first one first. edit: puts the rules of one into the builder."""
    numbers = [one.version for one in versions][::-1]
    by_number = {one.version: one for one in versions}
    top, middle = st.columns([2, 5], vertical_alignment="bottom")
    number = top.selectbox("Version", numbers, key=f"version-{versions[0].name}", format_func=lambda n: f"version {n}")
    one = by_number[number]
    with middle:
        st.text(
            f"{one.studies} studies of {one.patients} patients · frozen "
            f"{one.frozen_at:%Y-%m-%d %H:%M} UTC by {one.owner}" + (f" · {one.description}" if one.description else "")
        )
    views = ["Rules and counts", "Changes", "Export", "Studies"]
    view = st.segmented_control(
        "View", views, key="cohort-view", required=True, label_visibility="collapsed", default=views[0]
    )
    if view == "Changes":
        _changes(context, one, numbers)
    elif view == "Export":
        _export(context, one, several=len(numbers) > 1, edit=edit)
    elif view == "Studies":
        uids = [member.study_uid for member in _named(context, one).version(one.version).members]
        member_grid(context, uids, key=f"members-{one.name}-{one.version}")
    else:
        st.altair_chart(attrition_chart(one.attrition), width="stretch")
        show_balance(one.balance)
        st.button("Edit as a new version", key="edit", on_click=whole(edit), args=(one,))
        with st.expander("Made with"):
            st.code(json.dumps(dict(one.made_with), indent=1), language="json")


def _changes(context: PageContext, one: FrozenCohort, numbers: Sequence[int]) -> None:
    others: list[int | str] = ["the archive as it is now", *[n for n in numbers if n != one.version]]
    other = st.selectbox("Compare with", others, key=f"against-{one.name}-{one.version}",
                         format_func=lambda n: n if isinstance(n, str) else f"version {n}")  # fmt: skip
    try:
        if isinstance(other, str):
            found = changes_of(context, from_plain(one.definition, name=one.name), one.version)
        else:
            pair = min(one.version, other), max(one.version, other)
            found = _listed(_named(context, one).diff(*pair))
    except USER_ERRORS as error:
        trouble("These cannot be compared", str(error))
        return
    sizes = (len(found["added"]), len(found["removed"]), found["kept"])
    added, removed, kept = (masked(size, context.settings.smallest_count) for size in sizes)
    st.text(f"{added} added, {removed} removed, {kept} kept")
    for line in found["definition"]:
        st.text(f"definition: {line}")
    rows = [
        {"change": kind, "study": uid, "why": why} for kind in ("added", "removed", "moved") for uid, why in found[kind]
    ]
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch", height=320)
    elif not found["definition"]:
        st.caption("Nothing differs.")


def _listed(changes: Changes) -> Mapping[str, Any]:
    kinds = {"added": changes.added, "removed": changes.removed, "moved": changes.moved}
    rows = {kind: [(one.study_uid, one.why) for one in some] for kind, some in kinds.items()}
    return {**rows, "kept": changes.kept, "definition": changes.definition}


def _export(context: PageContext, one: FrozenCohort, *, several: bool, edit: Callable[[FrozenCohort], None]) -> None:
    formats = st.multiselect("Formats", FORMATS, list(FORMATS), key="formats", select_all=False)
    pseudonyms = st.checkbox("Pseudonyms: nothing that names a patient, no list of files", True, key="pseudonyms")
    made = st.session_state.get("made")
    key = (one.name, one.version, tuple(formats), pseudonyms)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Prepare the export", key="prepare", disabled=not formats):
            try:
                made = (key, packed_tables(context, one, formats, pseudonyms=pseudonyms))
            except USER_ERRORS as error:
                trouble("This cannot be exported", str(error))
                return
            st.session_state["made"] = made
        if made is not None and made[0] == key:
            name, packed = made[1]
            taken = partial(taken_tables, context, one, packed)
            download_button("Download the zip", taken, name, "application/zip", key="download", primary=True)
    st.caption("Tables (CSV, Parquet), manifest.json, BIDS participants.tsv, and a script that copies the files.")
    with st.popover("Delete", icon=":material/delete:"):
        st.text("The frozen lists are lost; the rules stay in the builder, so that they can be frozen again.")
        with st.container(horizontal=True):
            this = one.version if several and st.button(f"Delete version {one.version}", key="delete-version") else None
            if this is not None or st.button("Delete every version" if several else "Delete this cohort", key="delete"):
                _delete(context, one, this, edit)


def _delete(context: PageContext, one: FrozenCohort, number: int | None, edit: Callable[[FrozenCohort], None]) -> None:
    try:
        gone = _named(context, one).delete(number)
    except USER_ERRORS as error:
        trouble("This cannot be deleted", str(error))
        return
    edit(gone.latest)
    if number is None:
        st.session_state["cohort-message"] = "Deleted. Its rules are in the builder."
    else:
        st.session_state["cohort-message"] = f"Version {number} is deleted. Its rules are in the builder."
        st.session_state["cohort-next"] = one.name
    st.rerun()


def _named(context: PageContext, one: FrozenCohort) -> Cohort:
    return context.front.cohort(name=one.name)
