"""The evaluation of an indexed archive: what its served vectors find, by what its headers and reports say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spinecho.db.filters.algebra import visible
from spinecho.db.people.masking import masked
from spinecho.db.queries.learning import evaluating
from spinecho.db.queries.learning.evaluating import VolumeFacts
from spinecho.db.queries.learning.self_tests import affirmed_texts
from spinecho.db.queries.learning.stated_findings import stated_findings
from spinecho.db.schema.database import Database
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.served import ServedSpace
from spinecho.encoders.dual import DualEncoder, OfStudies
from spinecho.encoders.language.passages import passages
from spinecho.encoders.measuring.candidates import Candidates, text_groups
from spinecho.encoders.measuring.figures import EvaluationError, Measured
from spinecho.encoders.measuring.held_out import learned_here, learning_of, measured_on
from spinecho.encoders.measuring.metrics import Floats
from spinecho.encoders.preparing.preparation import Prepared
from spinecho.search.engine import Engine
from spinecho.search.evaluation.filtered import filtered_recall
from spinecho.search.evaluation.judgements import JudgedQuery, Pair, by_uid, pairs_by_uid
from spinecho.search.evaluation.of_scans import (
    copy_to_original,
    finding_questions,
    label_questions,
    no_copies,
    other_scanner,
)
from spinecho.search.evaluation.report_retrieval import (
    ASSERTING,
    Side,
    by_headers,
    by_images,
    by_sentences,
    encoded,
    groups_of_studies,
    report_queries,
)
from spinecho.search.evaluation.texts import MEASURES, by_text_scores
from spinecho.search.evaluation.values import PROTOCOL, Asked, Evaluation, Options, Question, ask
from spinecho.search.query import TextQuery
from spinecho.search.serving import serving_space

_DEPTH = 10
_FILTERED = 200
LONGEST = 600
"""Characters at most of what a report affirms."""
ReadCopies = Callable[[Sequence[int], int], Iterator[Prepared | None]]
"""(ids of volumes, seed) -> a varied copy of each, in order, None for one that could not be read again."""


class Evaluator:
    """One home's database, builds and encoder. Raises `EvaluationError` where nothing is indexed."""

    def __init__(
        self,
        database: Database,
        builds: Path,
        dual: DualEncoder,
        options: Options,
        read_copies: ReadCopies | None = None,
    ) -> None:
        """read_copies: reads scans again from their files; without it no copies are made."""
        self._database, self._builds, self._dual, self._options = database, builds, dual, options
        self._read_copies = read_copies
        self._where = visible(options.where)
        self._image = serving_space(database, "image", dual.image.space, refusal=EvaluationError)
        self._text = serving_space(database, "text", dual.text.space, refusal=EvaluationError)
        self._volumes, rows = evaluating.volume_facts(database, self._image, self._where)
        self._rows: Floats = rows.astype(np.float64)
        if not self._volumes:
            raise EvaluationError("no volume passes the filter; loosen it, or index more with 'spinecho index FOLDER'")
        self._uids = sorted({volume.study_uid for volume in self._volumes})
        self._warnings: tuple[str, ...] = (
            (f"{learning_of(self._image.encoder)}: theirs are found too well",)
            if learned_here(self._image.encoder)
            else ()
        )
        self._draw = options.draw

    def archive(self, progress: Callable[[str], None] = lambda _: None) -> Evaluation:
        """The archive's own questions: labels, reports and scans, findings, robustness, filters. `progress` is given
        each name as it begins.

        Raises `EmptyPool` where not one of them could be measured.
        """
        if learned_here(self._image.encoder):
            self._only_held_out()
        questions = [
            *label_questions(self._volumes, self._rows, self._options),
            *self._report_questions(),
            *self._finding_questions(),
            *self._robustness_questions(progress),
            *self._filter_questions(),
        ]
        return self._evaluation("archive", ask(questions, progress))

    def judgements(
        self, queries: Sequence[JudgedQuery], progress: Callable[[str], None] = lambda _: None
    ) -> Evaluation:
        """Judged queries, asked as `spinecho search text` asks them and, where aligned, of the scans alone.

        Raises `EmptyPool` where no query has an answer in the index.
        """
        queries = by_uid(self._database, queries)
        place = {uid: column for column, uid in enumerate(self._uids)}
        known = evaluating.known_studies(self._database, [uid for query in queries for uid in query.grades])
        patient = {volume.study_uid: volume.patient_id or volume.study_uid for volume in self._volumes}
        grades = np.zeros((len(queries), len(self._uids)))
        for row, query in enumerate(queries):
            for uid, grade in query.grades.items():
                if uid in place:
                    grades[row, place[uid]] = grade
        number = {query.text: row for row, query in enumerate(queries)}
        options: dict[str, Any] = {
            "measures": MEASURES,
            "patients": [patient[uid] for uid in self._uids],
            "sets": [query.set for query in queries] if any(query.set for query in queries) else None,
            "negates": {row: number[query.negates] for row, query in enumerate(queries) if query.negates} or None,
            "topics": [query.topic for query in queries] if any(query.topic for query in queries) else None,
            **self._draw,
        }
        questions: list[Question] = [
            (
                "text to study",
                "judged queries, asked as 'spinecho search text' asks them",
                lambda: by_text_scores(self._searched(queries, place), grades, **options),
            )
        ]
        if self._dual.aligned_text is not None:
            questions.append(
                (
                    "text to study, by scans",
                    "the same by the scans' vectors alone",
                    lambda: by_text_scores(self._pictured(queries), grades, **options),
                )
            )
        named = dict.fromkeys(uid for query in queries for uid in query.grades)
        return self._evaluation("judgements", ask(questions, progress), named=tuple(named), known=known)

    def pairs(self, pairs: Sequence[Pair], progress: Callable[[str], None] = lambda _: None) -> Evaluation:
        """Texts of one's own against the studies they were written about. Raises `EmptyPool` where none is indexed."""
        pairs = pairs_by_uid(self._database, pairs)
        known = evaluating.known_studies(self._database, [pair.study_uid for pair in pairs])
        stored = evaluating.report_texts(self._database, [pair.study_uid for pair in pairs])
        chosen = [pair for pair in pairs if pair.study_uid in known]
        some = [chosen[row] for row in self._options.chosen(len(chosen))]
        fresh = [one for one in some if _plain(one.text) not in map(_plain, stored.get(one.study_uid, ()))]
        texts = [(one.study_uid, known[one.study_uid] or one.study_uid, one.text) for one in chosen]
        groups = groups_of_pairs(chosen)
        sentences, rows = evaluating.report_sentences(self._database, self._text, self._uids)
        headers, header_rows = evaluating.header_sentences(self._database, self._text, self._uids, self._where)
        stated = [row for row, one in enumerate(sentences) if one.section in ASSERTING]
        spoken = Side([sentences[row].study_uid for row in stated], rows[stated].astype(np.float64), groups)
        headed = Side([header.study_uid for header in headers], header_rows.astype(np.float64), groups)

        def by(side: Side, asking: Sequence[Pair]) -> Measured:
            return side.find(
                [(p.study_uid, known[p.study_uid], self._sentences_of(p.text)) for p in asking], **self._draw
            )

        questions: list[Question] = [
            (
                "text to study, by reports",
                "the texts' sentences against those of indexed reports; texts that are indexed themselves do not ask",
                lambda: by(spoken, fresh),
            ),
            ("text to study, by headers", "the texts' sentences against header sentences", lambda: by(headed, some)),
            *self._image_questions(texts, groups),
        ]
        named = tuple(dict.fromkeys(pair.study_uid for pair in pairs))
        return self._evaluation("pairs", ask(questions, progress), named=named, known=known)

    def _only_held_out(self) -> None:
        """Ask and search patients that an encoder which was adapted here did not learn from."""
        may_ask = measured_on(self._image.encoder)
        rows = [row for row, one in enumerate(self._volumes) if may_ask(one.patient_id or one.study_uid)]
        if not rows:
            raise EvaluationError(
                f"{learning_of(self._image.encoder)}, and none of the others passes the filter; loosen it"
            )
        self._volumes, self._rows = tuple(self._volumes[row] for row in rows), self._rows[rows]
        self._uids = sorted({volume.study_uid for volume in self._volumes})
        self._warnings = (f"{learning_of(self._image.encoder)}: the others alone are asked and searched",)

    def _report_questions(self) -> Iterator[Question]:
        sentences, rows = evaluating.report_sentences(self._database, self._text, self._uids)
        headers, header_rows = evaluating.header_sentences(self._database, self._text, self._uids, self._where)
        every = report_queries(sentences)
        groups = groups_of_studies(every)
        reports = [every[row] for row in self._options.chosen(len(every))]
        stated, headed = rows.astype(np.float64), header_rows.astype(np.float64)
        keys = _regions(self._volumes)
        about = "an impression finds its study by the rest of its report"
        yield (
            "report to study, by sentences",
            about,
            lambda: by_sentences(reports, sentences, stated, groups=groups, **self._draw),
        )
        yield (
            "report to study, by sentences, same region",
            f"{about}, among studies of the same body regions",
            lambda: by_sentences(reports, sentences, stated, keys=keys, groups=groups, **self._draw),
        )
        yield (
            "report to study, by headers",
            "a report (impression, else findings) finds its study by the words of its headers, without any report",
            lambda: by_headers(reports, stated, headers, headed, groups=groups, **self._draw),
        )
        texts = [(one.study_uid, one.patient_id or one.study_uid, one.text) for one in every]
        yield from self._image_questions(texts, groups)

    def _image_questions(self, texts: Sequence[tuple[str, str, str]], groups: dict[str, int]) -> Iterator[Question]:
        aligned = self._dual.aligned_text
        if aligned is None or not texts:
            return
        rows = encoded(aligned, [text for _, _, text in texts])
        about = "a report (impression, else findings) against the scans' own vectors"
        directions = by_images(
            texts, rows, self._volumes, self._rows, groups=groups, chosen=self._options.chosen, **self._draw
        )
        for name, measure in directions:
            yield name, about, measure

    def _finding_questions(self) -> Iterator[Question]:
        aligned = self._dual.aligned_text
        if aligned is None:
            return
        owner = {volume.study_uid: volume.patient_id or volume.study_uid for volume in self._volumes}
        studies = tuple((uid, owner[uid]) for uid in self._uids)
        yield from finding_questions(
            self._volumes,
            self._rows,
            partial(encoded, aligned),
            stated_findings(self._database, self._uids),
            lambda: affirmed_texts(self._database, studies, longest=LONGEST),
            self._options,
        )

    def _robustness_questions(self, progress: Callable[[str], None]) -> Iterator[Question]:
        yield (
            "robust: varied copy",
            "a scan that is read again and changed a little (shading, contrast, noise, field of view, resolution) "
            "finds its original among all scans",
            partial(self._copies, progress),
        )
        yield (
            "robust: other scanner",
            "a scan finds its patient's scans of another study from a scanner of another model, among others' of the "
            "same body region and sequence",
            lambda: other_scanner(self._volumes, self._rows, self._options),
        )

    def _copies(self, progress: Callable[[str], None]) -> Measured:
        if self._read_copies is None or not self._options.copies or isinstance(self._dual.image, OfStudies):
            no_copies(self._options)
        chosen = self._options.chosen(len(self._volumes), self._options.copies)
        read = self._read_copies([self._volumes[row].volume_id for row in chosen], self._options.seed)
        copies: dict[int, Floats | None] = {}
        for row, prepared in zip(chosen, read, strict=True):
            progress(f"robust: varied copy, {len(copies) + 1} of {len(chosen)}")
            copies[row] = None if prepared is None else self._dual.image.encode_prepared([prepared])[0]
        return copy_to_original(self._volumes, self._rows, copies, self._options)

    def _filter_questions(self) -> Iterator[Question]:
        for role, space in (("image", self._image), ("text", self._text)):
            yield (
                f"filters: {role}",
                f"what the {role} index finds under a filter, against comparing with every vector",
                partial(self._filtered, space),
            )

    def _filtered(self, space: SpaceRecord) -> Measured:
        ids, rows = evaluating.all_vectors(self._database, space)
        served = ServedSpace(self._database, self._builds, space)
        asking = np.random.default_rng(self._options.seed).permutation(len(ids))[:_FILTERED]
        patients = None
        if space == self._image:
            owner = {volume.vector_id: volume.patient_id or volume.study_uid for volume in self._volumes}
            asking = asking[[int(ids[row]) in owner for row in asking]]
            patients = [owner[int(ids[row])] for row in asking]
        return filtered_recall(
            lambda vectors, k, among: served.nearest(vectors, k, among=among),
            ids,
            rows,
            rows[asking],
            patients=patients,
            **self._draw,
        )

    def _searched(self, queries: Sequence[JudgedQuery], place: dict[str, int]) -> Floats:
        """(q, studies): minus the rank in the list that `search text` gives, -inf for what is not in it."""
        engine = Engine(self._database, self._builds, self._dual)
        scores = np.full((len(queries), len(place)), -np.inf)
        for row, query in enumerate(queries):
            for hit in engine.search(TextQuery(query.text), k=_DEPTH, where=self._options.where).hits:
                if hit.study is not None and hit.study.uid in place:
                    scores[row, place[hit.study.uid]] = -float(hit.rank)
        return scores

    def _pictured(self, queries: Sequence[JudgedQuery]) -> Floats:
        """(q, studies): the best of a study's scans, in the order of the studies' UIDs."""
        assert self._dual.aligned_text is not None  # noqa: S101  (asked for only where it is)
        rows = encoded(self._dual.aligned_text, [query.text for query in queries])
        # Volumes are in the order of their studies' UIDs, so candidates are too
        return Candidates([volume.study_uid for volume in self._volumes]).best(rows @ self._rows.T)

    def _sentences_of(self, text: str) -> Floats:
        stated = [" ".join(one.text.split()) for one in passages(text) if one.section in ASSERTING] or [text]
        return encoded(self._dual.text, stated)

    def _evaluation(
        self, what: str, asked: tuple[Asked, ...], *, named: tuple[str, ...] = (), known: dict[str, str] | None = None
    ) -> Evaluation:
        known = known or {}
        unknown = tuple(uid for uid in named if uid not in known)
        hidden = sum(uid in known for uid in named) - len(set(named) & set(self._uids))
        missing, failing, all_of = (masked(n, self._options.smallest) for n in (len(unknown), hidden, len(named)))
        warnings = [f"{missing} of {all_of} studies named are not in the index"] if unknown else []
        warnings += [f"{failing} of {all_of} studies named have no volume that passes the filter"] if hidden else []
        warnings += self._warnings
        if not self._dual.aligned:
            warnings.append("text and images are not aligned: nothing is measured from a text to a scan's own vector")
        if len({volume.patient_id for volume in self._volumes}) == 1:
            warnings.append("there is one patient ID in all: neither exclusion nor interval means much")
        image, text = self._dual.spaces
        facts = {"name": self._dual.name, "image": image.label, "text": text.label, "aligned": self._dual.aligned}
        counts = {
            "studies": len(self._uids),
            "volumes": len(self._volumes),
            "patients": len({volume.patient_id or volume.study_uid for volume in self._volumes}),
            "reports": evaluating.count_reports(self._database),
        }
        protocol = {"name": what, "version": PROTOCOL}
        return Evaluation(asked, facts, counts, unknown, tuple(warnings), self._options.to_json(), protocol)


def groups_of_pairs(pairs: Sequence[Pair]) -> dict[str, int]:
    """By study UID: the group of studies whose texts are the same, word for word."""
    uids = [pair.study_uid for pair in pairs]
    return dict(zip(uids, text_groups([pair.text for pair in pairs], uids).tolist(), strict=True))


def _regions(volumes: Sequence[VolumeFacts]) -> dict[str, tuple[str, ...]]:
    """By study UID: its body regions."""
    found: dict[str, set[str]] = {}
    for volume in volumes:
        found.setdefault(volume.study_uid, set()).add(volume.body_region)
    return {uid: tuple(sorted(regions)) for uid, regions in found.items()}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
