"""The tables of a cohort's version, made and handed out."""

from __future__ import annotations

import streamlit as st

from spinecho.access.people import Role
from spinecho.answering.lists import FrozenCohort
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.pooled import pooled


def packed_tables(
    context: PageContext, one: FrozenCohort, formats: list[str], *, pseudonyms: bool
) -> tuple[str, bytes]:
    """(file name, zip), by the process for it, else here. Raises `Refused`, `JobFailed`, `QueueFull`."""
    context.front.access.require(Role.RESEARCHER, "export a cohort")
    asked = {"name": one.name, "version": one.version, "formats": formats, "pseudonyms": pseudonyms}
    made = pooled(context, "export", asked, label="Writing")
    if made is None:
        with st.spinner("Writing"):
            return context.front.builder.take(one.name, one.version, formats=formats, pseudonyms=pseudonyms)
    return str(made.result["file_name"]), made.content or b""


def taken_tables(context: PageContext, one: FrozenCohort, packed: bytes) -> bytes:
    """On record at the moment of the click, before there is anything to hand out."""
    context.front.builder.taken(one.name, one.version, len(packed))
    return packed
