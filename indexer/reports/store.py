"""From what a report file gave to rows: a page of reports a transaction, as they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from spinecho.db.files import file_index
from spinecho.db.schema import clean
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import FileRecord, NewClause, NewPassage, NewReport, Rejection
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.errors import Reason
from spinecho.encoders.language.findings import RULES
from spinecho.encoders.language.parts.languages import language_of
from spinecho.encoders.reading.archives.paths import exists, is_member
from spinecho.encoders.sandbox.processes import Outcome
from spinecho.encoders.sandbox.worker import Message
from spinecho.encoders.space import Encoder
from spinecho.encoders.tasks.image_tasks import unpack_digests
from spinecho.indexer.reports.parsing.cells import PART
from spinecho.indexer.reports.parsing.reading_task import BadReport, ParsedReport, Sentence, unpack_reports
from spinecho.indexer.reports.second_reading import second_reading

GUESSED = "reports_guessed_"
UNREAD = "reports_unread"
"""Reports in a language without rules."""
DIVIDED = "reports_divided"
"""Cells of tables that held several reports."""
WITHDRAWN = "reports_withdrawn_by_text"
"""Reports that their text calls cancelled, and nothing beside it."""
STRUCK = "report_files_struck"
"""Files with words that are struck out."""
COLUMNS = "reports_columns_"
_PAGE_REPORTS, _PAGE_SENTENCES = 200, 4_000
_LONG_BYTES = 4 * 2**20
_LONGEST_KEY = 255
"""Characters of an accession number or a UID; DICOM knows 16 and 64."""


def is_long(path: str) -> bool:
    """True for a report file that is stored while it is read."""
    if is_member(path):  # its size is not known here
        return True
    try:
        return Path(path).stat().st_size > _LONG_BYTES
    except OSError:
        return False


def store_report_file(
    database: Database,
    run: int,
    record: FileRecord,
    read: Iterable[Message | Outcome],
    encoder: Encoder[str],
    *,
    text_space: int,
) -> Counter[str]:
    """Store a file's reports and rejections, in pages. `read` ends with the task's outcome.

    Returns how many `reports` there were, of those with a guessed character set how many by `GUESSED` and its name, how
    many are `UNREAD`, how many are `WITHDRAWN`, how many cells were `DIVIDED`, 1 by `STRUCK` where words were left out,
    and 1 by `COLUMNS` and "meaning=name" for each column that was taken.

    A file that went since it was listed is forgotten; one whose values the database refuses is rejected.
    """
    stored, first, digests = Counter[str](), True, dict[str, str]()
    try:
        for page, rejections, last in _paged(_reports_alone(read, stored, digests)):
            if last and first and not page and _is_gone(record.path, rejections):
                file_index.remove_files(database, [record.path])
                return Counter()
            new = _new_reports(page, encoder)
            digest = digests.get(record.path) if last else None
            storing.store_reports(
                database, run, record.id, new, rejections, text_space=text_space, first=first, last=last, digest=digest
            )
            stored["reports"] += len(new)
            if divided := sum(report.ordinal // PART == 1 for report in page):
                stored[DIVIDED] += divided
            stored.update(f"{GUESSED}{report.charset}" for report in page if report.charset)
            if withdrawn := sum(report.withdrawn_by_text for report in page):
                stored[WITHDRAWN] += withdrawn
            if unread := sum(language_of(report.text) == "other" for report in page):
                stored[UNREAD] += unread
            first = False
    except clean.Unstorable as error:
        refused = [Rejection(Reason.NOT_STORED, Reason.NOT_STORED.ignorable, str(error))]
        storing.store_reports(database, run, record.id, [], refused, text_space=text_space, first=True, last=True)
        return Counter()
    return stored


def _paged(read: Iterable[Message | Outcome]) -> Iterator[tuple[list[ParsedReport], list[Rejection], bool]]:
    """(reports, rejections, whether these are the last) until the outcome has come."""
    page: list[ParsedReport] = []
    rejections: list[Rejection] = []
    sentences, any_item = 0, False
    for message in read:
        if isinstance(message, Outcome):
            if message.failure is not None:
                rejections.append(Rejection(message.failure, message.failure.ignorable, message.detail))
            elif not any_item:
                rejections.append(Rejection(Reason.BAD_REPORT, False, "the file holds no report"))
            yield page, rejections, True
            return
        any_item = True
        (item,) = unpack_reports([message])
        if isinstance(item, BadReport):
            rejections.append(Rejection(item.reason, item.reason.ignorable, item.message, item.ordinal))
        elif max(len(item.accession_number), len(item.study_uid)) > _LONGEST_KEY:
            fault = f"its accession number or study UID has more than {_LONGEST_KEY} characters"
            rejections.append(Rejection(Reason.BAD_REPORT, False, fault, item.ordinal))
        else:
            page.append(item)
            sentences += len(item.sentences)
        if len(page) + len(rejections) >= _PAGE_REPORTS or sentences >= _PAGE_SENTENCES:
            yield page, rejections, False
            page, rejections, sentences = [], [], 0


def _reports_alone(
    read: Iterable[Message | Outcome], stored: Counter[str], digests: dict[str, str]
) -> Iterator[Message | Outcome]:
    """What was read less what stands beside it: the columns, which are counted, and the file's digest."""
    for message in read:
        if not isinstance(message, Outcome) and "digests" in message[0]:
            digests.update(unpack_digests([message]))
        elif not isinstance(message, Outcome) and "struck" in message[0]:
            stored[STRUCK] += 1
        elif not isinstance(message, Outcome) and "columns" in message[0]:
            stored.update(
                f"{COLUMNS}{meaning}={name}" for meaning, names in message[0]["columns"].items() for name in names
            )
        else:
            yield message


def _new_reports(page: Sequence[ParsedReport], encoder: Encoder[str]) -> list[NewReport]:
    read = second_reading([(report.text, report.sentences) for report in page])
    texts = [clean.text(sentence.text) for sentences in read for sentence in sentences]
    encoded = iter(zip(texts, map(pack, encoder.encode(texts)), strict=True))
    return [
        NewReport(
            report.ordinal,
            clean.text(report.accession_number),
            clean.text(report.study_uid),
            clean.text(report.text),
            [new_passage(sentence, *next(encoded)) for sentence in sentences],
            patient_id=clean.text(report.patient_id),
            status=report.status,
            dated=report.dated,
            version=report.version,
            exam=clean.text(report.exam),
            charset=report.charset,
            read_by=RULES,
        )
        for report, sentences in zip(page, read, strict=True)
    ]


def new_passage(sentence: Sentence, text: str, vector: bytes) -> NewPassage:
    """A sentence to store, with its text as it can be stored and that text's vector in fp16."""
    clauses = tuple(
        NewClause(
            one.start, one.end, one.text, one.assertion, one.decided_by, one.cue, one.sides, one.places, one.concepts,
            one.low_mm, one.high_mm,
        )
        for one in sentence.clauses
    )  # fmt: skip
    place = (sentence.section, sentence.ordinal, sentence.start, sentence.stop)
    return NewPassage(*place, text, sentence.assertion, sentence.sides, vector, clauses)


def _is_gone(path: str, rejections: Sequence[Rejection]) -> bool:
    return [one.reason for one in rejections] == [Reason.UNREADABLE] and not exists(path)
