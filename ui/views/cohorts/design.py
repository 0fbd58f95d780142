"""What follows the rules of a cohort: which study of a patient, windows, sampling, matching, the split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from spinecho.answering.lists import FIELDS


def design(rest: Mapping[str, Any], *, key: str) -> dict[str, Any]:
    """Draw the controls, filled from `rest`; gives the definition's parts as JSON values."""
    found: dict[str, Any] = {}
    with st.expander("Design: index study, follow-up, sample, matching, split"):
        first, second, third = st.columns(3)
        with first:
            found |= _index(rest, key)
            found |= _window(rest, key)
        with second:
            found |= _drawn(rest, key)
        with third:
            found |= _split(rest, key)
    return found


def design_is_drawn(key: str) -> bool:
    """Whether the controls were there in the last run. While they are, what they are filled from must stay the same,
    else they begin anew."""
    return f"index-{key}" in st.session_state


def _index(rest: Mapping[str, Any], key: str) -> dict[str, Any]:
    options = ["every", "first", "last", "random"]
    held = (rest.get("index") or {}).get("study", "every")
    study = st.selectbox("Study of each patient", options, options.index(held), key=f"index-{key}")
    return {} if study == "every" else {"index": {**(rest.get("index") or {}), "study": study}}


def _window(rest: Mapping[str, Any], key: str) -> dict[str, Any]:
    windows = list(rest.get("window") or ())
    held = windows[0] if windows else {}
    if not st.checkbox("Another study of the patient", bool(windows), key=f"window-{key}"):
        return {}
    needs = ["some", "none"]
    need = st.selectbox("There is", needs, needs.index(held.get("need", "some")), key=f"need-{key}")
    low, high = st.columns(2)
    days = (
        low.number_input("from day", value=int(held.get("from_days", 1)), key=f"from-day-{key}"),
        high.number_input("to day", value=int(held.get("to_days", 365)), key=f"to-day-{key}"),
    )
    where = st.text_input("that passes", held.get("filter", "everything"), key=f"window-filter-{key}")
    if len(windows) > 1:
        st.caption(f"and {len(windows) - 1} more, kept as they are; edit them as text")
    one = {**held, "filter": where or "everything", "from_days": int(days[0]), "to_days": int(days[1]), "need": need}
    return {"window": [one, *windows[1:]]}


def _drawn(rest: Mapping[str, Any], key: str) -> dict[str, Any]:
    ways = ["all of them", "a sample", "matched controls"]
    at = 1 if rest.get("sample") else 2 if rest.get("match") else 0
    way = st.selectbox("Keep", ways, at, key=f"way-{key}")
    if way == "a sample":
        held = rest.get("sample") or {}
        studies = st.number_input("Studies", 1, value=int(held.get("studies", 100)), key=f"sample-{key}")
        by = st.multiselect(
            "In proportion to", FIELDS, list(held.get("by", ())), key=f"sample-by-{key}", select_all=False
        )
        seed = st.number_input("Seed", 0, value=int(held.get("seed", 0)), key=f"sample-seed-{key}")
        return {"sample": {"studies": int(studies), "by": by, "seed": int(seed)}}
    if way == "matched controls":
        held = rest.get("match") or {}
        kept = held.get("cases") or {}
        typed = st.text_input(
            "Cases pass", kept.get("filter", ""), placeholder='says:present("lesion")', key=f"cases-{key}"
        )
        other = bool(set(kept) - {"filter"}) and typed.strip() == kept.get("filter", "")
        if other:
            st.caption("The rule for cases is more than a filter and is kept as it is; edit it as text.")
        by = st.multiselect("Alike in", FIELDS, list(held.get("by", ("sex",))), key=f"match-by-{key}", select_all=False)
        within = st.number_input("Age within (years)", 0.0, value=held.get("age_within"), key=f"within-{key}")
        controls = st.number_input(
            "Controls for each case", 1, value=int(held.get("controls", 1)), key=f"controls-{key}"
        )
        if not other and not typed.strip():
            st.caption("Say what a case is: until then, nothing is matched.")
            return {}
        cases = kept if other else {"filter": typed.strip()}
        match = {**held, "cases": cases, "by": by, "controls": int(controls)}
        match.pop("age_within", None)
        return {"match": match if within is None else {**match, "age_within": float(within)}}
    return {}


def _split(rest: Mapping[str, Any], key: str) -> dict[str, Any]:
    held = rest.get("split") or {}
    if not st.checkbox("Split by patient", bool(held), key=f"split-{key}"):
        return {}
    train = st.slider("Train (%)", 0, 100, round(100 * held.get("train", 0.7)), key=f"train-{key}")
    rest_of = 100 - train
    validation = st.slider(
        "Validation (%)",
        0,
        max(rest_of, 1),
        min(round(100 * held.get("validation", 0.15)), rest_of),
        key=f"valid-{key}",
    )
    validation = min(validation, rest_of)
    if held and (train, validation) == (round(100 * held["train"]), round(100 * held["validation"])):
        return {"split": dict(held)}  # thirds are not rounded by being looked at
    test = rest_of - validation
    st.caption(f"Test: {test} %")
    parts = {"train": train / 100, "validation": validation / 100, "test": test / 100}
    return {"split": {**parts, "seed": int(held.get("seed", 0))}}
