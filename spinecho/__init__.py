"""Spinecho: search an archive of MR studies by what is in them, with words, with a scan, or with a study.

    import spinecho

    with spinecho.open("~/.spinecho") as archive:
        hits = archive.search("ring-enhancing lesion, left temporal", where="sequence=T1 and age>60")
        print(hits[0].study.uid, hits[0].why)

What is named here is what stays the same; `spinecho.errors` draws the tree of errors. Importing this loads nothing
else: networks, NumPy and the database come with the first call. Not a diagnostic device.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spinecho.errors import ArchiveClosed, NoScan, QueryError, SettingsError, SpinechoError
from spinecho.threads import limit_libraries

if TYPE_CHECKING:
    from spinecho.archive import Archive, open
    from spinecho.encoding import Encoded, encode_image, encode_text
    from spinecho.lists import Cohort, CohortCount, FrozenCohort
    from spinecho.outcomes import Failure, Outcome
    from spinecho.results import Hit, Hits, Sentence, SeriesSummary, StudySummary
    from spinecho.studies import Report, Series, Study, Volume

    __version__: str

__all__ = [
    "Archive",
    "ArchiveClosed",
    "Cohort",
    "CohortCount",
    "Encoded",
    "Failure",
    "FrozenCohort",
    "Hit",
    "Hits",
    "NoScan",
    "Outcome",
    "QueryError",
    "Report",
    "Sentence",
    "Series",
    "SeriesSummary",
    "SettingsError",
    "SpinechoError",
    "Study",
    "StudySummary",
    "Volume",
    "__version__",
    "encode_image",
    "encode_text",
    "open",
]

limit_libraries()  # before anything that counts its threads is loaded

_HOMES = {
    "spinecho.archive": ("Archive", "open"),
    "spinecho.encoding": ("Encoded", "encode_image", "encode_text"),
    "spinecho.lists": ("Cohort", "CohortCount", "FrozenCohort"),
    "spinecho.outcomes": ("Failure", "Outcome"),
    "spinecho.results": ("Hit", "Hits", "Sentence", "SeriesSummary", "StudySummary"),
    "spinecho.studies": ("Report", "Series", "Study", "Volume"),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("spinecho")
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'spinecho' has no attribute {name!r}; there are: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
