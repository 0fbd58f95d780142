"""What programs ask by UIDs: a study, a series, its picture. Each takes a role and leaves its row."""

from __future__ import annotations

from collections.abc import Iterable

from spinecho.db.queries import lookup
from spinecho.db.queries.series_by_uid import series_card
from spinecho.db.schema.database import Database
from spinecho.db.values import SeriesCard
from spinecho.search.access.personal_archive import PersonalArchive
from spinecho.search.access.persons import Role, digest_of, needs, of_one_moment, uid_or_digest
from spinecho.search.access.studies import OpenedSeries, OpenedStudy


class ByUid:
    """One person's way to studies and series by what DICOM calls them."""

    def __init__(self, archive: PersonalArchive) -> None:
        self._archive = archive

    @property
    def _database(self) -> Database:
        return self._archive._database

    def require(self, role: Role, what: str) -> None:
        """As `Access.require`."""
        self._archive.require(role, what)

    @needs(Role.VIEWER, "open a study")
    @of_one_moment
    def study(self, uid: str) -> OpenedStudy | None:
        """A study with its series, reports and pictures; None for one that is not here."""
        number = lookup.study_ids_by_uid(self._database, [uid]).get(uid)
        if number is None:
            self._archive.note("view", uid_or_digest(uid), found=False)
            return None
        return self._archive.open_study(number)

    @needs(Role.VIEWER, "open a series")
    @of_one_moment
    def series(self, uid: str) -> OpenedSeries | None:
        """What it takes to show a series; None for one that is not here."""
        card = self._card(uid)
        return None if card is None else self._archive.open_series(card)

    @needs(Role.VIEWER, "open a series")
    def has_series(self, uid: str) -> bool:
        """Whether it is here; what is found to be missing is on record."""
        return self._card(uid) is not None

    @needs(Role.VIEWER, "open a series")
    @of_one_moment
    def picture(self, uid: str) -> bytes | None:
        """The PNG of a series, None without any."""
        card = self._card(uid)
        if card is None:
            return None
        self._archive.note("view-picture", card.uid)
        return lookup.thumbnails(self._database, [card.volume_id]).get(card.volume_id)

    @needs(Role.VIEWER, "open a study")
    def missing(self, uids: Iterable[str]) -> list[str]:
        """Those of the UIDs that no study here has, sorted; what is found to be missing is on record."""
        asked = set(uids)
        found = sorted(asked - set(lookup.study_ids_by_uid(self._database, sorted(asked))))
        if found:
            self._archive.note("view", digest_of(found), found=False, studies=len(found))
        return found

    @needs(Role.VIEWER, "see what has not changed")
    def unchanged(self, what: str) -> None:
        """Before it is told that something is as it was when it was given out."""
        self._archive.note("unchanged", digest_of(what))

    def _card(self, uid: str) -> SeriesCard | None:
        card = series_card(self._database, uid)
        if card is None:
            self._archive.note("view-series", uid_or_digest(uid), found=False)
        return card
