"""What reports say of themselves, for those that an older version stored: from their text, without the files."""

from __future__ import annotations

from pathlib import PurePath

from spinecho.db.keys import is_uid
from spinecho.db.reports import stored_reports, study_matching
from spinecho.db.schema.database import Database
from spinecho.indexer.reports.parsing.report_head import NotDivided, divide, read_head


def settle_reports(database: Database) -> study_matching.Matched:
    """Bring the studies and standings of all reports up to what the tables hold: the last step of what changes them.

    Reports that an older version stored are derived first.
    """
    derive_reports(database)
    return study_matching.match_reports(database)


def derive_reports(database: Database) -> int:
    """Give every report that lacks them its keys, status, date, exam and digest; how many there were.

    What the text alone cannot tell is read again from the file by the next run that finds it: columns of a table,
    a text file of several reports, and one whose character set may have been guessed.
    """
    done = 0
    while page := stored_reports.underived(database):
        facts = []
        for report in page:
            if PurePath(report.name).suffix.lower() != ".txt":
                facts.append(stored_reports.Derived(report.id, report.accession_number, report.study_uid))
                continue
            head = read_head(report.text)
            keys = (report.accession_number, report.study_uid)
            if head.keyed:
                keys = (head.accession_number, head.study_uid)
            elif is_uid(report.accession_number):
                keys = ("", report.accession_number)
            facts.append(
                stored_reports.Derived(
                    report.id,
                    *keys,
                    patient_id=head.patient_id,
                    status=head.status,
                    dated=head.dated,
                    version=head.version,
                    exam=head.exam,
                    again=head.several or not report.text.isascii() or _holds_several(report.text),
                )
            )
        stored_reports.store_derived(database, facts)
        done += len(page)
    return done


def _holds_several(text: str) -> bool:
    try:
        return len(divide(text)) > 1
    except NotDivided:
        return True
