"""The archive as it was at one moment: plan -> retrieve -> fuse -> group by study -> explain."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, assert_never

from spinecho.db.filters.algebra import ALL, Filter, contradictions, visible
from spinecho.db.people.feedback import scan_vectors, sentences_of
from spinecho.db.queries import lookup
from spinecho.db.queries.named import require_named
from spinecho.db.queries.sentences import report_passages
from spinecho.db.schema.database import Database
from spinecho.db.vectors.indexes.protocol import Rows
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.expand import spelled_out
from spinecho.encoders.language.findings import Wish, wish
from spinecho.encoders.language.query_words import QueryText, parse_query
from spinecho.encoders.language.scripts import without_other_letters
from spinecho.errors import QueryError
from spinecho.search.answers.explain import explain
from spinecho.search.answers.fold import conditions_of_words, fold, how_many_fit, nothing_relevant
from spinecho.search.answers.hits import Results
from spinecho.search.answers.listing import Listed, first_of, listed_of
from spinecho.search.answers.notes import of_archive, of_nothing, of_ranked, why_not_by_scans
from spinecho.search.answers.order import in_order
from spinecho.search.channel_weights import Weighing
from spinecho.search.channels.background import Background, Relevance
from spinecho.search.channels.by_example import Example, Examples
from spinecho.search.channels.computed import computed_in, why_included
from spinecho.search.channels.foretold import raised
from spinecho.search.channels.found import Found, PassageHit
from spinecho.search.channels.lexical import NO_WORDS, rare, words_of, words_unwanted
from spinecho.search.channels.regions import Look
from spinecho.search.channels.retrieve import Retriever
from spinecho.search.channels.whole_report import like_report
from spinecho.search.clock import Clock
from spinecho.search.evidence.scale import Scale
from spinecho.search.fusion import fused
from spinecho.search.likeness import Likeness, ReadScan
from spinecho.search.planning.planner import Planner
from spinecho.search.planning.query_plan import QueryPlan, Way
from spinecho.search.query import (
    Evidence,
    ImageQuery,
    Kind,
    Query,
    SpotQuery,
    StudyQuery,
    TextQuery,
)
from spinecho.search.query_encoding import QueryEncoding
from spinecho.search.relevance_feedback import moved, shared_words

_LEARNED = 4
"""Words at most that thumbs add to those that were typed."""


class Snapshot:
    """Answers queries from what was stored at one moment. Nothing changes it, so any number of threads may ask.

    To be used within `Engine.reading`, which has everything that is looked up in SQL be of the same moment.
    """

    def __init__(
        self,
        database: Database,
        dual: DualEncoder,
        retriever: Retriever,
        planner: Planner,
        encoding: QueryEncoding,
        *,
        weighing: Weighing,
        background: Background,
        scale: Scale | None,
        name: str,
    ) -> None:
        """scale: on which parts are compared with words, None where they are not to be; name: tells this moment from
        others, in answers.
        """
        self._database, self._dual, self._retriever, self._planner = database, dual, retriever, planner
        self._encoding, self.weighing, self.background, self.name = encoding, weighing, background, name
        self.scale = scale
        self._examples = Examples(database, dual, retriever, parts=weighing.weights.regions)
        self._regions = False

    def plan(self, query: TextQuery, where: Filter = ALL, *, patients: bool = False) -> QueryPlan:
        """How words are understood here, without an answer. Raises what `Planner.plan` raises."""
        return self._planner.plan(query, where, patients=patients)

    def search(
        self, query: Query, *, want: Kind = Kind.STUDY, k: int = 10, where: Filter = ALL, patients: bool = False
    ) -> Results:
        """The k best studies or reports among those that pass the filter, each with its evidence.

        They are those for any smaller k, and then more; fewer come back where fewer exist. Computed images and
        localizers are left out unless `where` speaks of `derived` or `sequence`; computed images also come where words
        ask for one (ADC, MIP), which the answer says.
        Where nothing fits under conditions read out of words, studies of which that is not known are asked, and told.
        patients: whether words may name a patient by ID; where not, the answer does not tell whether one exists.
        Raises `QueryError` for k below 1 or an unknown study, `EmptyQuery` for a text without words and filter,
        `TooLong` for one that is no report any more, `FilterError` for an unknown field, value or task, `BoxError` for
        a spot where nothing is.
        """
        if k < 1:
            raise QueryError(f"k is {k}; ask for at least 1 result")
        clock, given = Clock(), where
        plan = self._planner.plan(query, where, patients=patients) if isinstance(query, TextQuery) else None
        if plan is None:
            self._planner.require(where)
        else:
            where = plan.where
            clock.lap("plan")
        require_named(self._database, where)
        ranked = plan.query if plan is not None and plan.way is Way.WORDS else None
        computed = computed_in(ranked.wanted) if ranked is not None and want is Kind.STUDY else ()
        shown = visible(where, computed=bool(computed))
        if shown == where:  # the filter decides
            computed = ()
        passing = where if want is Kind.REPORT else shown
        if plan is not None and isinstance(query, TextQuery):
            listed = listed_of(self._database, self._retriever.selection, query, plan, want, passing)
            if listed is not None:
                return self._list(plan, listed, want, k, shown, clock)
        echo: dict[str, Any] = {}
        look = self._look(query, plan, want, passing if isinstance(query, TextQuery) else shown, clock, echo)
        ordered = in_order(self._database, look, want=want, k=k)
        found = ordered.found
        clock.lap("retrieve")
        if isinstance(query, TextQuery) and plan is not None and (unsaid := conditions_of_words(query, plan, found)):
            again = self.search(
                dataclasses.replace(query, unknown=unsaid), want=want, k=k, where=given, patients=patients
            )
            if again.query.get("fit"):
                return again
        words_found = words_of(ranked) if ranked is not None else NO_WORDS
        hits = explain(self._database, ordered.hits, want=want, where=shown, words=words_found)
        has_sentences = isinstance(query, TextQuery) and query.by is not Evidence.SCANS
        relevance = self._relevance(ordered.first) if has_sentences else ()
        clock.lap("explain")
        return Results(
            query={
                **(plan.as_json() if plan is not None else {}), **echo, "want": str(want), "k": k,
                **how_many_fit(found),
                **({"computed": list(computed)} if computed else {}),
            },
            hits=hits,
            encoder=self._encoder_facts(),
            build=self._build_facts(),
            searched=found.searched,
            warnings=(
                *contradictions(where),
                *(plan.messages if plan is not None else ()),
                *([why_included(computed)] if computed else ()),
                *of_archive(self._database, self._retriever),
                *of_nothing(self._database, self._retriever, want, where, hits),
                *of_ranked(self._database, self._retriever, query, plan, want, passing, hits, found, relevance),
            ),
            relevance=relevance,
            seconds=clock.seconds,
            plan=plan,
            weights=self._weights_used(query, plan, want),
            snapshot=self.name,
            more=ordered.more,
        )  # fmt: skip

    def _list(self, plan: QueryPlan, listed: Listed, want: Kind, k: int, shown: Filter, clock: Clock) -> Results:
        """The first k of a list, as results. What identifiers name is shown with all of its series."""
        exact = plan.way is Way.IDENTIFIERS
        ranked = first_of(self._database, listed, want=want, k=k, exact=exact)
        clock.lap("retrieve")
        words = words_unwanted(plan.query) if plan.way is Way.EXCLUSIONS else NO_WORDS
        hits = explain(self._database, ranked, want=want, where=visible(ALL) if exact else shown, words=words)
        clock.lap("explain")
        return Results(
            query={**plan.as_json(), "by": str(plan.way), "want": str(want), "k": k, "fitting": len(listed.ids)},
            hits=hits,
            encoder=self._encoder_facts(),
            build=self._build_facts(),
            searched=len(listed.ids),
            warnings=(
                *(() if exact else contradictions(plan.where)),
                *plan.messages,
                *listed.messages,
                *of_archive(self._database, self._retriever),
                *of_nothing(self._database, self._retriever, want, plan.where, hits, exact=exact),
            ),
            seconds=clock.seconds,
            plan=plan,
            snapshot=self.name,
            more=len(listed.ids) > k,
        )

    def study(self, uid: str) -> int:
        """The id of a study. Raises `QueryError` where there is none of this UID."""
        return self._examples.study(uid)

    def likeness(self, read_scan: ReadScan) -> Likeness:
        """What rules of cohorts compare studies with; `read_scan` reads an example that is not in the index."""
        return Likeness(self._retriever, self._dual, read_scan)

    def _look(
        self, query: Query, plan: QueryPlan | None, want: Kind, where: Filter, clock: Clock, echo: dict[str, Any]
    ) -> Callable[[int], Found]:
        """What finds where so many hits are wanted; an example is encoded once. echo: is told what was understood."""
        example = None
        match query:
            case TextQuery() if plan is not None and plan.way is Way.REPORT and query.by is not Evidence.SCANS:
                vectors = self._encoding.encode(self._dual.text, list(plan.clauses))
                return lambda k: like_report(self._retriever, vectors, plan, want=want, k=k, where=where)
            case TextQuery():
                example = None if query.like is None else self._examples.of(query.like)
                return lambda k: self._by_text(query, example, want, k, where, clock, plan, echo)
            case ImageQuery():
                example = self._examples.of_scan(query)
            case StudyQuery():
                example = self._examples.of_study(query)
            case SpotQuery():
                example = self._examples.of_spot(query)
            case _:
                assert_never(query)
        clock.lap("encode")
        echo.update(example.echo)
        alike = partial(self._examples.alike, example, where=where)
        return alike if want is Kind.STUDY else lambda k: self._reports_of(alike(k))

    def _by_text(
        self, asked: TextQuery, example: Example | None, want: Kind, k: int, where: Filter, clock: Clock,
        plan: QueryPlan | None, echo: dict[str, Any],
    ) -> Found:  # fmt: skip
        """By sentences and words; where a sentence may be compared with a scan, fused with the scans that it fits."""
        query = plan.query if plan is not None else None
        if query is not None and not query.wanted and not query.unwanted and example is not None:
            echo.update(by="like")
            return self._examples.alike(example, k, where)
        parts, learned = self.channels(asked, example, want=want, k=k, where=where, clock=clock, query=query)
        echo.update(learned)
        asks = wish(query.wanted if query is not None else "")
        fitting = lookup.study_ids_by_uid(self._database, asked.good).values() if want is Kind.STUDY else ()
        found = self._together(parts, asks, fitting=fitting)
        if want is Kind.STUDY and query is not None and not query.unwanted and asked.by is Evidence.EVERYTHING:
            found = raised(self._database, found, query.wanted, asks, where)
        unfit = set(lookup.study_ids_by_uid(self._database, asked.bad).values())
        if example is not None:
            unfit |= example.without
        if unfit and want is Kind.STUDY:
            found.scores = {key: score for key, score in found.scores.items() if key not in unfit}
        return found

    def _together(self, parts: Mapping[str, Found], asks: Wish, *, fitting: Iterable[int] = ()) -> Found:
        """The channels as one list, what fits first; fitting: studies that the person has said to fit."""
        usual = {"sentences": self.background.usual("report"), "scans": self.background.usual("image")}
        floors = {name: value for name, value in usual.items() if value is not None}
        if len(parts) == 1:
            return next(iter(parts.values()))
        found = fused(parts, self.weighing.weights, floors=floors, finding=bool(asks.findings))
        found = fold(found, asks, floors, fitting=fitting)
        found.nothing = nothing_relevant(found, floors)
        return found

    def channels(
        self,
        asked: TextQuery,
        example: Example | None = None,
        *,
        want: Kind,
        k: int,
        where: Filter,
        clock: Clock | None = None,
        query: QueryText | None = None,
    ) -> tuple[dict[str, Found], dict[str, Any]]:
        """What each channel found, by the names of `Weights`, before fusion; and what was learned on the way.

        query: the words as a plan understood them; without one they are read as they were typed.

        The words are encoded while full text looks for them; the seconds of encoding are those that were waited for it.
        """
        clock = clock or Clock()
        query = query or parse_query(asked.text)
        echo: dict[str, Any] = {"by": str(asked.by)}
        aligned = self._dual.aligned_text
        seen = without_other_letters(query.wanted)  # to what compares words with scans the others are noise
        if asked.by is Evidence.SCANS and (aligned is None or not seen or want is Kind.REPORT):
            raise QueryError(why_not_by_scans(self._dual.name, query.wanted, aligned=aligned is not None, want=want))
        parts: dict[str, Found] = {}
        rated = asked.good, asked.bad
        vector = None
        words = words_of(query)
        if any(rated) and asked.by is not Evidence.SCANS:  # what they say has to be known before words are looked for
            vector = self._encoding.encode(self._dual.text, [_encoded(query)])
            fit, unfit = (sentences_of(self._database, self._retriever.text.space, uids) for uids in rated)
            if asked.good and query.wanted and not words.exact:
                shared = shared_words(vector, fit, unfit, words.names)
                words = dataclasses.replace(words, learned=rare(self._database, shared, most=_LEARNED))
                echo["learned"] = [group[0] for group in words.learned]
            vector = moved(vector, [one.rows for one in fit], [one.rows for one in unfit])
            clock.lap("encode")
        encoding = worded = None
        if asked.by is not Evidence.SCANS and vector is None and (query.wanted or asked.like is None):
            encoding = self._encoding.submit(self._dual.text, [_encoded(query)])
        pictures = aligned is not None and bool(seen) and want is Kind.STUDY and asked.by is not Evidence.WORDS
        seeing = self._encoding.submit(aligned, [spelled_out(seen)]) if pictures and aligned else None
        if asked.by is not Evidence.SCANS and query.wanted:
            worded = self._retriever.words(query, words, want=want, k=k, where=where)
            clock.lap("words")
        if seeing is not None:
            meaning = seeing.result()
            clock.lap("encode")
            parts["scans"] = self._pictured(asked, query, meaning, k=k, where=where)
            clock.lap("scans")
        if asked.by is not Evidence.SCANS and (query.wanted or asked.like is None):
            if encoding is not None:
                vector = encoding.result()
            assert vector is not None  # noqa: S101  (encoded above, or moved by thumbs)
            clock.lap("encode")
            parts["sentences"] = self._retriever.sentences(vector, query, worded, want=want, k=k, where=where)
            clock.lap("sentences")
            if worded is not None:
                parts["words"] = worded
        if example is not None and want is Kind.STUDY:
            like = self._examples.alike(example, k, where)
            self._retriever.permit(query, like, want=want, k=k)
            clock.lap("like")
            parts["like"] = like
        return parts, echo

    def _pictured(self, asked: TextQuery, query: QueryText, meaning: Rows, *, k: int, where: Filter) -> Found:
        """Studies by how near their scans come to what the words mean, (1, dim), moved by thumbs."""
        rated = asked.good, asked.bad
        if any(rated):
            meaning = moved(meaning, *(scan_vectors(self._database, self._retriever.image.space, one) for one in rated))
        look = None
        self._regions = self._regions or self._examples.has_regions()  # once there are some a snapshot has them
        if self._regions:
            least = None if self.scale is None else self.scale.least(meaning[0])
            look = Look([meaning], weight=self.weighing.weights.regions, locate=least)
        found = self._retriever.scans(meaning, k=k, where=where, look=look)
        self._retriever.permit(query, found, want=Kind.STUDY, k=k)
        return found

    def _reports_of(self, found: Found) -> Found:
        """The reports of the studies that were found, at their studies' scores."""
        reports = lookup.reports_of(self._database, list(found.scores))
        by_report = Found(searched=found.searched, complete=found.complete)
        for study, score in found.scores.items():
            for report in reports.get(study, ()):
                by_report.scores[report.id] = score
                by_report.evidence[report.id] = found.evidence[study]
        sentences = report_passages(self._database, list(by_report.scores), by_report=True)
        for key, cards in sentences.items():
            evidence = by_report.evidence[key] = dataclasses.replace(by_report.evidence[key], passages=[])
            chosen = [card for card in cards if card.section == "impression"] or cards
            evidence.passages += [PassageHit(card, None) for card in chosen]
        return by_report

    def _encoder_facts(self) -> dict[str, Any]:
        image, text = self._dual.spaces
        facts = {"name": self._dual.name, "image": image.label, "text": text.label, "aligned": self._dual.aligned}
        if not self._dual.aligned:
            facts["note"] = "text and images are not aligned: words find scans through reports and headers"
        return facts

    def _build_facts(self) -> dict[str, Any]:
        parts = {"image": self._retriever.image, "text": self._retriever.text}
        return {
            name: {"build": space.build, "vectors": len(space), "newer_than_build": space.newer_than_build}
            for name, space in parts.items()
        }

    def _weights_used(self, query: Query, plan: QueryPlan | None, want: Kind) -> dict[str, Any]:
        """What channels counted, where words found scans too and the two were put together."""
        if plan is None or plan.way is not Way.WORDS or not isinstance(query, TextQuery):
            return {}
        if not without_other_letters(plan.query.wanted):
            return {}
        if query.by is not Evidence.EVERYTHING or want is not Kind.STUDY or self._dual.aligned_text is None:
            return {}
        return self.weighing.to_json(finding=bool(wish(plan.query.wanted).findings))

    def _relevance(self, found: Found) -> tuple[Relevance, ...]:
        """How the best of each channel that words are compared by stands against questions that nothing answers."""
        best: dict[str, float] = {}
        for evidence in found.evidence.values():
            for name, value in evidence.channels.items():
                channel = "report" if name == "header" else name
                best[channel] = max(value, best.get(channel, -1.0))
        judged = (self.background.judge(channel, value) for channel, value in sorted(best.items()))
        return tuple(one for one in judged if one is not None)


def _encoded(query: QueryText) -> str:
    """What the sentence encoder is given; to it an abbreviation that no report holds means nothing."""
    return spelled_out(query.wanted or " ".join(query.unwanted))
