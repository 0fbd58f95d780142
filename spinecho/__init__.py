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
    from spinecho.acts import Acts
    from spinecho.archive import Archive, open
    from spinecho.demonstration import write_demo
    from spinecho.encoder_spaces import Encoders, HeldEncoder
    from spinecho.encoding import Encoded, encode_image, encode_text
    from spinecho.evidence import SeriesEvidence
    from spinecho.facet_counts import Facet, Facets
    from spinecho.lists import Cohort, CohortCount, CohortRerun, Deleted, FrozenCohort
    from spinecho.outcomes import Failure, Failures, Outcome
    from spinecho.remote.archive import AsyncRemoteArchive, RemoteArchive, connect, connect_async
    from spinecho.remote.cohorts import AsyncRemoteCohort, RemoteCohort
    from spinecho.remote.problems import NotFromAfar, NotTrusted, OtherVersion, ServerBusy, Unreachable
    from spinecho.results import Hit, Hits, Prediction, Region, Sentence, SeriesSummary, StudySummary
    from spinecho.sources import Pulled, Source, Sources
    from spinecho.studies import Report, Series, Study, Volume
    from spinecho.thumbs import Judgement, Thumb
    from spinecho.training import train
    from spinecho.upkeep import Upgraded, upgrade
    from spinecho.vector_builds import Build, Builds

    __version__: str

__all__ = [
    "Acts",
    "Archive",
    "ArchiveClosed",
    "AsyncRemoteArchive",
    "AsyncRemoteCohort",
    "Build",
    "Builds",
    "Cohort",
    "CohortCount",
    "CohortRerun",
    "Deleted",
    "Encoded",
    "Encoders",
    "Facet",
    "Facets",
    "Failure",
    "Failures",
    "FrozenCohort",
    "HeldEncoder",
    "Hit",
    "Hits",
    "Judgement",
    "NoScan",
    "NotFromAfar",
    "NotTrusted",
    "OtherVersion",
    "Outcome",
    "Prediction",
    "Pulled",
    "QueryError",
    "Region",
    "RemoteArchive",
    "RemoteCohort",
    "Report",
    "Sentence",
    "Series",
    "SeriesEvidence",
    "SeriesSummary",
    "ServerBusy",
    "SettingsError",
    "Source",
    "Sources",
    "SpinechoError",
    "Study",
    "StudySummary",
    "Thumb",
    "Unreachable",
    "Upgraded",
    "Volume",
    "__version__",
    "connect",
    "connect_async",
    "encode_image",
    "encode_text",
    "open",
    "train",
    "upgrade",
    "write_demo",
]

limit_libraries()  # before anything that counts its threads is loaded

_HOMES = {
    "spinecho.acts": ("Acts",),
    "spinecho.archive": ("Archive", "open"),
    "spinecho.demonstration": ("write_demo",),
    "spinecho.encoder_spaces": ("Encoders", "HeldEncoder"),
    "spinecho.encoding": ("Encoded", "encode_image", "encode_text"),
    "spinecho.evidence": ("SeriesEvidence",),
    "spinecho.facet_counts": ("Facet", "Facets"),
    "spinecho.lists": ("Cohort", "CohortCount", "CohortRerun", "Deleted", "FrozenCohort"),
    "spinecho.outcomes": ("Failure", "Failures", "Outcome"),
    "spinecho.remote.archive": ("AsyncRemoteArchive", "RemoteArchive", "connect", "connect_async"),
    "spinecho.remote.cohorts": ("AsyncRemoteCohort", "RemoteCohort"),
    "spinecho.remote.problems": ("NotFromAfar", "NotTrusted", "OtherVersion", "ServerBusy", "Unreachable"),
    "spinecho.results": ("Hit", "Hits", "Prediction", "Region", "Sentence", "SeriesSummary", "StudySummary"),
    "spinecho.sources": ("Pulled", "Source", "Sources"),
    "spinecho.studies": ("Report", "Series", "Study", "Volume"),
    "spinecho.thumbs": ("Judgement", "Thumb"),
    "spinecho.training": ("train",),
    "spinecho.upkeep": ("Upgraded", "upgrade"),
    "spinecho.vector_builds": ("Build", "Builds"),
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
