"""Sentences and clauses of stored reports, told anew by this version's rules from their text, without the files."""

from __future__ import annotations

from collections.abc import Callable

from spinecho.db.schema import clean
from spinecho.db.schema.database import Database
from spinecho.db.store import rereading, storing
from spinecho.db.store.rereading import OldReport
from spinecho.db.values import NewPassage
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.language.findings import ENGLISH_SINCE, RULES
from spinecho.encoders.language.parts.languages import language_of
from spinecho.encoders.language.passages import passages
from spinecho.encoders.space import Encoder
from spinecho.indexer.reports.parsing.identity import report_passages
from spinecho.indexer.reports.parsing.reading_task import Sentence, sentence
from spinecho.indexer.reports.report_facts import side_of
from spinecho.indexer.reports.second_reading import second_reading
from spinecho.indexer.reports.store import new_passage


def read_again(
    database: Database,
    open_text: Callable[[], Encoder[str]],
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> int:
    """Bring every report that was read by older rules up to these; how many there were.

    A page of reports is a transaction, so that what was done stays done. The encoder is opened only where a sentence is
    new, and an English report that these rules read like those that read it is only marked. progress: called with how
    many are done, and how many there are.
    """
    space = storing.serving(database, "text")
    left = rereading.count_old(database, RULES)
    if space is None or not left:
        return 0
    encoder: Encoder[str] | None = None
    done = 0
    while page := rereading.old_reports(database, RULES, text_space=space.id):
        read: list[tuple[OldReport, list[NewPassage] | None]] = []
        anew: list[tuple[OldReport, list[Sentence]]] = []
        for report in page:
            kept = report_passages(report.text, report.exam)
            same = kept == passages(report.text, exam=side_of(report.exam))  # nothing in them names the patient
            if same and report.read_by >= ENGLISH_SINCE and language_of(report.text) == "en":
                read.append((report, None))
            else:
                anew.append((report, [sentence(passage) for passage in kept]))
        told = second_reading([(report.text, found) for report, found in anew])
        for (report, _), found in zip(anew, told, strict=True):
            texts = [clean.text(one.text) for one in found]
            fresh = [text for text in dict.fromkeys(texts) if text not in report.vectors]
            vectors = dict(report.vectors)
            if fresh:
                encoder = encoder or open_text()
                vectors |= dict(zip(fresh, map(pack, encoder.encode(fresh)), strict=True))
            new = [new_passage(one, text, vectors[text]) for one, text in zip(found, texts, strict=True)]
            read.append((report, new))
        rereading.put_reread(database, read, rules=RULES, text_space=space.id)
        done += len(page)
        progress(done, max(left, done))
    return done
