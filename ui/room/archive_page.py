"""The archive page: what is indexed and what is running, what failed, builds, a map, and the record."""

from __future__ import annotations

import streamlit as st

from db import archive, lookup
from db.masking import masked, number
from encoders.errors import Reason
from search.desk import Role
from ui.page_style import trouble
from ui.report import failure_facts, status_facts
from ui.room.archive_jobs import jobs, start
from ui.room.archive_map_view import map_view
from ui.room.archive_space import space_rows, used
from ui.room.opened import Room
from ui.wiring import USER_ERRORS

SHORTCUTS = (("drag on the map", "draw a lasso"),)
_NAMES = {"body_region": "body region", "sequence": "sequence", "vendor": "manufacturer"}
_MOST_FILES = 500
_VIEWS = ("Overview", "Map", "Failures", "Encoders and builds", "Record")


def archive_page(room: Room) -> None:
    """Draw the page."""
    view = st.segmented_control(
        "View", _VIEWS, key="archive-view", required=True, default=_VIEWS[0], label_visibility="collapsed"
    )
    if view == "Map":
        map_view(room)
    elif view == "Failures":
        _failures(room)
    elif view == "Encoders and builds":
        _builds(room)
    elif view == "Record":
        _record(room)
    else:
        _overview(room)


def _overview(room: Room) -> None:
    counts = archive.archive_counts(room.desk.database)
    with st.container(horizontal=True, gap="large"):
        for name in ("studies", "series", "volumes", "reports"):
            st.metric(name.capitalize(), f"{counts[name]:,}")
        if unmatched := counts["reports_unmatched"] + counts["reports_ambiguous"]:
            st.metric("Reports without a study", f"{unmatched:,}")
    jobs(room)
    facets = lookup.facets(room.desk.database, list(_NAMES))
    for column, (name, values) in zip(st.columns(3), facets.items(), strict=True):
        with column:
            st.caption(f"Studies by {_NAMES[name]}")
            told = {value: masked(count, room.desk.smallest) for value, count in values.items()}
            most = max((number(n) for n in told.values()), default=0) or 1
            st.dataframe(
                [{_NAMES[name]: value, "studies": str(n), "bar": number(n)} for value, n in told.items()],
                hide_index=True, width="stretch", height=min(36 * len(told) + 40, 400),
                column_config={
                    "studies": st.column_config.TextColumn(width=64),
                    "bar": st.column_config.ProgressColumn("", format=" ", min_value=0, max_value=most),
                },
            )  # fmt: skip


def _failures(room: Room) -> None:
    facts = failure_facts(room.desk.database, reason=None, everything=True)
    # what somebody can mend comes before what is merely left aside
    by_reason = sorted(facts["by_reason"], key=lambda row: Reason(row["reason"]).ignorable)
    rows = [{"reason": _reason(row["reason"]), "files": row["files"], "what to do": row["remedy"]} for row in by_reason]
    if not rows and not facts["reports_without_study"]:
        st.caption("Nothing was rejected, and every report has its study.")
        return
    mendable = sum(row["files"] for row in by_reason if not Reason(row["reason"]).ignorable)
    if rows:
        aside = sum(row["files"] for row in by_reason) - mendable
        st.caption(f"{mendable:,} files to look at, {aside:,} left aside for good reason.")
        st.dataframe(
            rows, hide_index=True, width="stretch",
            column_config={
                "files": st.column_config.NumberColumn(width=64), "reason": st.column_config.Column(width=190)
            },
        )  # fmt: skip
    if not room.desk.may(Role.MANAGER):
        st.caption("Which files these are is shown to managers.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        codes = [row["reason"] for row in by_reason]
        reason = st.selectbox("Files rejected for", codes, format_func=_reason, key="failure-reason", width=320)
        if mendable and st.button("Retry what was rejected", key="failures-retry", help="Once the files are mended"):
            try:
                start(room, retry=True)
            except USER_ERRORS as error:
                trouble("This was not started", str(error))
            else:
                st.caption("Started; the overview shows how far it is.")
    files = [failure for failure in facts["failures"] if failure["reason"] == reason]
    if files:
        several = any(one["ordinal"] for one in files)
        told = [
            {"file": one["path"], **({"entry": one["ordinal"] or None} if several else {}), "message": one["message"]}
            for one in files[:_MOST_FILES]
        ]
        st.dataframe(told, hide_index=True, width="stretch", height=min(36 * len(told) + 40, 380))
        if len(files) > _MOST_FILES:
            st.caption(f"The first {_MOST_FILES} of {len(files):,}; 'spinecho failures --reason {reason}' lists all.")
    if facts["reports_without_study"]:
        st.caption("Reports without a study")
        st.dataframe(
            [
                {"file": one["path"], "entry": one["ordinal"], "why": one["match"],
                 "accession number": one["accession_number"], "StudyInstanceUID": one["study_uid"]}
                for one in facts["reports_without_study"]
            ],
            hide_index=True, width="stretch",
        )  # fmt: skip


def _reason(code: str) -> str:
    return code.replace("_", " ").lower().replace("dicom", "DICOM").replace("mr", "MR")


def _builds(room: Room) -> None:
    facts = status_facts(room.desk.database, room.settings)
    for role, space in facts["spaces"].items():
        st.text(f"{role}: {space['encoder']} · {space['model']} · {space['dim']} numbers a vector")
    for about in dict.fromkeys(space["about"] for space in facts["spaces"].values()):
        st.caption(about)
    rows = space_rows(room)
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
    else:
        trouble("No build yet", "Vectors are compared one by one until 'spinecho index' makes a build.", grave=False)
    st.caption("Disk and memory")
    st.dataframe(used(room), hide_index=True, width="content")


def _record(room: Room) -> None:
    entries = room.desk.record(most=500)
    if not room.desk.may(Role.MANAGER):
        st.caption("Your own; managers see everybody's.")
    if not entries:
        st.caption("Nothing is on record yet.")
        return
    st.dataframe(
        [
            {"at (UTC)": one.at, "who": one.user, "role": one.role, "what": one.action, "of": one.subject,
             "facts": ", ".join(f"{name} {value}" for name, value in one.facts.items())}
            for one in entries
        ],
        hide_index=True, width="stretch", height=620,
    )  # fmt: skip
