"""The evaluate page: run evaluations, and hold them against one another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import altair as alt
import streamlit as st

from spinecho.access.people import Role
from spinecho.answering.thumbs import judgements_csv
from spinecho.setup.wiring import USER_ERRORS
from spinecho.ui.views.download import download_button
from spinecho.ui.views.evaluate.evaluations import Evaluated, Of, begin, evaluations
from spinecho.ui.views.session.choices import told_apart
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.style import trouble

SHORTCUTS: tuple[tuple[str, str], ...] = ()
_OF: dict[str, tuple[str, Of]] = {
    "the archive itself": ("labels, reports, findings and filters, from what is indexed", "archive"),
    "my judgements": ("CSV or JSON Lines: query, study_uid, grade", "judgements"),
    "thumbs kept here": ("everybody's thumbs on results, by majority", "judgements"),
    "texts and their studies": ("CSV or JSON Lines: text, study_uid", "pairs"),
}
_COPIES = 100
_DARK = ("#8fbfe0", "#e69f00", "#6fbf97", "#cc79a7")
_LIGHT = ("#1b5f8f", "#9a5b00", "#1d6b3f", "#9b3f72")


def evaluate_page(context: PageContext) -> None:
    """Draw the page."""
    _start(context)
    found = evaluations(context)
    if any(one.running for one in found):
        _waiting(context)
    done = [one for one in found if one.result is not None]
    for one in found:
        if one.result is None and not one.running:
            with st.expander(f"{one.label}: not measured"):
                st.text(one.why or "It was stopped before it was done.")
    if not done and any(one.running for one in found):
        return
    if not done:
        st.caption("No evaluation is kept yet. Every figure will come with its pool, chance level and 95 % interval.")
        return
    by_name = {one.name: one for one in done}
    labels = told_apart({one.name: one.label for one in done})
    shown = st.multiselect(
        "Compare", list(labels), list(labels)[:1], max_selections=4, key="evaluations", select_all=False,
        format_func=lambda name: labels.get(name, name),
    )  # fmt: skip
    if shown:
        _compared(context, [by_name[name] for name in shown])


def _start(context: PageContext) -> None:
    with st.container(border=True, key="evaluate-start"):
        first, second, third = st.columns([3, 4, 2], vertical_alignment="bottom")
        way = first.selectbox("Measure on", list(_OF), key="evaluate-of")
        what, of = _OF[way]
        content, ending = None, ".csv"
        with second:
            if way in ("my judgements", "texts and their studies"):
                file = st.file_uploader(what, ["csv", "jsonl"], key=f"evaluate-{of}", max_upload_size=50)
                if file is not None:
                    content, ending = file.getvalue(), Path(file.name).suffix.lower()
            else:
                st.caption(what)
                if way == "thumbs kept here":
                    content = _thumbs(context)
                    if content is None and context.front.access.may(Role.RESEARCHER):
                        st.caption("No thumbs are kept yet: + and − beside results keep them.")
        copied = of == "archive" and second.checkbox(
            f"also change {_COPIES} scans a little and look for their originals", key="evaluate-copies",
            help="They are read again from their files: about a second each.",
        )  # fmt: skip
        ready = of == "archive" or content is not None
        if third.button("Measure", key="evaluate", type="primary", disabled=not ready, width="stretch"):
            try:
                begin(context, of, content, ending=ending, copies=_COPIES if copied else 0)
            except USER_ERRORS as error:
                trouble("This was not started", str(error))
            else:
                st.rerun()
        if not context.front.access.may(Role.RESEARCHER):
            st.caption("Measuring takes the role researcher; results are for all.")


@st.fragment(run_every=2.0)
def _waiting(context: PageContext) -> None:
    running = [one for one in evaluations(context) if one.running]
    if not running:
        st.rerun(scope="app")
    for one in running:
        st.text(f"Measuring: {one.label} · {one.seconds:.0f} s so far")


def _thumbs(context: PageContext) -> bytes | None:
    if not context.front.access.may(Role.RESEARCHER):
        return None
    rows = context.front.judgements(everybody=True)
    return judgements_csv(rows).encode() if rows else None


def _compared(context: PageContext, shown: Sequence[Evaluated]) -> None:
    names = {one.name: chr(ord("A") + place) for place, one in enumerate(shown)}
    for one in shown:
        of = (one.result or {}).get("archive", {})
        with st.container(horizontal=True, vertical_alignment="center", key=f"run-{one.name}"):
            label = f"{names[one.name]}  {one.label} · {(one.result or {}).get('encoder', {}).get('name', '')}"
            st.text(f"{label} · {of.get('studies', 0):,} studies, {of.get('volumes', 0):,} volumes", width="stretch")
            download_button(
                "JSON", partial(_downloaded, context, one), f"evaluation-{one.name}.json", "application/json",
                key=f"json-{one.name}",
            )  # fmt: skip
        if summary := str((one.result or {}).get("summary", "")):
            st.markdown("**" + "".join(c for c in summary if c.isalnum() or c in " .,;:()'") + "**")
        _headlines((one.result or {}).get("headlines", ()))
        for warning in (one.result or {}).get("warnings", ()):
            trouble("Note", str(warning), grave=False)
    rows = [row for one in shown for row in _rows(one, names[one.name])]
    if not rows:
        st.caption("Nothing could be measured; the reasons are below.")
    for question in dict.fromkeys(row["question"] for row in rows):
        some = [row for row in rows if row["question"] == question]
        st.markdown("**" + "".join(c for c in question if c.isalnum() or c in " ,:()-") + "**")
        st.caption(some[0]["about"])
        chart, table = st.columns([5, 6], gap="medium")
        chart.caption("value and 95 % interval; grey: what chance gives")
        shares = [row for row in some if 0 <= row["value"] <= 1]
        if shares:
            chart.altair_chart(_intervals(shares), width="stretch")
        columns = [
            name
            for name in ("run", "measure", "value", "95 % interval", "chance", "best", "queries", "pool")
            if (name != "run" or len(shown) > 1) and any(row[name] is not None for row in some)
        ]
        table.dataframe([{name: row[name] for name in columns} for row in some], hide_index=True, width="stretch")
    missing = [
        (names[one.name], result)
        for one in shown
        for result in (one.result or {}).get("results", ())
        if result.get("why")
    ]
    if missing:
        with st.expander("What could not be measured, and why"):
            for name, result in missing:
                st.text(f"{name}  {result['name']}: {result['why']}")


def _headlines(found: Sequence[Mapping[str, Any]]) -> None:
    """What the figures show in sentences; those of too few are folded away, what has no figure stands below."""
    untold = [str(one["text"]) for one in found if one["kind"] == "few"]
    if told := [str(one["text"]) for one in found if one["kind"] not in ("few", "missing")]:
        st.text("\n".join(told))
    if untold:
        with st.expander(f"Of {len(untold)} question{'s' if len(untold) > 1 else ''} nothing can be told here"):
            st.text("\n".join(untold))


def _downloaded(context: PageContext, one: Evaluated) -> str:
    """On record at the moment of the click, before there is anything to hand out."""
    context.front.access.allow(Role.VIEWER, "download an evaluation", "download", one.name)
    return json.dumps(one.result, indent=1)


def _rows(one: Evaluated, name: str) -> list[dict[str, Any]]:
    found = []
    for result in (one.result or {}).get("results", ()):
        for measure, figure in (result.get("figures") or {}).items():
            if figure.get("value") is not None:
                found.append(_row(name, result, measure, figure))
    return found


def _row(name: str, result: Mapping[str, Any], measure: str, figure: Mapping[str, Any]) -> dict[str, Any]:
    interval = figure.get("ci95")
    low, high = interval or (figure["value"], figure["value"])
    return {
        "run": name, "question": str(result["name"]), "about": str(result.get("about", "")), "measure": measure,
        "value": round(float(figure["value"]), 4), "low": low, "high": high,
        "95 % interval": f"{low:.3f} to {high:.3f}" if interval else "none",
        "chance": _rounded(figure.get("chance")), "best": _rounded(figure.get("best")),
        "queries": figure.get("queries"), "pool": figure.get("pool"),
    }  # fmt: skip


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)


def _intervals(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A point and its interval by measure and run; a tick where chance lies."""
    runs = list(dict.fromkeys(row["run"] for row in rows))
    colours = _LIGHT if st.get_option("theme.base") == "light" else _DARK
    colour = alt.Color(
        "run:N", scale=alt.Scale(domain=runs, range=list(colours[: len(runs)])),
        legend=alt.Legend(title=None, orient="top") if len(runs) > 1 else None,
    )  # fmt: skip
    base = alt.Chart(alt.InlineData(values=[dict(row) for row in rows])).encode(
        y=alt.Y("measure:N", sort=None, axis=alt.Axis(title=None)),
        yOffset=alt.YOffset("run:N", sort=None),
        tooltip=["run:N", "measure:N", "value:Q", "95 % interval:N", "chance:Q", "queries:Q", "pool:Q"],
    )
    scale = alt.Scale(domain=[0, 1])
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=scale, title=None), x2="high:Q", color=colour)
    points = base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("value:Q", scale=scale), color=colour)
    chance = base.mark_tick(thickness=2, size=9, color="#8a929c").encode(x=alt.X("chance:Q", scale=scale))
    return alt.layer(bars, chance, points).properties(height=alt.Step(17))
