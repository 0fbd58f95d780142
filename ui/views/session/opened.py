"""What every page stands on: the archive as the person at this screen may use it, and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from spinecho.access.people import Person, Recorder, open_record
from spinecho.setup.settings import Settings, read_settings
from spinecho.shown import Served, ShownArchive, open_served, shown_archive
from spinecho.ui.opening import show_warning
from spinecho.ui.server.fair import leave_what_stays
from spinecho.ui.views.session.signed import asks_for_sign_in


@dataclass(frozen=True)
class PageContext:
    """What a page is given. front: the archive as `spinecho.open` gives it, with what screens need besides."""

    front: ShownArchive
    settings: Settings


def enter(settings: Settings, person: Person) -> PageContext:
    """What the pages of one person stand on. Raises what opening the index and the record raises."""
    database = settings.database
    file = database.stat().st_ino if isinstance(database, Path) and database.exists() else 0
    served = _open(str(settings.home), settings.encoder, file)
    return PageContext(shown_archive(settings, served, person, record_of(settings)), settings)


def record_of(settings: Settings) -> Recorder:
    """The record, shared by all sessions. Raises `RecordError`, and `EncoderError` as `open_record`."""
    place = settings.record
    file = place.stat().st_ino if isinstance(place, Path) and place.exists() else 0
    return _record(str(place), file, settings.no_record, asks_for_sign_in(settings), settings)


@st.cache_resource(show_spinner=False, max_entries=4)
def _record(place: str, file: int, none: bool, signed: bool, _settings: Settings) -> Recorder:
    """`file` is the inode of the record: one that was put in its place is opened anew.

    none: goes without. signed: people sign in.
    """
    return open_record(_settings, signed=signed)


@st.cache_resource(show_spinner="Opening the index", max_entries=1)
def _open(home: str, encoder: str, file: int) -> Served:
    """`file` is the database's inode: a home that was made anew is opened anew."""
    served = open_served(read_settings(home=Path(home), encoder=encoder), warn=show_warning)
    leave_what_stays()
    return served
