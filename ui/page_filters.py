"""The filter panel of the search page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import streamlit as st

from db.database import Database
from db.filters import ALL, Between, Contains, Filter, Is, Or, both
from db.lookup import facets
from ui.settings import Settings

_CHOICES = {
    "body_region": "Body region",
    "sequence": "Sequence",
    "plane": "Plane",
    "contrast": "Contrast agent",
    "vendor": "Manufacturer",
}
COMPUTED = "Computed, localizers too"
_SEXES = {"F": "female", "M": "male", "O": "other"}
_FIELDS: dict[str, tuple[float | None, float | None]] = {
    "below 1 T": (None, 0.949),
    "1 to 2 T": (0.95, 2.199),
    "3 T": (2.2, 3.499),
    "above 3 T": (3.5, None),
}
"""Nominal strengths as ranges: a 3 T magnet calls itself 2.89 as often as 3."""
_OLDEST = 100
_EMPTY: dict[str, Any] = {
    **{field: [] for field in _CHOICES},
    "sex": [],
    "tesla": [],
    "age": (0, _OLDEST),
    "from": None,
    "to": None,
    "description": "",
    "derived": False,
}


def filter_panel(database: Database, settings: Settings) -> Filter:
    """Draw the filters, with how many studies have each value, and give the condition they make."""
    counts = _counts(database, database_version(settings))
    head, clear = st.columns([3, 2], vertical_alignment="center")
    head.markdown("**Filters**")
    parts = [part for field, label in _CHOICES.items() if (part := _choice(field, label, counts[field]))]
    parts += [part for part in (_sex(), _age(), _tesla(), _dates(), _description(), _computed()) if part]
    if parts:
        clear.button("Clear", key="clear-filters", on_click=_clear, width="stretch")
    return both(*parts) if parts else ALL


def database_version(settings: Settings) -> tuple[int, ...]:
    """Changes whenever something is written to the database."""
    found: list[int] = []
    for path in (settings.database, settings.database.with_name(f"{settings.database.name}-wal")):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found += [stat.st_ino, stat.st_mtime_ns, stat.st_size]
    return tuple(found)


@st.cache_data(max_entries=4, show_spinner=False)
def _counts(_database: Database, version: tuple[int, ...]) -> Mapping[str, dict[str, int]]:
    return facets(_database, list(_CHOICES))


def _choice(field: str, label: str, counts: dict[str, int]) -> Filter | None:
    options = sorted(counts, key=lambda value: (value == "unknown", value.casefold()))
    chosen = st.multiselect(
        label, options, format_func=lambda value: f"{value} ({counts.get(value, 0)})", key=field, placeholder="any"
    )
    return Is(field, tuple(chosen)) if chosen else None


def _sex() -> Filter | None:
    chosen = st.multiselect("Sex", list(_SEXES), format_func=_SEXES.__getitem__, key="sex", placeholder="any")
    return Is("sex", tuple(chosen)) if chosen else None


def _age() -> Filter | None:
    low, high = st.slider("Age (years)", 0, _OLDEST, (0, _OLDEST), key="age")
    if (low, high) == (0, _OLDEST):
        return None
    return Between("age", low, None if high == _OLDEST else high + 0.999)


def _tesla() -> Filter | None:
    chosen = st.multiselect("Field strength", list(_FIELDS), key="tesla", placeholder="any")
    return Or(tuple(Between("field_strength", *_FIELDS[name]) for name in chosen)) if chosen else None


def _dates() -> Filter | None:
    earliest, latest = date(1900, 1, 1), date(2200, 12, 31)  # shifted dates of research archives lie far away
    first = st.date_input("From", None, earliest, latest, key="from", format="YYYY-MM-DD")
    last = st.date_input("To", None, earliest, latest, key="to", format="YYYY-MM-DD")
    if first and last and first > last:
        st.caption(":orange[“From” lies after “To”: nothing can match.]")
    return Between("date", first, last) if first or last else None


def _description() -> Filter | None:
    words: str = st.text_input("Description contains", key="description", placeholder="of study or series")
    return Contains("description", words.strip()) if words.strip() else None


def _computed() -> Filter | None:
    if not st.checkbox(COMPUTED, key="derived"):
        return None
    return Or((Is("derived", (True,)), Is("derived", (False,))))


def _clear() -> None:
    st.session_state.update(_EMPTY)
