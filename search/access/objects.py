"""DICOM objects over the desk: who may see them, and the row of the record before anything of them is given back."""

from __future__ import annotations

from collections.abc import Sequence

from spinecho.db.queries import objects
from spinecho.db.queries.objects import Match, ObjectFile, SeriesObjects, StudyObjects
from spinecho.search.access.desk import Desk
from spinecho.search.access.persons import Role, digest_of, needs, uid_or_digest
from spinecho.search.access.searching import SEES_PATIENTS

__all__ = ["SEES_PATIENTS", "Match", "ObjectFile", "Objects", "SeriesObjects", "StudyObjects"]


class Objects:
    """One person's way to studies, series and files as DICOMweb asks for them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def names_patients(self) -> bool:
        """Whether this person is told whose a study is."""
        return self._desk.may(SEES_PATIENTS)

    def require(self, role: Role, what: str) -> None:
        """As `Access.require`."""
        self._desk.require(role, what)

    @needs(Role.VIEWER, "list studies")
    def studies(self, match: Match, *, limit: int, offset: int) -> list[StudyObjects]:
        """Studies with DICOM files. Raises `Refused` for a patient's ID of one who may not see any."""
        self._check(match)
        with self._desk._acting("dicom-studies", digest_of(repr(match))) as facts:
            found = objects.matching_studies(self._desk._database, match, limit=limit, offset=offset)
            facts["studies"] = len(found)
        return found

    @needs(Role.VIEWER, "list series")
    def series(
        self, match: Match, *, uids: Sequence[str] = (), number: int | None = None, limit: int, offset: int
    ) -> list[SeriesObjects]:
        """Series with DICOM files of such studies. Raises `Refused` as above."""
        self._check(match)
        with self._desk._acting("dicom-series", digest_of(repr((match, tuple(uids), number)))) as facts:
            found = objects.matching_series(
                self._desk._database, match, series_uids=uids, number=number, limit=limit, offset=offset
            )
            facts["series"] = len(found)
        return found

    @needs(Role.VIEWER, "open a study")
    def files(
        self, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None, *, action: str
    ) -> list[ObjectFile]:
        """The DICOM files of a study, a series or one object; none where there is no such. action: as the record has
        it.
        """
        subject = uid_or_digest(sop_uid or series_uid or study_uid)
        with self._desk._acting(action, subject) as facts:
            found = objects.object_files(self._desk._database, study_uid, series_uid, sop_uid)
            facts["files"] = len(found)
        return found

    @needs(Role.VIEWER, "open a study")
    def known(self, study_uid: str) -> bool:
        """Whether the archive has the study, be it of other files. The row of `files` stands for it."""
        return objects.has_study(self._desk._database, study_uid)

    def _check(self, match: Match) -> None:
        if match.patient_id:
            self.require(SEES_PATIENTS, "search by a patient's ID")
