"""DICOMweb in the application of the server."""

from __future__ import annotations

from fastapi import FastAPI

from spinecho.ui.server.api.dicomweb import origins, pictures, retrieving, searches
from spinecho.ui.server.api.dicomweb.addresses import read_address


def mount(app: FastAPI) -> None:
    """Add the routes, and what stands before them, last of all. Raises `SettingsError`."""
    app.state.dicomweb_url = read_address()
    for group in (searches, pictures, retrieving):  # pixels come before other large values
        app.include_router(group.router)
    app.add_middleware(origins.Origins, origins=origins.read_origins())
