"""The tables of a cohort's version, made and handed out."""

from __future__ import annotations

import streamlit as st

from spinecho.lists import FrozenCohort
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.personal_archive import Role
from spinecho.ui.views.session.opened import PageContext
from spinecho.ui.views.session.pooled import pooled


def packed_tables(
    context: PageContext, cohorts: PersonalCohorts, one: FrozenCohort, formats: list[str], *, pseudonyms: bool
) -> tuple[str, bytes]:
    """(file name, zip), by the process for it, else here. Raises `Refused`, `JobFailed`, `QueueFull`."""
    cohorts.require(Role.RESEARCHER, "export a cohort")
    asked = {"name": one.name, "version": one.version, "formats": formats, "pseudonyms": pseudonyms}
    made = pooled(context, "export", asked, label="Writing")
    if made is None:
        with st.spinner("Writing"):
            return cohorts.take(one.name, one.version, formats=formats, pseudonyms=pseudonyms)
    return str(made.result["file_name"]), made.content or b""


def taken_tables(cohorts: PersonalCohorts, one: FrozenCohort, packed: bytes) -> bytes:
    """On record at the moment of the click, before there is anything to hand out."""
    cohorts.taken(one.name, one.version, len(packed))
    return packed
