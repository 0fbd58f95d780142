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
    from spinecho.access.acts import Acts
    from spinecho.answering.evidence import SeriesEvidence
    from spinecho.answering.facet_counts import Facet, Facets
    from spinecho.answering.lists import Cohort, CohortCount, CohortRerun, Deleted, FrozenCohort
    from spinecho.answering.results import Hit, Hits, Prediction, Region, Sentence, SeriesSummary, StudySummary
    from spinecho.answering.studies import Report, Series, Study, Volume
    from spinecho.answering.thumbs import Judgement, Thumb
    from spinecho.archive import Archive, open
    from spinecho.filling.demonstration import write_demo
    from spinecho.filling.outcomes import Failure, Failures, Outcome
    from spinecho.filling.sources import Pulled, Source, Sources
    from spinecho.learning.encoder_spaces import Encoders, HeldEncoder
    from spinecho.learning.encoding import Encoded, encode_image, encode_text
    from spinecho.learning.training import train
    from spinecho.maintaining.upkeep import Upgraded, upgrade
    from spinecho.maintaining.vector_builds import Build, Builds
    from spinecho.remote.archive import AsyncRemoteArchive, RemoteArchive, connect, connect_async
    from spinecho.remote.cohorts import AsyncRemoteCohort, RemoteCohort
    from spinecho.remote.problems import NotFromAfar, NotTrusted, OtherVersion, ServerBusy, Unreachable

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
    "spinecho.access.acts": ("Acts",),
    "spinecho.archive": ("Archive", "open"),
    "spinecho.filling.demonstration": ("write_demo",),
    "spinecho.learning.encoder_spaces": ("Encoders", "HeldEncoder"),
    "spinecho.learning.encoding": ("Encoded", "encode_image", "encode_text"),
    "spinecho.answering.evidence": ("SeriesEvidence",),
    "spinecho.answering.facet_counts": ("Facet", "Facets"),
    "spinecho.answering.lists": ("Cohort", "CohortCount", "CohortRerun", "Deleted", "FrozenCohort"),
    "spinecho.filling.outcomes": ("Failure", "Failures", "Outcome"),
    "spinecho.remote.archive": ("AsyncRemoteArchive", "RemoteArchive", "connect", "connect_async"),
    "spinecho.remote.cohorts": ("AsyncRemoteCohort", "RemoteCohort"),
    "spinecho.remote.problems": ("NotFromAfar", "NotTrusted", "OtherVersion", "ServerBusy", "Unreachable"),
    "spinecho.answering.results": ("Hit", "Hits", "Prediction", "Region", "Sentence", "SeriesSummary", "StudySummary"),
    "spinecho.filling.sources": ("Pulled", "Source", "Sources"),
    "spinecho.answering.studies": ("Report", "Series", "Study", "Volume"),
    "spinecho.answering.thumbs": ("Judgement", "Thumb"),
    "spinecho.learning.training": ("train",),
    "spinecho.maintaining.upkeep": ("Upgraded", "upgrade"),
    "spinecho.maintaining.vector_builds": ("Build", "Builds"),
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
