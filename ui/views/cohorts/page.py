"""The cohorts page: rules with what each leaves, what the list looks like beside the archive, versions, exports."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st
import tomli_w

from spinecho.db.people.masking import masked, masked_rows, masked_sizes
from spinecho.db.queries.facets import Facet
from spinecho.encoders.config_toml import parse_toml
from spinecho.search.access.cohorts import CohortDesk, Frozen
from spinecho.search.access.desk import Role
from spinecho.search.cohorts.attrition import Evaluation
from spinecho.search.cohorts.balance import SHARES, masked_balance
from spinecho.search.cohorts.definition import from_plain, to_plain
from spinecho.search.cohorts.export import FORMATS
from spinecho.search.cohorts.freezing import balance_of, told_of
from spinecho.ui.views.cohorts.charts import attrition_chart, balance_chart, comparison_charts, valued
from spinecho.ui.views.cohorts.design import design, design_is_drawn
from spinecho.ui.views.cohorts.members import member_grid
from spinecho.ui.views.cohorts.rule_rows import MOST_ROWS, Sheet, empty_row, from_sheet, rows_of, to_sheet, troubles
from spinecho.ui.views.cohorts.rules_component import SHORTCUTS, rules_editor
from spinecho.ui.views.cohorts.starters import examples
from spinecho.ui.views.components.component import done
from spinecho.ui.views.session.opened import Room
from spinecho.ui.views.style import trouble
from spinecho.wiring import USER_ERRORS

__all__ = ["SHORTCUTS", "cohorts_page"]
_NEW = "A new cohort"


@dataclass
class Held:
    """What widgets say beside the rows. Widgets forget it once they are not drawn: on another page, or for a list that
    is frozen. rest: the design as JSON values."""

    name: str
    description: str
    rest: dict[str, Any]


def cohorts_page(room: Room) -> None:
    """Draw the page."""
    desk = CohortDesk(room.desk, room.settings.builds)
    versions = desk.versions()
    if (handed := st.session_state.pop("cohort_from", None)) is not None:
        _load(handed)
        st.session_state["cohort-shown"] = _NEW
    if (to := st.session_state.pop("cohort-next", None)) is not None:
        st.session_state["cohort-shown"] = to
    names = list(dict.fromkeys(one.name for one in versions))
    with st.sidebar:
        st.markdown("**Cohorts**")
        chosen = st.selectbox("Cohorts", [_NEW, *names], key="cohort-shown", label_visibility="collapsed")
    if said := st.session_state.pop("cohort-said", None):
        st.success(said, icon=":material/check:")
    if chosen in names:
        _kept(room, desk, [one for one in versions if one.name == chosen])
    else:
        _builder(room, desk, teach=not versions)


@st.fragment
def _builder(room: Room, desk: CohortDesk, *, teach: bool) -> None:
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
        if (start := examples(room)) is not None:
            _load(start)
            st.rerun()
    _called(state["sheet-held"])
    wrong = {number - 1: said for number, said in troubles(sheet.rows)}
    rules_editor(sheet.rows, version=int(state.get("sheet-number", 0)), wrong=wrong, on_act=_edited)
    for place, (use, rule) in enumerate(list(sheet.carried)):
        with st.container(horizontal=True, vertical_alignment="center", key=f"carried-{place}"):
            st.text(f"{use}: {_short(rule)}")
            st.button("Remove", key=f"carried-out-{place}", on_click=_drop, args=(place,))
    if sheet.over:
        said = f"There are {sheet.over} rows more than the {MOST_ROWS} that can be counted; take some out."
        trouble("Nothing is counted", said, grave=False)
        return
    plain = _defined(sheet, state["sheet-held"])
    _as_toml(plain)
    if wrong:
        st.caption("Nothing is counted until the marked rules are put right.")
        return
    found = _counted(room, desk, plain)
    if found is None:
        return
    _shown(room, desk, found)
    left, right = st.columns([1, 4], vertical_alignment="center")
    ready = bool(found.members) and plain["name"] != "unnamed"
    if left.button("Freeze this list", type="primary", disabled=not ready, key="freeze"):
        try:
            made = desk.freeze(found)
        except USER_ERRORS as error:
            trouble("This list was not frozen", str(error))
            return
        studies, _ = masked_sizes(made.studies, made.patients, desk.smallest)
        state["cohort-said"] = f"Frozen as version {made.number}: {studies} studies."
        state["cohort-next"] = made.name
        st.rerun()
    if not ready:
        right.caption("Give it a name first." if found.members else "No study is left: see which row leaves none.")
    elif not room.desk.may(Role.RESEARCHER):
        right.caption("Freezing takes the role researcher.")


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


def _shown(room: Room, desk: CohortDesk, found: Evaluation) -> None:
    smallest = desk.smallest
    studies, patients = found.told_sizes(smallest)
    with st.container(horizontal=True, gap="large", key="totals"):
        st.metric("Studies", studies)
        st.metric("Patients", patients)
        for part, size in found.told_parts(smallest).items():
            st.metric(part, size)
    for warning in found.told(smallest):
        trouble("Note", warning, grave=False)
    st.altair_chart(attrition_chart(masked_rows(found.attrition, smallest)), width="stretch")
    if not found.members:
        return
    _balance(masked_balance([one.plain() for one in found.balance], smallest))
    with st.expander("Beside the whole archive", expanded=True):
        facts = _compared(room, desk, found)
        st.caption("Of each pair the upper bar is the cohort, the lower one the archive.")
        charts = comparison_charts(facts)
        for start in range(0, len(charts), 3):
            for column, chart in zip(st.columns(3), charts[start : start + 3], strict=False):
                column.altair_chart(chart, width="stretch")
    with st.expander("Studies", expanded=True):
        member_grid(room, [member.study_uid for member in found.members], key="preview")


def _kept(room: Room, desk: CohortDesk, versions: list[Frozen]) -> None:
    """A cohort's versions: what each is, what changed, taking it away."""
    smallest = desk.smallest
    numbers = [one.number for one in versions][::-1]
    by_number = {one.number: one for one in versions}
    top, middle = st.columns([2, 5], vertical_alignment="bottom")
    number = top.selectbox("Version", numbers, key=f"version-{versions[0].name}", format_func=lambda n: f"version {n}")
    one = by_number[number]
    studies, patients = masked_sizes(one.studies, one.patients, smallest)
    with middle:
        st.text(
            f"{studies} studies of {patients} patients · frozen "
            f"{one.created_at:%Y-%m-%d %H:%M} UTC by {one.owner}" + (f" · {one.description}" if one.description else "")
        )
    views = ["Rules and counts", "Changes", "Export", "Studies"]
    view = st.segmented_control(
        "View", views, key="cohort-view", required=True, label_visibility="collapsed", default=views[0]
    )
    if view == "Changes":
        _changes(room, desk, one, numbers)
    elif view == "Export":
        _export(desk, one, several=len(numbers) > 1)
    elif view == "Studies":
        uids = [member.study_uid for member in desk.members(one.name, one.number)]
        member_grid(room, uids, key=f"members-{one.name}-{one.number}")
    else:
        st.altair_chart(attrition_chart(masked_rows(list(one.attrition), smallest)), width="stretch")
        _balance(balance_of(one, smallest))
        st.button("Edit as a new version", key="edit", on_click=_edit, args=(one,))
        with st.expander("Made with"):
            st.code(json.dumps(told_of(one, smallest), indent=1), language="json")


def _balance(rows: list[dict[str, Any]]) -> None:
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


def _changes(room: Room, desk: CohortDesk, one: Frozen, numbers: list[int]) -> None:
    others: list[int | str] = ["the archive as it is now", *[n for n in numbers if n != one.number]]
    other = st.selectbox("Compare with", others, key=f"against-{one.name}-{one.number}",
                         format_func=lambda n: n if isinstance(n, str) else f"version {n}")  # fmt: skip
    try:
        with st.spinner("Comparing"):
            if isinstance(other, str):
                _, changes = desk.rerun(one.name, one.number)
            else:
                changes = desk.diff(one.name, min(one.number, other), max(one.number, other))
    except USER_ERRORS as error:
        trouble("These cannot be compared", str(error))
        return
    smallest = desk.smallest
    st.text(
        f"{masked(len(changes.added), smallest)} added, {masked(len(changes.removed), smallest)} removed, "
        f"{masked(changes.kept, smallest)} kept"
    )
    for line in changes.definition:
        st.text(f"definition: {line}")
    rows = [
        {"change": kind, "study": change.study_uid, "why": change.why}
        for kind, some in (("added", changes.added), ("removed", changes.removed), ("moved", changes.moved))
        for change in some
    ]
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch", height=320)
    elif not changes.definition:
        st.caption("Nothing differs.")


def _export(desk: CohortDesk, one: Frozen, *, several: bool) -> None:
    formats = st.multiselect("Formats", FORMATS, list(FORMATS), key="formats", select_all=False)
    pseudonyms = st.checkbox("Pseudonyms: nothing that names a patient, no list of files", True, key="pseudonyms")
    made = st.session_state.get("made")
    key = (one.name, one.number, tuple(formats), pseudonyms)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Prepare the export", key="prepare", disabled=not formats):
            try:
                with st.spinner("Writing"):
                    made = (key, desk.take(one.name, one.number, formats=formats, pseudonyms=pseudonyms))
            except USER_ERRORS as error:
                trouble("This cannot be exported", str(error))
                return
            st.session_state["made"] = made
        if made is not None and made[0] == key:
            name, packed = made[1]
            taken = partial(_taken, desk, one, packed)
            st.download_button("Download the zip", taken, name, "application/zip", key="download", type="primary")
    st.caption("Tables (CSV, Parquet), manifest.json, BIDS participants.tsv, and a script that copies the files.")
    with st.popover("Delete", icon=":material/delete:"):
        st.text("The frozen lists are lost; the rules stay in the builder, so that they can be frozen again.")
        with st.container(horizontal=True):
            this = one.number if several and st.button(f"Delete version {one.number}", key="delete-version") else None
            if this is not None or st.button("Delete every version" if several else "Delete this cohort", key="delete"):
                _delete(desk, one.name, this)


def _taken(desk: CohortDesk, one: Frozen, packed: bytes) -> bytes:
    """On record at the moment of the click, before there is anything to hand out."""
    desk.taken(one.name, one.number, len(packed))
    return packed


def _delete(desk: CohortDesk, name: str, number: int | None) -> None:
    try:
        gone = desk.delete(name, number)
    except USER_ERRORS as error:
        trouble("This cannot be deleted", str(error))
        return
    _edit(gone)
    if number is None:
        st.session_state["cohort-said"] = "Deleted. Its rules are in the builder."
    else:
        st.session_state["cohort-said"] = f"Version {number} is deleted. Its rules are in the builder."
        st.session_state["cohort-next"] = name
    st.rerun()


def _counted(room: Room, desk: CohortDesk, plain: Mapping[str, Any]) -> Evaluation | None:
    """What the rules leave, remembered until they or the archive change; None, with the trouble, for bad rules.

    What the cohort is called changes no count.
    """
    state = st.session_state
    rules = {key: value for key, value in plain.items() if key not in ("name", "description")}
    try:
        definition = from_plain(plain, name=str(plain["name"]))
        key = (json.dumps(rules, sort_keys=True), room.desk.generation)
        held = state.get("counted")
        if held is None or held[0] != key:
            held = (key, desk.count(definition))
            state["counted"] = held
        else:
            desk.counted_again(held[1])
    except USER_ERRORS as error:
        trouble("These rules mean nothing yet", str(error), grave=False)
        return None
    found: Evaluation = held[1]
    return dataclasses.replace(found, definition=definition)


def _compared(room: Room, desk: CohortDesk, found: Evaluation) -> dict[str, tuple[Facet, ...]]:
    """The cohort beside the archive, remembered as long as its counts are."""
    state = st.session_state
    counted, held = state["counted"][0], state.get("compared")
    if held is None or held[0] != counted:
        held = (counted, desk.compared(found))
        state["compared"] = held
    facts: dict[str, tuple[Facet, ...]] = held[1]
    return facts


def _edited() -> None:
    """A change of the rules in the browser."""
    told = done("rules")
    rows = told.get("rows")
    # What is sent on the way to "Use it" may come after it, and is of the rows that were there before
    if isinstance(rows, list) and told.get("version") == st.session_state.get("sheet-number"):
        sheet: Sheet = st.session_state["sheet"]
        sheet.rows = rows_of([row for row in rows if isinstance(row, Mapping)])
        sheet.over = max(len(rows) - MOST_ROWS, 0)


def _as_toml(plain: Mapping[str, Any]) -> None:
    with st.expander("As text (TOML)"):
        text = tomli_w.dumps(dict(plain), multiline_strings=False)
        st.code(text, language="toml")
        st.download_button("Download", text, f"{plain['name']}.toml", "application/toml", key="toml-download")
        with st.form("toml", border=False):
            st.text_area("Paste a definition", key="toml-text", height=120)
            st.form_submit_button("Use it", on_click=_paste)
        if said := st.session_state.pop("toml-said", None):
            trouble("This text is no definition", said, grave=False)


def _paste() -> None:
    state = st.session_state
    try:
        plain = parse_toml(str(state.get("toml-text") or ""), name="this text")
        _load(to_plain(from_plain(plain, name=str(plain.get("name", "pasted")))))
    except USER_ERRORS as error:
        state["toml-said"] = str(error)


def _edit(one: Frozen) -> None:
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
