"""What the reports of studies say of findings, clause by clause: affirmed, or left open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import select

from spinecho.db.filters.conditions import ASKING
from spinecho.db.reports.clauses import OF_PASSAGE
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Clause, Passage, Report, Study

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Stated:
    """Concepts by id, each with what it is a kind of, as clauses hold them.

    affirmed: what a clause says is there. left_open: what is in doubt, or of the past alone; neither here nor absent.
    """

    affirmed: frozenset[str]
    left_open: frozenset[str]


def stated_findings(database: Database, study_uids: Sequence[str]) -> dict[str, Stated]:
    """By study UID, of those that have a report whose clauses were told; what merely asks says nothing."""
    query = (
        select(Study.uid, Clause.assertion, Clause.concepts)
        .join(Report, Report.study_id == Study.id)
        .join(Passage, Passage.report_id == Report.id)
        .join(Clause, OF_PASSAGE)
        .where(Passage.section.not_in(ASKING))
    )
    affirmed: dict[str, set[str]] = {}
    left_open: dict[str, set[str]] = {}
    with database.begin() as session:
        for some in chunks(sorted(set(study_uids))):
            for uid, assertion, written in session.execute(query.where(Study.uid.in_(some))):
                mine = affirmed.setdefault(uid, set())
                told = mine if assertion == "present" else left_open.setdefault(uid, set())
                if assertion != "absent":
                    told.update(filter(None, written.split("\n")))
    return {uid: stated(found, left_open.get(uid, ())) for uid, found in affirmed.items()}


def said_of_it(database: Database, studies: Sequence[int], findings: Set[str], words: str) -> dict[int, set[str]]:
    """What clauses say of a thing (present, absent, ...), by id, for those of these studies whose reports speak of it.

    findings: by ids, all of which one clause names; or its words as they stand, as of a thing without an id.
    """
    query = (
        select(Report.study_id, Clause.assertion, Clause.concepts, Clause.text)
        .join(Passage, Passage.report_id == Report.id)
        .join(Clause, OF_PASSAGE)
        .where(Passage.section.not_in(ASKING))
    )
    plain = _in_words(words)
    found: dict[int, set[str]] = {}
    with database.begin() as session:
        for some in chunks(sorted(set(studies))):
            for study, assertion, named, text in session.execute(query.where(Report.study_id.in_(some))):
                by_id = bool(findings) and findings <= set(named.split("\n"))
                if by_id or (plain.strip() and plain in _in_words(text)):
                    found.setdefault(int(study or 0), set()).add(assertion)
    return found


def _in_words(text: str) -> str:
    """The words between blanks, also before the first and behind the last: "ms" is not in "symptoms"."""
    return " ".join(["", *_WORD.findall(text.casefold()), ""])


def stated(affirmed: Iterable[str], left_open: Iterable[str]) -> Stated:
    """What is affirmed anywhere is not left open."""
    told = frozenset(affirmed)
    return Stated(told, frozenset(left_open) - told)
