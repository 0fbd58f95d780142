"""Reports and scans of an archive put against one another: by sentences, by header sentences, by aligned vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinecho.db.queries.learning.evaluating import SentenceFacts, VolumeFacts
from spinecho.encoders.measuring.candidates import Candidates, text_groups, unit_rows
from spinecho.encoders.measuring.figures import Measured
from spinecho.encoders.measuring.metrics import Floats
from spinecho.encoders.measuring.pairs import paired, paired_scores
from spinecho.encoders.space import Encoder

ASSERTING = frozenset({"findings", "impression", "other"})
"""Sections that say what was seen; an indication asks, a technique and a comparison tell of other things."""


@dataclass(frozen=True, slots=True)
class ReportText:
    """What a report has to say, as a query: its impression, else its findings, else the rest."""

    study_uid: str
    patient_id: str
    text: str
    rows: tuple[int, ...]
    """Its sentences among those that were read."""
    has_impression: bool


def report_queries(sentences: Sequence[SentenceFacts]) -> tuple[ReportText, ...]:
    """One a report, in the order of the sentences; reports that say nothing are none."""
    reports: dict[int, list[int]] = {}
    for row, sentence in enumerate(sentences):
        if sentence.report_id is not None and sentence.section in ASSERTING:
            reports.setdefault(sentence.report_id, []).append(row)
    made = []
    for rows in reports.values():
        sections = [sentences[row].section for row in rows]
        section = next(name for name in ("impression", "findings", "other") if name in sections)
        chosen = tuple(row for row in rows if sentences[row].section == section)
        text = " ".join(" ".join(sentences[row].text.split()) for row in chosen)
        first = sentences[chosen[0]]
        made.append(ReportText(first.study_uid, first.patient_id, text, chosen, section == "impression"))
    return tuple(made)


def groups_of_studies(reports: Sequence[ReportText]) -> dict[str, int]:
    """By study UID: the group of studies whose reports say the same, word for word."""
    uids = [report.study_uid for report in reports]
    groups = text_groups([report.text for report in reports], uids)
    return dict(zip(uids, groups.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Side:
    """What reports are put against: rows (n, d) in some space, and the study of each."""

    uids: Sequence[str]
    rows: Floats
    groups: Mapping[str, int]
    keys: Mapping[str, Any] | None = None
    """By study UID: the hard pool that it belongs to."""

    def find(self, queries: Sequence[tuple[str, str, Floats]], **options: Any) -> Measured:
        """queries: (study UID, patient, (m, d) vectors of its sentences): a study's score is the mean over them of its
        best row for each (late interaction: Khattab and Zaharia 2020, doi 10.1145/3397271.3401075)."""
        candidates = Candidates(self.uids)
        studies = [self.uids[row] for row in candidates.first]
        uids = [uid for uid, _, _ in queries]

        def block(start: int, stop: int) -> Floats:
            some = [candidates.best(own @ self.rows.T).mean(axis=0) for _, _, own in queries[start:stop]]
            return np.stack(some)

        return paired_scores(
            block,
            query_uids=uids,
            gallery_uids=studies,
            patients=[patient for _, patient, _ in queries],
            query_groups=[self.groups.get(uid) for uid in uids],
            gallery_groups=[self.groups.get(uid) for uid in studies],
            hard=self._hard(uids, studies),
            **options,
        )

    def _hard(self, uids: Sequence[str], studies: Sequence[str]) -> tuple[list[Any], list[Any]] | None:
        if self.keys is None:
            return None
        return [self.keys.get(uid) for uid in uids], [self.keys.get(uid) for uid in studies]


def by_sentences(
    reports: Sequence[ReportText],
    sentences: Sequence[SentenceFacts],
    rows: Floats,
    *,
    keys: Mapping[str, Any] | None = None,
    groups: Mapping[str, int],
    **options: Any,
) -> Measured:
    """Impressions find their study by what else its report says; no impression is ever searched."""
    rest = [row for row, one in enumerate(sentences) if one.section in ASSERTING and one.section != "impression"]
    side = Side([sentences[row].study_uid for row in rest], rows[rest], groups, keys)
    return side.find(
        [(one.study_uid, one.patient_id, rows[list(one.rows)]) for one in reports if one.has_impression], **options
    )


def by_headers(
    reports: Sequence[ReportText],
    rows: Floats,
    headers: Sequence[SentenceFacts],
    header_rows: Floats,
    *,
    groups: Mapping[str, int],
    **options: Any,
) -> Measured:
    """Reports find their study by the sentences made of its headers: what words alone can do without its report."""
    side = Side([header.study_uid for header in headers], header_rows, groups)
    return side.find([(one.study_uid, one.patient_id, rows[list(one.rows)]) for one in reports], **options)


def by_images(
    texts: Sequence[tuple[str, str, str]],
    text_rows: Floats,
    volumes: Sequence[VolumeFacts],
    volume_rows: Floats,
    *,
    groups: Mapping[str, int],
    chosen: Callable[[int], Sequence[int]],
    **options: Any,
) -> Iterator[tuple[str, Callable[[], Measured]]]:
    """(name, measurement) for both directions, on the full pool and on pools of one body region and sequence.

    texts: (study UID, patient, text), text_rows: their aligned vectors; chosen: from a number of queries to the rows of
    those that ask. A study in a hard pool is there with its volumes of that region and sequence.
    """
    uids, patients = [uid for uid, _, _ in texts], [patient for _, patient, _ in texts]
    studies = [volume.study_uid for volume in volumes]
    owners = [volume.patient_id or volume.study_uid for volume in volumes]
    kinds = [(volume.body_region, volume.sequence) for volume in volumes]
    of_study: dict[str, dict[tuple[str, str], None]] = {}
    for uid, kind in zip(studies, kinds, strict=True):
        if "unknown" not in kind:
            of_study.setdefault(uid, {})[kind] = None
    copies = [(row, kind) for row, uid in enumerate(uids) for kind in of_study.get(uid, ())]
    known = [row for row, kind in enumerate(kinds) if "unknown" not in kind]

    def measured(left: _Rows, right: _Rows, *, hard: bool) -> Measured:
        asking = chosen(len(left.uids))
        return paired(
            left.rows[asking],
            right.rows,
            query_uids=[left.uids[i] for i in asking],
            gallery_uids=right.uids,
            patients=[left.patients[i] for i in asking],
            query_groups=[groups.get(left.uids[i]) for i in asking],
            gallery_groups=[groups.get(uid) for uid in right.uids],
            hard=([left.keys[i] for i in asking], right.keys) if hard else None,
            **options,
        )

    reports = _Rows(uids, patients, text_rows, [None] * len(uids))
    scans = _Rows(studies, owners, volume_rows, list(kinds))
    each = [row for row, _ in copies]
    hard_reports = _Rows([uids[r] for r in each], [patients[r] for r in each], text_rows[each], [k for _, k in copies])
    hard_scans = _Rows(
        [studies[r] for r in known], [owners[r] for r in known], volume_rows[known], [kinds[r] for r in known]
    )
    yield "report to study, by scans", lambda: measured(reports, scans, hard=False)
    yield "scan to report", lambda: measured(scans, reports, hard=False)
    yield "report to study, by scans, same region and sequence", lambda: measured(hard_reports, hard_scans, hard=True)
    yield "scan to report, same region and sequence", lambda: measured(hard_scans, hard_reports, hard=True)


@dataclass(frozen=True, slots=True)
class _Rows:
    uids: list[str]
    patients: list[str]
    rows: Floats
    keys: list[Any]


def encoded(encoder: Encoder[str], texts: Sequence[str], *, batch: int = 64) -> Floats:
    """(n, d) unit rows of the texts, each distinct one encoded once."""
    distinct = list(dict.fromkeys(texts))
    parts = [encoder.encode(distinct[start : start + batch]) for start in range(0, len(distinct), batch)]
    rows = unit_rows(np.concatenate(parts), "texts") if parts else np.empty((0, encoder.space.dim))
    place = {text: row for row, text in enumerate(distinct)}
    return rows[[place[text] for text in texts]]
