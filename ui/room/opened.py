"""What every page stands on: the engine that all sessions share, and the person at this one."""

from __future__ import annotations

import gc
import threading
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from db.database import Database
from db.warm import warm_beside
from search.desk import Desk, Person
from search.engine import Engine
from ui.settings import Settings, read_settings
from ui.wiring import open_database, open_engine


@dataclass(frozen=True)
class Served:
    """What all sessions share. The engine is used by one of them at a time, while it holds the lock."""

    engine: Engine
    database: Database
    lock: threading.Lock


@dataclass(frozen=True)
class Room:
    """What a page is given."""

    desk: Desk
    settings: Settings
    lock: threading.Lock
    """Held while the desk's engine is used."""


def enter(settings: Settings, person: Person) -> Room:
    """The room of one person. Raises what opening the index raises."""
    database = settings.database
    file = database.stat().st_ino if isinstance(database, Path) and database.exists() else 0
    served = _open(str(settings.home), settings.encoder, file)
    return Room(Desk(served.engine, person, smallest=settings.smallest_count), settings, served.lock)


@st.cache_resource(show_spinner="Opening the index", max_entries=1)
def _open(home: str, encoder: str, file: int) -> Served:
    """`file` is the database's inode: a home that was made anew is opened anew."""
    settings = read_settings(home=Path(home), encoder=encoder)
    database = open_database(settings)
    warm_beside(database)
    served = Served(open_engine(settings, database=database), database, threading.Lock())
    gc.collect()
    gc.freeze()  # what stays for good: a collection that walks all of it would stop a search for a tenth of a second
    return served
