"""Sentences that stand beside an answer: of the archive, of what was not found, and of how near the rest comes."""

from __future__ import annotations

from collections.abc import Sequence

from spinecho.db.files import file_index
from spinecho.db.filters.algebra import Filter
from spinecho.db.schema.database import Database
from spinecho.encoders.language.scripts import in_other_letters
from spinecho.search.answers.hits import Hit
from spinecho.search.answers.listing import affirming, why_no_report
from spinecho.search.channels.background import Relevance
from spinecho.search.channels.foretold import PREDICTED
from spinecho.search.channels.found import Found
from spinecho.search.channels.lexical import unheard, words_of
from spinecho.search.channels.retrieve import Retriever
from spinecho.search.planning.query_plan import QueryPlan, Way
from spinecho.search.query import ONLY_UNWANTED, OTHER_LETTERS, Kind, Query, SpotQuery, TextQuery


def of_archive(database: Database, retriever: Retriever) -> list[str]:
    """Builds that cannot be used, and what is not indexed yet."""
    messages = [
        f"{warning}; the answer is complete, taken from the database. 'spinecho index --rebuild' mends it."
        for space in (retriever.image, retriever.text)
        for warning in space.warnings
    ]
    messages += dict.fromkeys(note for space in (retriever.image, retriever.text) for note in space.notes)
    messages += retriever.selection.warnings
    if pending := file_index.count_pending_series(database):
        messages.append(f"{pending} series are not indexed yet; run 'spinecho index' again to go on")
    return messages


def of_nothing(
    database: Database, retriever: Retriever, want: Kind, where: Filter, hits: Sequence[Hit], *, exact: bool = False
) -> list[str]:
    """Why nothing was found. exact: identifiers answered, so that nothing else could have."""
    if not len(retriever.image) and not len(retriever.text):
        return ["the index is empty; 'spinecho failures --all' tells why, 'spinecho index FOLDER' fills it"]
    if hits or exact:
        return []
    if want is Kind.REPORT:
        return [why_no_report(database, retriever.selection, where)]
    return ["no study fits; loosen the filters and conditions, or let computed images in too"]


def of_ranked(
    database: Database,
    retriever: Retriever,
    query: Query,
    plan: QueryPlan | None,
    want: Kind,
    where: Filter,
    hits: Sequence[Hit],
    found: Found,
    relevance: Sequence[Relevance],
) -> list[str]:
    """How near the best comes, and what of the words nothing says. where: what results are taken from."""
    messages = []
    if found.unknown and isinstance(query, SpotQuery):
        messages.append(
            f"the parts of {found.unknown} of the nearest volumes are not stored; 'spinecho predict' adds them"
        )
    if hits and isinstance(query, TextQuery) and not any(found.evidence[key].channels for key in found.scores):
        messages.append("every sentence found contradicts the query (denied, or the other side or grade)")
    foretold = sum(PREDICTED in hit.channels for hit in hits)
    if foretold:
        messages.append(
            f"{foretold} of these stand here because the taught concept {found.foretold!r} is predicted of them; no "
            f"report of theirs speaks of it ('spinecho teach show' says how well it is known)"
        )
    elif hits and (found.nothing or (relevance and all(one.similarity <= one.usual for one in relevance))):
        messages.append("nothing relevant found: questions that have nothing to do with MR come as near as this one")
    if plan is None or plan.way is not Way.WORDS or not isinstance(query, TextQuery):
        return messages
    shown = [one.passage.text for hit in hits for one in hit.passages]
    if hits and (never := unheard(database, words_of(plan.query), plan.typed, passages=shown)):
        messages.append(f"no report or header says {', '.join(map(repr, never))}, under any name known for it")
    if hits and want is Kind.STUDY and (others := in_other_letters(plan.query.wanted)):
        messages.append(f"no scan is compared with {', '.join(map(repr, others))}: {OTHER_LETTERS}")
    if plan.query.unwanted and not any(hit.fits for hit in hits):
        count = len(affirming(database, retriever.selection, plan.query, where, want))
        terms = " or ".join(map(repr, plan.query.unwanted))
        noun = "report" if want is Kind.REPORT else "study"
        if count == 1:
            messages.append(f"1 {noun} that affirms {terms} is left out")
        elif count:
            messages.append(f"{count} {noun.replace('study', 'studie')}s that affirm {terms} are left out")
    return messages


def why_not_by_scans(encoder: str, wanted: str, *, aligned: bool, want: Kind) -> str:
    """Why these words cannot be compared with scans."""
    if not aligned:
        return f"the encoder {encoder!r} does not compare words with scans; search by words, or use an aligned encoder"
    if want is Kind.REPORT:
        return "reports are found by words; ask for studies, or search by words"
    return OTHER_LETTERS if wanted else ONLY_UNWANTED
