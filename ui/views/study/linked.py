"""What belongs together: the series of a study in words, and how far its patient's other studies lie apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import streamlit as st

from spinecho.answering.studies import SeriesGroup
from spinecho.shown import OpenedStudy, SeriesCard


def series_name(card: SeriesCard) -> str:
    """Its description, else its facts."""
    return card.description or series_facts(card) or card.uid


def series_facts(card: SeriesCard) -> str:
    """Sequence, plane, contrast, volumes."""
    facts = [fact for fact in (card.sequence, card.plane) if fact != "unknown"]
    facts += ["contrast"] if card.contrast == "yes" else []
    facts += ["computed"] if card.derived else []
    facts += [f"first of {card.n_volumes}"] if card.n_volumes > 1 else []
    return " · ".join(facts)


def parts_by_series(groups: Iterable[SeriesGroup]) -> Mapping[str, list[str]]:
    """By series UID, which part of its groups a series is; before or after contrast its facts tell already."""
    found: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        for one in group.members if group.kind != "before and after contrast" else ():
            if one.part and one.part not in found[one.series_uid]:
                found[one.series_uid].append(one.part)
    return found


def interval(days: int | None) -> str:
    """How long before or after the study that is open another one was made.

    >>> interval(-412), interval(1), interval(0), interval(None)
    ('412 days before', '1 day after', 'the same day', 'before or after is not known')
    """
    if days is None:
        return "before or after is not known"
    if days == 0:
        return "the same day"
    return f"{abs(days)} day{'s' * (abs(days) != 1)} {'after' if days > 0 else 'before'}"


def group_rows(opened: OpenedStudy) -> None:
    """Draw the groups as a table, each with what its series have in common."""
    cards = {card.uid: card for card in opened.series}
    rows = [
        {
            "group": f"{number}: {group.kind}",
            "series": series_name(cards[one.series_uid]),
            "number": cards[one.series_uid].number,
            "part": one.part,
            "in common": ", ".join(group.by),
        }
        for number, group in enumerate(opened.groups, 1)
        for one in group.members
        if one.series_uid in cards
    ]
    st.dataframe(rows, hide_index=True, width="stretch")
    st.caption("By the headers' own words, geometry and times, not by the pictures.")
