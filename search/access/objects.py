"""DICOM objects of a personal archive: who may see them, and the row of the record before anything is given back."""

from __future__ import annotations

from collections.abc import Sequence

from spinecho.db.files.runs import deidentified_as
from spinecho.db.queries import objects
from spinecho.db.queries.objects import Match, ObjectFile, SeriesObjects, StudyObjects
from spinecho.search.access.personal_archive import PersonalArchive
from spinecho.search.access.persons import Refused, Role, digest_of, needs, uid_or_digest
from spinecho.search.access.searching import SEES_PATIENTS

__all__ = ["SEES_PATIENTS", "Match", "ObjectFile", "Objects", "SeriesObjects", "StudyObjects"]


class Objects:
    """One person's way to studies, series and files as DICOMweb asks for them."""

    def __init__(self, archive: PersonalArchive) -> None:
        self._archive = archive

    @property
    def names_patients(self) -> bool:
        """Whether this person is told whose a study is."""
        return self._archive.may(SEES_PATIENTS)

    def require(self, role: Role, what: str) -> None:
        """As `Access.require`."""
        self._archive.require(role, what)

    @needs(Role.VIEWER, "list studies")
    def studies(self, match: Match, *, limit: int, offset: int) -> list[StudyObjects]:
        """Studies with DICOM files. Raises `Refused` for a patient's ID of one who may not see any."""
        self._check(match)
        with self._archive._acting("dicom-studies", digest_of(repr(match))) as facts:
            found = objects.matching_studies(self._archive._database, match, limit=limit, offset=offset)
            facts["studies"] = len(found)
        return found

    @needs(Role.VIEWER, "list series")
    def series(
        self, match: Match, *, uids: Sequence[str] = (), number: int | None = None, limit: int, offset: int
    ) -> list[SeriesObjects]:
        """Series with DICOM files of such studies. Raises `Refused` as above."""
        self._check(match)
        with self._archive._acting("dicom-series", digest_of(repr((match, tuple(uids), number)))) as facts:
            found = objects.matching_series(
                self._archive._database, match, series_uids=uids, number=number, limit=limit, offset=offset
            )
            facts["series"] = len(found)
        return found

    @needs(Role.VIEWER, "open a study")
    def files(
        self, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None, *, action: str
    ) -> list[ObjectFile]:
        """The DICOM files of a study, a series or one object; none where there is no such. action: as the record has
        it. Raises `Refused` where the archive is de-identified: its files are as they were.
        """
        subject = uid_or_digest(sop_uid or series_uid or study_uid)
        if deidentified_as(self._archive._database) is not None:
            self._archive.note("refused", subject, deidentified=True)
            raise Refused(
                "this archive is de-identified, and its files are not: 'spinecho cohort copy' makes copies that are"
            )
        with self._archive._acting(action, subject) as facts:
            found = objects.object_files(self._archive._database, study_uid, series_uid, sop_uid)
            facts["files"] = len(found)
        return found

    @needs(Role.VIEWER, "open a study")
    def known(self, study_uid: str) -> bool:
        """Whether the archive has the study, be it of other files. The row of `files` stands for it."""
        return objects.has_study(self._archive._database, study_uid)

    def _check(self, match: Match) -> None:
        if match.patient_id:
            self.require(SEES_PATIENTS, "search by a patient's ID")
