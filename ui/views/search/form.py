"""What is asked on the search page: kept in the session, restored from a token, turned into a query.

The session holds `words`, `want`, `k`, the filters' keys and `example`: what results are to look like, if anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from spinecho.queries import (
    Chip,
    ImageQuery,
    Kind,
    PlanChip,
    Query,
    SpotQuery,
    StudyQuery,
    TextQuery,
    parse_query,
)
from spinecho.shown import Kept, NoSuchSearch
from spinecho.ui.views.search import facets
from spinecho.ui.views.session.page_links import keep_address

K = 10
MOST = 100


def plain() -> dict[str, Any]:
    """The search as JSON values, for the store; a dropped scan and a marked spot are not kept, only the rest."""
    state = st.session_state
    found: dict[str, Any] = {
        "words": str(state.get("words") or "").strip(),
        "want": str(state.get("want") or Kind.STUDY),
        "k": int(state.get("k") or K),
        "filters": facets.chosen(state),
    }
    for key in ("on", "off"):
        if chosen := sorted(state.get(f"offers-{key}") or ()):
            found[key] = chosen
    if state.get("as-typed"):
        found["as_typed"] = True
    example = state.get("example")
    if example and example[0] == "study":
        found["like"] = [example[1], example[2]]
        found["other_patients"] = bool(state.get("other-patients"))
    return found


def restore(asked: Mapping[str, Any]) -> None:
    """Set the page to a search that was kept."""
    state = st.session_state
    state["words"] = str(asked.get("words") or "")
    state["want"] = Kind(asked["want"]) if asked.get("want") in set(Kind) else Kind.STUDY
    state["k"] = min(max(int(asked.get("k") or K), 1), MOST)
    for key in ("on", "off"):
        held = asked.get(key)
        state[f"offers-{key}"] = {str(one) for one in held} if isinstance(held, list) else set()
    state["as-typed"] = bool(asked.get("as_typed"))
    like = asked.get("like")
    state["example"] = ("study", str(like[0]), str(like[1])) if isinstance(like, list) and len(like) == 2 else None
    state["other-patients"] = bool(asked.get("other_patients"))
    facets.restore(state, asked.get("filters") or {})


def arrive(searches: Kept) -> str | None:
    """Take over what brought the person here: an address, another page, or the last search; the trouble, if any.

    An address that is not the page's own leads elsewhere (the browser's Back) only where the page was left as it was:
    who does something while the address of the last answer is still on its way sends the older one with it.
    """
    trouble = _arrive(searches)
    st.session_state["drawn"] = plain()
    return trouble


def changed_here() -> None:
    """What was done on the page counts, whatever address comes with it."""
    st.session_state["drawn"] = None


def _arrive(searches: Kept) -> str | None:
    state = st.session_state
    keep_address("search")
    token = st.query_params.get("search")
    handed = state.pop("like", None), state.pop("ask", None), state.pop("spot", None)
    if any(one is not None for one in handed):
        _handed(*handed)
        return None
    if "want" in state and (token in (None, state.get("token")) or state.get("drawn") != plain()):
        return None
    token = token or state.get("token")
    if token is None:
        _restore_left()
        return None
    try:
        kept = searches.open_search(token)
    except NoSuchSearch as error:
        restore({})
        st.query_params.pop("search", None)
        return str(error)
    restore(kept.asked)
    state["token"] = token
    return None


def leave(example: Any) -> None:
    """The list as it stands is one that no address leads to: this session keeps what it was made of, for coming back
    from a page behind it. example: of None, nothing is kept."""
    state = st.session_state
    state["left"] = None if example is None else (plain(), example)


def _restore_left() -> None:
    """The list that was left last, where it is one of a scan or a spot; else an empty page."""
    asked, example = st.session_state.get("left") or ({}, None)
    restore(asked)
    if example is not None:
        st.session_state["example"] = example


def _handed(like: Any, words: Any, spot: Any) -> None:
    """From another page: (study UID, name) to look like, a sentence to find, or (spot, name)."""
    kept = plain() if "want" in st.session_state else {}
    restore({"want": Kind.STUDY, "filters": kept.get("filters")})
    if like is not None:
        st.session_state["example"] = ("study", str(like[0]), str(like[1]))
    elif spot is not None:
        st.session_state["example"] = ("spot", *spot)
    else:
        st.session_state["words"] = str(words)
    st.query_params.pop("search", None)


def query(scan: ImageQuery | None, good: tuple[str, ...], bad: tuple[str, ...]) -> Query | None:
    """The query as it stands; words beside an example make results fit both. scan: a dropped one that was read.

    Without words and example, filters alone are a question: what passes them. None where nothing is asked.
    """
    state = st.session_state
    words, example = str(state.get("words") or "").strip(), state.get("example")
    if example and example[0] == "spot":
        spot = example[1]
        return spot if isinstance(spot, SpotQuery) else None
    like: ImageQuery | StudyQuery | None = scan
    if example and example[0] == "study":
        like = StudyQuery(example[1], bool(state.get("other-patients")))
    if not words:
        waits = example is not None and like is None
        return like if like is not None or waits or not facets.chosen(state) else TextQuery("")
    on, off = (tuple(sorted(state.get(f"offers-{key}") or ())) for key in ("on", "off"))
    made = TextQuery(words, on=on, off=off, as_typed=bool(state.get("as-typed")))
    return replace(made, like=like, good=good, bad=bad) if state.get("want") is not Kind.REPORT else made


def turn(key: str, *, on: bool) -> None:
    """Let an offered condition count, or not, until other words are typed."""
    state = st.session_state
    held, other = set(state.get("offers-on") or ()), set(state.get("offers-off") or ())
    (held if on else other).add(key)
    (other if on else held).discard(key)
    state["offers-on"], state["offers-off"], state["k"] = held, other, K


def edited(words: str, place: int, text: str) -> str:
    """The words with one chip changed, or taken out with the comma that it leaves."""
    chips = parse_query(words, needs_words=False).chips
    return changed(words, chips[place], text) if 0 <= place < len(chips) else words


def changed(words: str, chip: Chip | PlanChip, text: str) -> str:
    """The same for a chip of these words. A condition on a fact keeps the name of its field."""
    chip_text = f"no {text}" if chip.kind == "unwanted" and text else text
    if chip.kind == "phrase" and text:
        chip_text = f'"{text}"'
    if isinstance(chip, PlanChip) and chip.kind == "field" and text.strip() and ":" not in text:
        value = text.strip().removeprefix("not ")
        chip_text = f"{'-' if text.strip().startswith('not ') else ''}{chip.field}:" + (
            f'"{value}"' if " " in value else value
        )
    left, right = words[: chip.start], words[chip.stop :]
    if not text.strip():
        left, right = left.rstrip(" ,;"), right.lstrip(" ,;")
        return f"{left}, {right}" if left and right else left + right
    return left + chip_text.strip() + right
