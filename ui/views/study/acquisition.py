"""What is recorded of how a series was acquired and by which rule, and apart, what heads predicted from its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from spinecho.shown import OpenedSeries

_UNITS = {"mm": "mm", "ms": "ms", "deg": "°", "t": "T"}
"""By the ending of a fact's name."""
_LONG = {"tr": "repetition time (TR)", "te": "echo time (TE)", "ti": "inversion time (TI)", "flip": "flip angle"}


def acquisition_rows(series: OpenedSeries) -> None:
    """Draw both tables."""
    recorded, predicted = st.columns([3, 2], gap="medium")
    why = series.acquisition.get("why", {})
    with recorded:
        st.caption("Recorded in the files")
        rows = [
            {"fact": _name(name), "value": _value_text(name, value), **_ground(why.get(name))}
            for name, value in _flat(series.acquisition)
        ]
        rows.append({"fact": "SeriesInstanceUID", "value": series.card.uid, **_ground(None)})
        st.dataframe(rows, hide_index=True, width="stretch")
    with predicted:
        st.caption("Predicted from the pixels, not recorded")
        st.dataframe(
            [
                {
                    "fact": _name(fact.task),
                    "value": fact.value if fact.number is None else f"{fact.number:.4g}",
                    "how sure": round(fact.score, 2),
                }
                for fact in series.predicted
            ],
            hide_index=True, width="stretch",
        )  # fmt: skip


def _flat(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    known = [(name, value) for name, value in facts.items() if name not in ("why", "rules")]
    return [(name, value) for name, value in known if value not in (None, "", "unknown", [])]


def _ground(ground: Mapping[str, Any] | None) -> dict[str, Any]:
    """The rule, how sure it is, and what says otherwise; empty for what was read as it stands."""
    if ground is None:
        return {"rule": "", "how sure": None, "but": ""}
    others = "; ".join(f"{one['rule']} says {one['says']}" for one in ground.get("against", ()))
    return {"rule": ground["rule"], "how sure": ground["confidence"], "but": others}


def _name(name: str) -> str:
    for ending in _UNITS:
        name = name.removesuffix(f"_{ending}")
    return _LONG.get(name, name.replace("_", " "))


def _value_text(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        sign = ", " if name == "technique" else " x "
        text = sign.join(f"{one:.3g}" if isinstance(one, float) else str(one) for one in value)
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    else:
        text = f"{value:.5g}" if isinstance(value, float) else str(value)
    unit = "s/mm²" if name == "b_value" else _UNITS.get(name.rpartition("_")[2], "")
    return f"{text} {unit}".rstrip()
