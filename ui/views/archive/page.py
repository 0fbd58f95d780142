"""The archive page: what is indexed and what is running, what failed, builds, a map, and the record."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import streamlit as st

from spinecho.access.people import Role
from spinecho.answering.facet_counts import Count, number
from spinecho.setup.wiring import USER_ERRORS
from spinecho.shown import is_ignorable, remedy_of
from spinecho.ui.scrubbed import scrub_findings, scrub_rows
from spinecho.ui.views.archive.disk import space_rows, used
from spinecho.ui.views.archive.jobs import jobs, start
from spinecho.ui.views.archive.map import map_view
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.style import trouble

SHORTCUTS = (("drag on the map", "draw a lasso"),)
_NAMES = {"body_region": "body region", "sequence": "sequence", "vendor": "manufacturer"}
_MOST_FILES = 500
_OF_ANOTHER = "A reason of another version of Spinecho: the messages of the files tell more."
_VIEWS = ("Overview", "Map", "Failures", "Encoders and builds", "Record")


def archive_page(context: PageContext) -> None:
    """Draw the page."""
    view = st.segmented_control(
        "View", _VIEWS, key="archive-view", required=True, default=_VIEWS[0], label_visibility="collapsed"
    )
    if view == "Map":
        map_view(context)
    elif view == "Failures":
        _failures(context)
    elif view == "Encoders and builds":
        _builds(context)
    elif view == "Record":
        _record(context)
    else:
        _overview(context)


def _overview(context: PageContext) -> None:
    counts = context.front.holdings.counts()
    with st.container(horizontal=True, gap="large"):
        for name in ("studies", "series", "volumes", "reports"):
            st.metric(name.capitalize(), f"{counts[name]:,}")
        if unmatched := counts["reports_unmatched"] + counts["reports_ambiguous"]:
            st.metric("Reports without a study", f"{unmatched:,}")
    jobs(context)
    _checked(context)
    facets = context.front.holdings.studies_by(list(_NAMES))
    for column, (name, values) in zip(st.columns(3), facets.items(), strict=True):
        with column:
            st.caption(f"Studies by {_NAMES[name]}")
            _by_value(_NAMES[name], values, counts["studies"], context.settings.smallest_count)


def _by_value(name: str, by_value: Mapping[str, Count], studies: int, smallest: int) -> None:
    """Studies by value, with bars of their share of all studies; small counts are hidden."""
    count = st.column_config.TextColumn if smallest > 1 else st.column_config.NumberColumn
    st.dataframe(
        [
            {name: value, "studies": str(n) if smallest > 1 else n, "share": number(n) / max(studies, 1)}
            for value, n in by_value.items()
        ],
        hide_index=True, width="stretch", height=min(_rows_px(len(by_value)), 402),
        column_config={
            "studies": count(width=70),
            "share": st.column_config.ProgressColumn("share of all studies", format=" ", min_value=0, max_value=1),
        },
    )  # fmt: skip


def _rows_px(rows: int) -> int:
    """How high a table of so many rows is, its header with it."""
    return 35 * (rows + 1) + 3


def _failures(context: PageContext) -> None:
    rejected, counts = context.front.holdings.rejected(), context.front.holdings.counts()
    homeless = counts["reports"] - counts["reports_matched"]
    # what somebody can mend comes before what is merely left aside
    codes = sorted(rejected, key=is_ignorable)
    rows = [
        {"reason": _reason(code), "files": rejected[code], "what to do": remedy_of(code) or _OF_ANOTHER}
        for code in codes
    ]
    if not rows and not homeless:
        st.caption("Nothing was rejected, and every report has its study.")
        return
    mendable = sum(files for code, files in rejected.items() if not is_ignorable(code))
    if rows:
        aside = sum(rejected.values()) - mendable
        st.caption(f"{mendable:,} files to look at, {aside:,} left aside for good reason.")
        st.dataframe(
            rows, hide_index=True, width="stretch",
            column_config={
                "files": st.column_config.NumberColumn(width=64), "reason": st.column_config.Column(width=190)
            },
        )  # fmt: skip
    if not context.front.access.may(Role.MANAGER):
        st.caption("Which files these are is shown to managers.")
        return
    if codes:
        _files(context, codes, retry=mendable > 0)
    if homeless:
        st.caption("Reports without a study")
        st.dataframe(
            [
                {"file": one.path, "entry": one.ordinal, "why": one.reason or one.match,
                 "accession number": one.accession_number, "StudyInstanceUID": one.study_uid}
                for one in context.front.holdings.unmatched_reports()
            ],
            hide_index=True, width="stretch",
        )  # fmt: skip


def _files(context: PageContext, codes: Sequence[str], *, retry: bool) -> None:
    """The files of one reason, and the way to try them again."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reason = st.selectbox("Files rejected for", codes, format_func=_reason, key="failure-reason", width=320)
        if retry and st.button("Retry what was rejected", key="failures-retry", help="Once the files are mended"):
            try:
                start(context, retry=True)
            except USER_ERRORS as error:
                trouble("This was not started", str(error))
            else:
                st.caption("Started; the overview shows how far it is.")
    files = context.front.holdings.failures(str(reason))
    several = any(one.ordinal for one in files)
    folder = _common([one.path for one in files])
    if folder:
        st.text(f"Below {folder}")
    rows = []
    for one in files[:_MOST_FILES]:
        entry = {"entry": one.ordinal or None} if several else {}
        rows.append({"file": one.path.removeprefix(folder), **entry, "message": one.message.replace(folder, "")})
    st.dataframe(rows, hide_index=True, width="stretch", height=min(_rows_px(len(rows)), 388))
    if len(files) > _MOST_FILES:
        st.caption(f"The first {_MOST_FILES} of {len(files):,}; 'spinecho failures --reason {reason}' lists all.")


def _common(paths: Sequence[str]) -> str:
    """The folder that all lie in, with the stroke after it, so that what tells them apart is seen; '' for one alone."""
    folders = {os.path.dirname(path) for path in paths}  # noqa: PTH120  (paths of another machine, perhaps)
    if len(paths) < 2 or not all(folder.startswith("/") for folder in folders):
        return ""
    common = os.path.commonpath(folders)
    return "" if common == "/" else f"{common}/"


def _reason(code: str) -> str:
    return code.replace("_", " ").lower().replace("dicom", "DICOM").replace("mr", "MR")


def _builds(context: PageContext) -> None:
    spaces = context.front.holdings.spaces(context.settings.builds)
    for space in spaces:
        st.text(f"{space.role}: {space.encoder} · {space.model} · {space.dim} numbers a vector")
    for about in dict.fromkeys(space.about for space in spaces):
        st.caption(about)
    for weighed in (space.weighed for space in spaces if space.weighed):
        st.caption(f"Weights of channels: {weighed}")
    rows = space_rows(spaces)
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
    else:
        trouble("No build yet", "Vectors are compared one by one until 'spinecho index' makes a build.", grave=False)
    st.caption("Disk and memory")
    st.dataframe(used(context), hide_index=True, width="content")


def _record(context: PageContext) -> None:
    entries = context.front.access.record(most=500)
    if not context.front.access.may(Role.MANAGER):
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


def _checked(context: PageContext) -> None:
    """What checking by content found: the last whole round, the one under way, each finding with what helps."""
    facts = context.front.scrubbed()
    for name, summary in scrub_rows(facts):
        st.text(f"{name.capitalize()}: {summary}")
    for one in scrub_findings(facts):
        counted = f"{one['count']:,} " if one["count"] > 1 else ""
        lines = [counted + one["what"], one["remedy"], *one["examples"]]
        trouble(one["area"].capitalize(), "\n".join(lines), grave=one["severity"] == "error")
