"""The archive as pages of its own machine show it: by numbers of rows, drawn again and again, each drawing on record.

What any caller asks stands on `Archive`, and pages ask it there. Here is what is left: what a screen alone can use, and
the values of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spinecho.access.people import Access, Person, Recorder, Role
from spinecho.answering.connection import archive_of
from spinecho.answering.evidence import read_again
from spinecho.archive import Archive
from spinecho.db.errors import Busy, StoreError
from spinecho.db.filters.algebra import ALL, Filter
from spinecho.db.people.concepts import ConceptError
from spinecho.db.values import PassageCard, SeriesCard, StudyCard
from spinecho.encoders.preparing.grey_levels import Levels, memory_order
from spinecho.encoders.registry import ABOUT
from spinecho.filling.status_facts import is_ignorable, remedy_of, scrub_facts
from spinecho.search.access.cohorts import PersonalCohorts, is_long
from spinecho.search.access.holdings import ArchiveMap, Holdings, SpaceFacts, VolumeFacts
from spinecho.search.access.personal_archive import Served
from spinecho.search.access.searching import Kept, NoSuchSearch, Saved
from spinecho.search.access.studies import OpenedSeries, OpenedStudy, Source, Studies
from spinecho.search.channels.found import NEUTRAL, told_parts
from spinecho.search.evidence.heat import Heat
from spinecho.search.evidence.trust import require_evidence
from spinecho.search.stopping import SearchStopped, stopped_when
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_served, read_levels, read_scan_query

if TYPE_CHECKING:
    from pathlib import Path

    from spinecho.answering.results import Hits
    from spinecho.encoders.reading.headers import FileFailure
    from spinecho.search.query import ImageQuery, Query

__all__ = [
    "ABOUT", "NEUTRAL", "ArchiveMap", "Busy", "Heat", "Kept", "Levels", "NoSuchSearch", "OpenedSeries", "OpenedStudy",
    "PassageCard", "Saved", "SearchStopped", "SeriesCard", "Served", "ShownArchive", "Source",
    "SpaceFacts", "StoreError", "StudyCard", "VolumeFacts", "is_ignorable", "is_long", "memory_order", "open_served",
    "read_again", "read_levels", "remedy_of", "shown_archive", "stopped_when", "told_parts",
]  # fmt: skip


class ShownArchive(Archive):
    """An archive over what a server has opened, before the person at the screen. It is the server's to close."""

    @property
    def access(self) -> Access:
        """Who asks, what they may do, and the rows of the record for what pages do by themselves."""
        return self._personal()

    @property
    def rows(self) -> Studies:
        """Studies and series by numbers of rows, as addresses of pages have them, and what it takes to draw them."""
        return self._personal()

    @property
    def kept(self) -> Kept:
        """Searches that people keep, and answers that a page keeps until `generation` rises."""
        return self._personal()

    @property
    def holdings(self) -> Holdings:
        """What is in the archive, what was rejected, its builds, its map, and work on it."""
        return self._personal()

    @property
    def builder(self) -> PersonalCohorts:
        """Cohorts as their builder has them: counts with the list that they are of, drawn again, frozen as it was seen,
        and exports as bytes."""
        return self._cohorts()

    def scrubbed(self) -> dict[str, Any] | None:
        """What `status` says of `spinecho doctor --scrub`; who manages the archive is told which rows and files."""
        facts = scrub_facts(self._settings)
        if not self.access.may(Role.MANAGER):
            for one in (facts or {}).values():
                for finding in one["findings"] if one else ():
                    finding["examples"] = []
        return facts

    def require_evidence(self, words: str) -> None:
        """Before evidence is asked for: raises `QueryError`, which says why there is none and what helps, where words
        only deny and where the encoder has not passed its test of pointing on this archive."""
        require_evidence(self._database(), words)

    def ask(self, query: Query, *, where: Filter = ALL, k: int = 10, reports: bool = False, pictures: int = 4) -> Hits:
        """As `search` and `similar`, of a query that was made already: a scan is read once for many questions.

        pictures: of so many series of each hit.
        """
        return self._search(query, where, k, reports=reports, pictures=pictures)

    def read_scan(self, path: Path) -> tuple[ImageQuery, tuple[FileFailure, ...]]:
        """A scan as a query, and the files that were left out. Raises `ReadError` where nothing could be read."""
        return read_scan_query(path, self._personal().preparation)

    def _cohorts(self) -> PersonalCohorts:
        """Without a way to files: a rule that is like a scan of this machine is not for who types it into a page."""
        return PersonalCohorts(self._personal(), self._settings.builds)

    def _file(self, named: str) -> Path:
        """Neither is a table of this machine."""
        raise ConceptError("files are for the command line: 'spinecho teach NAME --from table:FILE'")


def shown_archive(settings: Settings, served: Served, person: Person, record: Recorder) -> ShownArchive:
    """The front door before this person, over an engine that everybody shares."""
    return archive_of(ShownArchive, settings, served.archive(person, record, smallest=settings.smallest_count))
