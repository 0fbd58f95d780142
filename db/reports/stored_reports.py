"""Reports that an older version stored without what they say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from spinecho.db.keys import text_digest
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import LOOK_AGAIN, File, Report

_PAGE = 400


@dataclass(frozen=True, slots=True)
class Underived:
    """A report as it was stored."""

    id: int
    name: str
    """Of its file."""
    accession_number: str
    study_uid: str
    text: str


@dataclass(frozen=True, slots=True)
class Derived:
    """What its text says. again: the file has to be read again, as the text alone does not tell."""

    id: int
    accession_number: str
    study_uid: str
    patient_id: str = ""
    status: str = ""
    dated: str = ""
    version: int | None = None
    exam: str = ""
    again: bool = False


def underived(database: Database) -> tuple[Underived, ...]:
    """The next reports without a digest, a page at most; none once all have one."""
    query = select(Report.id, File.name, Report.accession_number, Report.study_uid, Report.text)
    query = query.join(File, File.id == Report.file_id).where(Report.digest == "").order_by(Report.id).limit(_PAGE)
    with database.begin() as session:
        return tuple(Underived(*row) for row in session.execute(query))


def store_derived(database: Database, reports: Sequence[Derived]) -> None:
    """Store what was derived. A file to be read again waits for a run to find it."""
    names = ("accession_number", "study_uid", "patient_id", "status", "dated", "version", "exam")
    with database.begin() as session:
        ids = [one.id for one in reports]
        digests = {
            report: text_digest(text)
            for report, text in session.execute(select(Report.id, Report.text).where(Report.id.in_(ids)))
        }
        values = [
            {"id": one.id, "digest": digests[one.id], **{name: getattr(one, name) for name in names}}
            for one in reports
            if one.id in digests
        ]
        if values:
            session.execute(update(Report), values)
        if again := [one.id for one in reports if one.again]:
            files = select(Report.file_id).where(Report.id.in_(again))
            session.execute(
                update(File)
                .where(File.id.in_(files))
                .values(mtime_ns=LOOK_AGAIN)
                .execution_options(synchronize_session=False)
            )
