"""The concepts page: what a concept was taught from, how well it is known, what to judge next; teach again, undo."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from spinecho.access.people import Role
from spinecho.answering.results import Hit
from spinecho.archive import Archive
from spinecho.learning.teaching import Concept, ConceptError
from spinecho.setup.wiring import USER_ERRORS
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.pooled import pooled
from spinecho.ui.views.session.wanted import while_drawn
from spinecho.ui.views.session.whole import whole
from spinecho.ui.views.style import trouble

SHORTCUTS = (("u", "the study has it"), ("d", "it has not"), ("s", "skip it"))
_MOST = 24
_LONGEST = 80
Shown = TypeVar("Shown", int, str)


def concepts_page(context: PageContext) -> None:
    """Draw the page."""
    archive: Archive = context.front
    name = " ".join(
        st.text_input(
            "Concept", key="concept", placeholder="pituitary tumour", max_chars=_LONGEST,
            help="What is to be learned from examples. What it says of a study becomes predicted.NAME",
            on_change=whole(_another),
        ).casefold().split()
    )  # fmt: skip
    if not name:
        _all(archive)
        return
    versions = [one for one in archive.concepts.list() if one.name == name and one.state in {"serves", "draft"}]
    now = next((one for one in reversed(versions) if one.state == "serves"), versions[-1] if versions else None)
    if now is not None:
        _card(archive, now, may=context.front.access.may(Role.RESEARCHER))
    verdicts = archive.verdicts(name)
    _teach(context, archive, name, now, verdicts=len(verdicts))
    _judge(archive, name, now, verdicts)


def _another() -> None:
    """Of another concept: places of examples that were typed for the one before are none of its own."""
    for field in ("concept-from", "concept-against"):
        st.session_state[field] = ""


def _all(archive: Archive) -> None:
    found = archive.concepts.list()
    st.caption(
        "Name a concept: one that is taught, or a new one. Judge a few studies, then teach it (docs/teaching.md)."
    )
    if not found:
        return
    rows = [
        {
            "concept": one.name, "version": one.version, "state": one.state + (", stale" if one.stale else ""),
            "AUROC": f"{one.card['auroc']['value']:.2f} ({one.card['auroc']['low']:.2f} to "
            f"{one.card['auroc']['high']:.2f})",
            **{value: str(one.predicted.get(value, "")) for value in ("yes", "no")},
            "unsure": str(one.predicted.get("unknown", "")), "by": one.owner, "taught": f"{one.taught_at:%Y-%m-%d}",
        }
        for one in found
    ]  # fmt: skip
    st.dataframe(rows, hide_index=True, key="concepts-taught")


def _card(archive: Archive, now: Concept, *, may: bool) -> None:
    seen = _seen_before("version", now.name, now.version)
    with st.container(border=True, key="concept-card"):
        st.text(f"version {now.version} {now.state}" + (", stale: another encoder answers" if now.stale else ""))
        st.text(now.text)
        st.text(f"Find what it predicts with {now.condition}")
        if st.button("Undo this version", key="concept-undo", disabled=not may):
            try:
                done = archive.concepts.undo(now.name, version=seen)
            except USER_ERRORS as error:
                trouble("It was not undone", str(error))
            else:
                _say(f"Version {done.undone} is undone; " + (
                    f"version {done.serves} predicts again." if done.serves else "nothing is predicted of it now."
                ))  # fmt: skip


def _teach(context: PageContext, archive: Archive, name: str, now: Concept | None, *, verdicts: int) -> None:
    message = st.session_state.pop("concept-message", "")
    if message:
        st.info(message)
    with st.container(border=True, key="concept-teach"):
        first, second, third = st.columns([4, 3, 2], vertical_alignment="bottom")
        source = first.text_input(
            "From", key="concept-from", placeholder=f"says:present({name})",
            help="cohort:NAME, says:present(FINDING) or filter:CONDITION, beside your judgements here",
        )  # fmt: skip
        against = second.text_input("Against", key="concept-against", placeholder="cohort:NAME, filter:CONDITION, rest")
        may = context.front.access.may(Role.RESEARCHER)
        label = "Teach" if now is None else "Teach again"
        if third.button(label, key="concept-go", type="primary", disabled=not may, width="stretch"):
            _taught(context, name, now, source.strip(), against.strip(), judged=bool(verdicts))
        if not may:
            st.caption("Teaching takes the role researcher, and takes the judgements of whoever teaches.")


def _taught(
    context: PageContext, name: str, now: Concept | None, source: str, against: str, *, judged: bool
) -> None:  # fmt: skip
    """By another process where there is one: what it computes would hold every page up. Begun, it is done."""
    sources = [source] if source else []
    if now is None and judged:
        sources.append(f"thumbs:{name}")
    try:
        context.front.access.require(Role.RESEARCHER, "teach a concept")
        asked = {"name": name, "sources": sources, "against": against, "again": now is not None}
        made = pooled(context, "teach", asked, label="Learning", stays=True)
        if made is not None:
            version, why = made.result["version"], str(made.result["why"])
        else:
            with st.spinner("Learning"):
                done = context.front.teach(name, sources=sources, against=against, again=now is not None)
            version, why = None if done.concept is None else done.concept.version, done.why
    except USER_ERRORS as error:
        trouble("It was not taught", str(error))
        return
    _say(why if version is None else f"Version {version} serves now. {why}")


def _say(words: str) -> None:
    """Say it once the page is drawn anew."""
    st.session_state["concept-message"] = words
    st.session_state.pop("concept-next", None)
    st.rerun()


def _judge(archive: Archive, name: str, now: Concept | None, verdicts: dict[str, int]) -> None:
    good = sum(verdict > 0 for verdict in verdicts.values())
    st.text(f"Judged by you: {good} with it, {len(verdicts) - good} without")
    waiting = [one for one in _waiting(archive, name, now) if one[0] not in verdicts]
    if not waiting:
        st.caption("Nothing is left to judge here.")
        return
    uid, why = waiting[0]
    seen = _seen_before("study", name, uid)
    hit = _hit(archive, uid)
    with st.container(border=True, key="concept-study"):
        picture, words = st.columns([1, 2])
        if hit is not None and hit.key_image:
            shown = base64.b64encode(hit.key_image).decode()  # within the page: no address of its own
            picture.html(f'<img alt="middle slice" width="240" src="data:image/png;base64,{shown}">')
        with words:
            st.text(_line(hit, uid))
            st.caption(why)
            row = st.container(horizontal=True, key="concept-verdicts")
            for label, key, verdict in (("Has it", "u", 1), ("Has it not", "d", -1), ("Skip", "s", 0)):
                if row.button(label, key=f"concept-{key}", shortcut=key):
                    if verdict:
                        archive.rate(name, {seen: verdict})
                    st.session_state["concept-next"] = (name, _version(now), [w for w in waiting if w[0] != seen])
                    st.rerun()


def _seen_before(what: str, name: str, now: Shown) -> Shown:
    """What stood on the page when it was clicked, which what is drawn now need not be: others teach and undo meanwhile.

    what: it is of; name: the concept. Of a concept that was not on the page before, `now`.
    """
    key = f"concept-seen-{what}"
    before, shown = st.session_state.get(key, (name, now))
    st.session_state[key] = (name, now)
    return shown if before == name else now


def _waiting(archive: Archive, name: str, now: Concept | None) -> Sequence[tuple[str, str]]:
    """(UID, why) of what is to be judged, kept while this version stands and some is left."""
    kept = st.session_state.get("concept-next")
    if kept is not None and kept[:2] == (name, _version(now)) and kept[2]:
        return list(kept[2])
    found: list[tuple[str, str]]
    try:
        found = [
            (one.study_uid, f"{100 * one.probability:.0f} % by what is taught now: this would teach most")
            for one in archive.concepts.next_to_judge(name, k=_MOST)
        ]
    except ConceptError:  # nothing is taught yet
        with while_drawn():
            hits = archive.search(name, k=_MOST, key_images=False)
        found = [(hit.study.uid, "found by these words") for hit in hits if hit.study is not None]
    st.session_state["concept-next"] = (name, _version(now), found)
    return found


def _version(now: Concept | None) -> int:
    return 0 if now is None else now.version


def _hit(archive: Archive, uid: str) -> Hit | None:
    found = archive.search(where=f'study_uid="{uid}"', k=1)
    return found[0] if len(found) else None


def _line(hit: Hit | None, uid: str) -> str:
    study = None if hit is None else hit.study
    if hit is None or study is None:
        return uid
    series = "; ".join(dict.fromkeys(f"{one.sequence} {one.plane} {one.body_region}" for one in hit.series))
    return f"{study.description or 'no description'}\n{series}"
