"""The filters beside a search: what is chosen, the condition that it makes, and the widgets with live counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import date
from typing import Any, cast

import streamlit as st

from spinecho.answering.facet_counts import Facet, together
from spinecho.filters import ALL, COMPUTED_TOO, Between, Contains, Filter, Is, Or, both, strength_range
from spinecho.ui.views.session.whole import whole

CHOICES = {
    "body_region": "Body region",
    "sequence": "Sequence",
    "plane": "Plane",
    "contrast": "Contrast agent",
    "side": "Side",
    "technique": "Technique",
    "b_value": "b-value (s/mm²)",
    "dixon": "Dixon image",
    "component": "Part of the signal",
    "computed": "Computed image",
    "vendor": "Manufacturer",
    "sex": "Sex",
}
"""Filters whose values are those that the archive holds."""
_SELDOM = frozenset({"side", "technique", "b_value", "dixon", "component", "computed"})
"""Facts that many archives say nothing of: these widgets are there where some study has a value."""
LABEL = "label."
"""Columns of the tables of a data set are filters called `label.NAME`, whose widgets have these keys."""
_LABELS_SHOWN = "labels-shown"
_CALLED = {**CHOICES, "tesla": "Field strength", "description": "Description"}
COMPUTED = "Computed, localizers too"
_WORDS = {"F": "female", "M": "male", "O": "other"}
_CONTRAST = {"yes": "after contrast", "no": "without contrast", "unknown": "contrast not known"}
_BOUNDS = {"from": "from", "to": "until"}
_AT_THREE = [float(str(tesla)) for tesla in strength_range(3.0)]
_STRENGTHS: dict[str, tuple[float | None, float | None]] = {
    "below 1 T": (None, 0.949),
    "1 to 2 T": (0.95, 2.199),
    "2.2 to 2.8 T": (2.2, math.nextafter(_AT_THREE[0], 0.0)),
    "3 T": (3.0, 3.0),
    "above 3 T": (math.nextafter(_AT_THREE[1], math.inf), None),
}
"""Nominal strengths as ranges; what goes by 3 T is what every other door takes for it, 2.89 too."""
_GAP = "  "
"""Between a value and its counts, in the label of an option."""
_OLDEST = 100
EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(CHOICES, ()),
    "tesla": (),
    "age": (0, _OLDEST),
    "from": None,
    "to": None,
    "description": "",
    "derived": False,
}
"""What stands for "no condition", by key; the keys are those of the widgets."""


def chosen(state: Mapping[Any, Any]) -> dict[str, Any]:
    """What is chosen, by key, as JSON values; keys without a condition are left out."""
    found: dict[str, Any] = {}
    state = _held(state)
    for key, empty in EMPTY.items():
        value = state.get(key, empty)
        plain = value.isoformat() if isinstance(value, date) else value
        plain = list(plain) if isinstance(plain, list | tuple) else plain
        if plain not in (None, "", [], False) and plain != [0, _OLDEST]:
            found[key] = plain
    return found | {key: list(state[key]) for key in _label_keys(state) if state[key]}


def restore(state: MutableMapping[Any, Any], kept: Mapping[str, Any]) -> None:
    """Set the widgets to what `chosen` gave; values that mean nothing now are left out."""
    for key, empty in EMPTY.items():
        value = kept.get(key)
        if isinstance(empty, tuple):
            held = value if isinstance(value, list) else []
            if key == "age":
                state[key] = tuple(held) if len(held) == 2 and all(isinstance(n, int) for n in held) else empty
            else:
                state[key] = list(held)
        elif key in ("from", "to"):
            state[key] = _day(value)
        else:
            state[key] = value if isinstance(value, type(empty)) else empty
    for key in {*_label_keys(state), *(key for key in kept if _is_label(key))}:
        value = kept.get(key)
        state[key] = list(map(str, value)) if isinstance(value, list) else []


def is_filter(key: str) -> bool:
    """Whether a filter has this key."""
    return key in EMPTY or _is_label(key)


def labels_shown(state: Mapping[Any, Any]) -> list[str]:
    """The labels, without `LABEL`, that have a widget: those that were asked for, and those that are in use."""
    state = _held(state)
    used = [key.removeprefix(LABEL) for key in _label_keys(state) if state[key]]
    return list(dict.fromkeys([*map(str, state.get(_LABELS_SHOWN) or ()), *used]))


def condition(state: Mapping[Any, Any]) -> Filter:
    """The filter that the choices make."""
    kept = chosen(state)
    parts: list[Filter] = [Is(field, _values(field, kept[field])) for field in CHOICES if field in kept]
    if "age" in kept:
        low, high = kept["age"]
        parts.append(Between("age", low, None if high == _OLDEST else high))
    if "tesla" in kept:
        ranges = tuple(Between("field_strength", *_STRENGTHS[name]) for name in kept["tesla"] if name in _STRENGTHS)
        parts += [Or(ranges)] if ranges else []
    first, last = _day(kept.get("from")), _day(kept.get("to"))
    if first or last:
        parts.append(Between("date", first, last))
    if words := str(kept.get("description", "")).strip():
        parts.append(Contains("description", words))
    if kept.get("derived"):
        parts.append(COMPUTED_TOO)
    parts += [Is(key, tuple(values)) for key, values in kept.items() if _is_label(key)]
    return both(*parts) if parts else ALL


def chips(state: Mapping[Any, Any]) -> list[dict[str, str]]:
    """Each filter in use: its key, what it is called, and its value, which is what its chip shows."""
    shown = []
    for key, value in chosen(state).items():
        label = key.removeprefix(LABEL) if _is_label(key) else _CALLED.get(key, key.capitalize())
        if key == "age":
            words = f"{value[0]} years and older" if value[1] == _OLDEST else f"{value[0]} to {value[1]} years"
        elif key == "contrast":
            words = " or ".join(_CONTRAST.get(str(one), str(one)) for one in value)
        elif key == "b_value":
            words = "b " + " or ".join(map(str, value))
        elif isinstance(value, list):
            words = " or ".join(_WORDS.get(str(one), str(one)) if key == "sex" else str(one) for one in value)
        else:
            words = f"{_BOUNDS[key]} {value}" if key in _BOUNDS else COMPUTED if key == "derived" else str(value)
        shown.append({"key": key, "label": label, "text": words})
    return shown


def clear(*keys: str) -> None:
    """Take these filters out, or all of them."""
    for key in keys or (*EMPTY, *_label_keys(st.session_state)):
        empty = EMPTY.get(key, ())
        st.session_state[key] = list(empty) if isinstance(empty, tuple) and key != "age" else empty


def panel(counts: Mapping[str, Sequence[Facet]], *, labels: Sequence[str] = (), smallest: int = 0) -> None:
    """Draw the widgets; counts: studies by value of each of `CHOICES`, of field_strength and of `labels_shown`, masked
    by `smallest`. labels: those that some study has.
    """
    head, button = st.columns([3, 2], vertical_alignment="center")
    head.markdown("**Filters**")
    if chosen(st.session_state):
        button.button("Clear", key="clear-filters", on_click=whole(clear), width="stretch")
    for field, label in CHOICES.items():
        _choice(field, label, counts.get(field, ()))
    st.slider("Age (years)", 0, _OLDEST, key="age")
    _strengths(counts.get("field_strength", ()), smallest)
    earliest, latest = date(1900, 1, 1), date(2200, 12, 31)  # shifted dates of research archives lie far away
    first = st.date_input("From", None, earliest, latest, key="from", format="YYYY-MM-DD")
    last = st.date_input("To", None, earliest, latest, key="to", format="YYYY-MM-DD")
    if first and last and first > last:
        st.caption(":orange[“From” lies after “To”: nothing can match.]")
    st.text_input("Description contains", key="description", placeholder="of study or series")
    st.checkbox(COMPUTED, key="derived")
    _labels(labels, counts)


def _labels(names: Sequence[str], counts: Mapping[str, Sequence[Facet]]) -> None:
    """What tables of subjects say, where some study has any: a column is counted once it is asked for."""
    shown = labels_shown(st.session_state)
    if not names and not shown:
        return
    with st.expander("Labels of the data set", expanded=bool(shown)):
        known = sorted({*names, *map(str, st.session_state.get(_LABELS_SHOWN) or ())})
        st.multiselect(
            "Columns of participants.tsv and sessions.tsv", known, key=_LABELS_SHOWN, placeholder="choose one",
            select_all=False,
        )  # fmt: skip
        for name in shown:
            _choice(f"{LABEL}{name}", name, counts.get(f"{LABEL}{name}", ()))


def _is_label(key: object) -> bool:
    return isinstance(key, str) and key.startswith(LABEL) and len(key) > len(LABEL)


def _held(state: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """As a dict: each look into a page's state goes through all layers of it."""
    to_dict = getattr(state, "to_dict", None)
    return state if to_dict is None else cast("Mapping[Any, Any]", to_dict())


def _label_keys(state: Mapping[Any, Any]) -> list[str]:
    return sorted(key for key in state if _is_label(key))


def _settle(field: str) -> None:
    """After a choice: keep the values that were meant, and let the browser write their chips anew.

    A browser names what is chosen by the label that it read. Labels hold counts, which change with every other filter,
    so that a choice of a moment ago came back as "female  9 / 9", a value that no study has: two filters, and nothing
    passed.
    """
    values = {words: value for value, words in _WORDS.items()}
    plain = [str(one).split(_GAP)[0] for one in st.session_state.get(field, ())]
    st.session_state[field] = list(dict.fromkeys(values.get(one, one) if field == "sex" else one for one in plain))


def _choice(field: str, label: str, counts: Sequence[Facet]) -> None:
    by_value = {facet.value: facet for facet in counts if facet.value}
    held = [str(value) for value in st.session_state.get(field, ())]
    if field in _SELDOM and not by_value and not held:
        return
    options = sorted(
        {*by_value, *held}, key=lambda value: (value == "unknown", _number(value) or 0.0, value.casefold())
    )

    def name(value: str) -> str:
        said = _WORDS.get(value, value) if field == "sex" else value
        if value in held:  # its chip is narrow: the value alone, without the counts that help to choose it
            return said
        facet = by_value.get(value)
        shown, total = (facet.shown, facet.total) if facet else (0, 0)
        return f"{said}{_GAP}{shown} / {total}"

    st.multiselect(
        label, options, format_func=name, key=field, placeholder="any", select_all=False,
        on_change=whole(_settle), args=(field,),
    )  # fmt: skip


def _strengths(counts: Sequence[Facet], smallest: int) -> None:
    def name(label: str) -> str:
        if label in st.session_state.get("tesla", ()):
            return label
        low, high = _STRENGTHS[label]
        mine = [
            facet
            for facet in counts
            if (value := _number(facet.value)) is not None
            and (low is None or value >= low)
            and (high is None or value <= high)
        ]
        shown, total = (together(some, smallest) for some in ([f.shown for f in mine], [f.total for f in mine]))
        return f"{label}{_GAP}{shown} / {total}"

    seldom = "2.2 to 2.8 T"
    low, high = _STRENGTHS[seldom]
    some = any((value := _number(one.value)) is not None and low <= value <= high for one in counts)  # type: ignore[operator]
    kept = seldom in st.session_state.get("tesla", ())
    st.multiselect(
        "Field strength", [one for one in _STRENGTHS if one != seldom or some or kept], format_func=name, key="tesla",
        placeholder="any", select_all=False,
        on_change=whole(_settle), args=("tesla",),
    )  # fmt: skip


def _number(text: str) -> float | None:
    try:
        return float(text.split(maxsplit=1)[0]) if text else None
    except ValueError:
        return None


def _values(field: str, kept: Sequence[Any]) -> tuple[Any, ...]:
    """What is chosen, as the filter compares it; a number that is none is no condition that anything meets."""
    if field != "b_value":
        return tuple(kept)
    return tuple(value for one in kept if (value := _number(str(one))) is not None)


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
