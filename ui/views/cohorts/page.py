"""The cohorts page: rules with what each leaves, what the list looks like beside the archive, versions, exports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
import tomli_w

from spinecho.access.people import Role
from spinecho.answering.lists import Definition, FrozenCohort, from_plain, to_plain
from spinecho.setup.wiring import USER_ERRORS
from spinecho.ui.cohort_facts import definition_of
from spinecho.ui.views.cohorts.counting import count_of, freeze, wait_line
from spinecho.ui.views.cohorts.counts import show_counts
from spinecho.ui.views.cohorts.design import design, design_is_drawn
from spinecho.ui.views.cohorts.rule_rows import MOST_ROWS, Sheet, empty_row, from_sheet, rows_of, to_sheet, troubles
from spinecho.ui.views.cohorts.rules_component import SHORTCUTS, rules_editor
from spinecho.ui.views.cohorts.starters import examples
from spinecho.ui.views.cohorts.versions import show_versions
from spinecho.ui.views.components.component import done
from spinecho.ui.views.download import download_button
from spinecho.ui.views.session.choices import told_apart
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.whole import whole
from spinecho.ui.views.style import trouble

__all__ = ["SHORTCUTS", "cohorts_page"]
_NEW = ""
"""Among the names of cohorts, of which none is empty: the builder."""


@dataclass
class Held:
    """What widgets say beside the rows. Widgets forget it once they are not drawn: on another page, or for a list that
    is frozen. rest: the design as JSON values."""

    name: str
    description: str
    rest: dict[str, Any]


def cohorts_page(context: PageContext) -> None:
    """Draw the page."""
    versions = context.front.cohorts()
    if (handed := st.session_state.pop("cohort_from", None)) is not None:
        _load(handed)
        st.session_state["cohort-shown"] = _NEW
    if (to := st.session_state.pop("cohort-next", None)) is not None:
        st.session_state["cohort-shown"] = to
    names = list(dict.fromkeys(one.name for one in versions))
    with st.sidebar:
        st.markdown("**Cohorts**")
        labels = told_apart({_NEW: "A new cohort", **{name: name for name in names}})
        chosen = st.selectbox(
            "Cohorts", list(labels), key="cohort-shown", label_visibility="collapsed",
            format_func=lambda name: labels.get(name, name),
        )  # fmt: skip
    if message := st.session_state.pop("cohort-message", None):
        st.success(message, icon=":material/check:")
    if chosen in names:
        show_versions(context, [one for one in versions if one.name == chosen], _edit)
    else:
        _builder(context, teach=not versions)


@st.fragment
def _builder(context: PageContext, *, teach: bool) -> None:
    """Rules above, what they leave below. A fragment: a changed rule draws this again, not the page around it."""
    state = st.session_state
    if "sheet" not in state:
        _load({})
    sheet: Sheet = state["sheet"]
    if teach:
        st.caption(
            "A cohort is every study that passes all “include” rows and no “exclude” row. Rows of one group letter are "
            "alternatives, unless all or none of them have to hold. Counts follow as you type; freezing keeps the list "
            "with what made it."
        )
        if (start := examples(context)) is not None:
            _load(start)
            st.rerun()
    _called(state["sheet-held"])
    wrong = {number - 1: message for number, message in troubles(sheet.rows)}
    rules_editor(sheet.rows, version=int(state.get("sheet-number", 0)), wrong=wrong, on_act=_edited)
    for place, (use, rule) in enumerate(list(sheet.carried)):
        with st.container(horizontal=True, vertical_alignment="center", key=f"carried-{place}"):
            st.text(f"{use}: {_short(rule)}")
            st.button("Remove", key=f"carried-out-{place}", on_click=whole(_drop), args=(place,))
    if sheet.over:
        message = f"There are {sheet.over} rows more than the {MOST_ROWS} that can be counted; take some out."
        trouble("Nothing is counted", message, grave=False)
        return
    plain = _defined(sheet, state["sheet-held"])
    _as_toml(plain)
    if wrong:
        st.caption("Nothing is counted until the marked rules are put right.")
        return
    _counts(context, plain, named=bool(state["sheet-held"].name.strip()))


def _counts(context: PageContext, plain: Mapping[str, Any], *, named: bool) -> None:
    """What the rules leave, and the button that keeps it: as it was before, dimmed, while it is counted anew."""
    try:
        definition = from_plain(plain, name=str(plain["name"]))
        count = count_of(context, definition)
    except USER_ERRORS as error:
        trouble("These rules mean nothing yet", str(error), grave=False)
        return
    wait_line(context, count)
    if count is None:
        return
    with st.container(key="counts-waiting" if count.waits else "counts"):
        show_counts(context, count.answer)
    left, right = st.columns([1, 4], vertical_alignment="center")
    some = bool(count.answer["studies"])
    seen = st.session_state.pop("freeze-seen", "")
    if left.button(
        "Freeze this list", type="primary", disabled=not (some and named) or count.waits, key="freeze",
        on_click=whole(_seen), args=(count.answer["digest"],),
    ):  # fmt: skip
        _freeze(context, definition, seen, count.answer["count"]["studies"])
    elif count.waits:
        right.caption("Counted anew first.")
    elif not (some and named):
        right.caption("Give it a name first." if some else "No study is left: see which row leaves none.")
    elif not context.front.access.may(Role.RESEARCHER):
        right.caption("Freezing takes the role researcher.")


def _seen(digest: str) -> None:
    """The list that stood above the button when it was pressed: it may be another one by the time of this run."""
    st.session_state["freeze-seen"] = digest


def _freeze(context: PageContext, definition: Definition, seen: str, studies: int | str) -> None:
    try:
        name, number = freeze(context, definition, seen)
    except USER_ERRORS as error:
        trouble("This list was not frozen", str(error))
        return
    st.session_state["cohort-message"] = f"Frozen as version {number}: {studies} studies."
    st.session_state["cohort-next"] = name
    st.rerun()


def _called(held: Held) -> None:
    """The fields for name and description."""
    st.session_state.setdefault("cohort-name", held.name)
    st.session_state.setdefault("cohort-description", held.description)
    name, description = st.columns([2, 5])
    with name:
        held.name = st.text_input("Name", key="cohort-name", placeholder="temporal-lesions", max_chars=80)
    with description:
        held.description = st.text_input("Description", key="cohort-description", placeholder="what it is for")


def _defined(sheet: Sheet, held: Held) -> dict[str, Any]:
    """The controls of the design; gives the definition as JSON values."""
    key = str(st.session_state.get("sheet-number", 0))
    if not design_is_drawn(key):  # the builder is come back to: they begin with what they were left with
        sheet.rest = held.rest
    held.rest = design(sheet.rest, key=key)
    plain = from_sheet(Sheet(sheet.rows, sheet.carried, held.rest))
    plain["name"] = held.name.strip() or "unnamed"
    if described := held.description.strip():
        plain["description"] = described
    return plain


def _edited() -> None:
    """A change of the rules in the browser."""
    edited = done("rules")
    rows = edited.get("rows")
    # What is sent on the way to "Use it" may come after it, and is of the rows that were there before
    if isinstance(rows, list) and edited.get("version") == st.session_state.get("sheet-number"):
        sheet: Sheet = st.session_state["sheet"]
        sheet.rows = rows_of([row for row in rows if isinstance(row, Mapping)])
        sheet.over = max(len(rows) - MOST_ROWS, 0)


def _as_toml(plain: Mapping[str, Any]) -> None:
    with st.expander("As text (TOML)"):
        text = tomli_w.dumps(dict(plain), multiline_strings=False)
        st.code(text, language="toml")
        download_button("Download", lambda: text, f"{plain['name']}.toml", "application/toml", key="toml-download")
        with st.form("toml", border=False):
            st.text_area("Paste a definition", key="toml-text", height=120)
            st.form_submit_button("Use it", on_click=whole(_paste))
        if message := st.session_state.pop("toml-message", None):
            trouble("This text is no definition", message, grave=False)


def _paste() -> None:
    state = st.session_state
    try:
        _load(to_plain(definition_of(str(state.get("toml-text") or ""), None)))
    except USER_ERRORS as error:
        state["toml-message"] = str(error)


def _edit(one: FrozenCohort) -> None:
    _load(one.definition)
    st.session_state["cohort-next"] = _NEW


def _load(plain: Mapping[str, Any]) -> None:
    """Put a definition into the builder."""
    state = st.session_state
    sheet = to_sheet(plain)
    sheet.rows = sheet.rows or ([] if sheet.carried else [empty_row()])
    state["sheet"] = sheet
    state["sheet-number"] = state.get("sheet-number", 0) + 1
    state["cohort-name"] = str(plain.get("name") or "")
    state["cohort-description"] = str(plain.get("description") or "")
    sheet.rest.pop("name", None)
    sheet.rest.pop("description", None)
    state["sheet-held"] = Held(state["cohort-name"], state["cohort-description"], sheet.rest)


def _drop(place: int) -> None:
    del st.session_state["sheet"].carried[place]


def _short(rule: Mapping[str, Any]) -> str:
    if rule.get("studies"):
        return f"{rule.get('what', 'a list')}: {len(rule['studies'])} studies by UID"
    return json.dumps(rule)[:160]
