"""The filter panel of the search page."""

from __future__ import annotations

from datetime import date

import streamlit as st

from db.database import Database
from db.filters import ALL, Between, Contains, Filter, Is, Or, both
from db.lookup import facets

_CHOICES = {
    "body_region": "Body region",
    "sequence": "Sequence",
    "plane": "Plane",
    "contrast": "Contrast agent",
    "vendor": "Manufacturer",
}


def filter_panel(database: Database) -> Filter:
    """Draw the filters, with how many studies have each value, and give the condition they make."""
    parts: list[Filter] = []
    counts = facets(database, list(_CHOICES))
    for field, label in _CHOICES.items():
        options = counts[field]
        chosen = st.multiselect(
            label, list(options), format_func=lambda value, options=options: f"{value} ({options[value]})", key=field
        )
        if chosen:
            parts.append(Is(field, tuple(chosen)))
    sexes = st.multiselect("Sex", ["F", "M", "O"], key="sex")
    if sexes:
        parts.append(Is("sex", tuple(sexes)))
    low, high = st.slider("Age (years)", 0, 100, (0, 100), key="age")
    if (low, high) != (0, 100):
        parts.append(Between("age", low, None if high == 100 else high))
    weak, strong = st.slider("Field strength (tesla)", 0.0, 7.0, (0.0, 7.0), 0.5, key="tesla")
    if (weak, strong) != (0.0, 7.0):
        parts.append(Between("field_strength", weak, strong))
    first = st.date_input("From", value=None, min_value=date(1980, 1, 1), key="from")
    last = st.date_input("To", value=None, min_value=date(1980, 1, 1), key="to")
    if isinstance(first, date) or isinstance(last, date):
        parts.append(
            Between("date", first if isinstance(first, date) else None, last if isinstance(last, date) else None)
        )
    words = st.text_input("Series or study description contains", key="description")
    if words.strip():
        parts.append(Contains("description", words.strip()))
    if st.checkbox("Show computed images and localizers", key="derived"):
        parts.append(Or((Is("derived", (True,)), Is("derived", (False,)))))
    return both(*parts) if parts else ALL
