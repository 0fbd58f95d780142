"""An archive's own reports make its encoder better: what is gathered, trained, and measured on held-out patients.

No scan is read: the vectors of scans and of their regions, as the index holds them, are the frozen features.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from spinecho.db.durable import content_of, make_folder, with_digest, write_durably
from spinecho.db.queries.learning.adapting_rows import StudyClauses, clauses_of_studies, scan_rows
from spinecho.db.queries.learning.self_tests import PairText, studies_with_reports
from spinecho.db.schema.database import Database
from spinecho.db.values import SpaceRecord
from spinecho.encoders.adapted import Heads, HeadsConfig, Sentences, rows_of
from spinecho.encoders.measuring.figures import Figure
from spinecho.encoders.measuring.held_out import is_held_out
from spinecho.encoders.training.adapting import (
    FitConfig,
    Material,
    begin_linear,
    config_facts,
    fit_heads,
    fit_ridge,
    image_rows,
    text_rows,
)
from spinecho.encoders.training.wrong_pairs import WRONG, Both, Floats, targets, units, wrong_pairs
from spinecho.errors import QueryError
from spinecho.search.evaluation.encoders_compared import Row, difference, hits_within, measured

LEAST_PATIENTS = 150
"""Patients with a scan and a report that affirms something, below which nothing is trained."""
ONE_TEXT = 0.5
"""Share of studies whose reports say the same, from which there is nothing to learn."""
MAIN, FULL = "report to scan, one region and sequence", "report to scan"
_VALIDATION = 0.15
_WORDS = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99)
_STRENGTHS = (0.03, 0.3, 3.0, 30.0)
_BATCH = 64
Tell = Callable[[str, int, int], None]


class NotAdaptable(QueryError):
    """There is nothing to learn from here, or too little; the message says how much it takes."""


@dataclass(frozen=True)
class Gathered:
    """Scans of studies whose reports affirm something, and their words. texts: one a study, as it is asked."""

    studies: tuple[str, ...]
    patients: tuple[str, ...]
    texts: tuple[str, ...]
    rows: tuple[Row, ...]
    material: Material

    def part(self, wanted: Callable[[str], bool]) -> NDArray[np.int64]:
        """The numbers of studies whose patient is wanted."""
        return np.array([n for n, patient in enumerate(self.patients) if wanted(patient)], np.int64)


@dataclass(frozen=True)
class Adaptation:
    """Heads, and what they are worth on held-out patients. figures: by name (before, ridge, after)."""

    heads: Heads
    figures: Mapping[str, tuple[Figure | None, Figure, Figure]]
    gain: tuple[float, float]
    """95 % interval of what the main figure rose by over what answers now, over patients."""
    better: bool
    why: str
    patients: Mapping[str, int]
    wrong_pairs: float | None
    """About which share of the pairs looks wrong; None where that cannot be told."""
    steps: int
    main: str = MAIN
    history: Sequence[tuple[int, float]] = field(default_factory=tuple)


def gather(
    database: Database, space: SpaceRecord, sentences: Sentences, folder: Path, *, tell: Tell = lambda *_: None
) -> Gathered:
    """Read what there is to learn from, and what sentences say to the frozen encoders, which is kept in the folder.

    Raises `NotAdaptable`.
    """
    pairs = dict(studies_with_reports(database))
    reports = clauses_of_studies(database, list(pairs))
    _require_enough(reports, pairs)
    rows: list[Row] = []
    parts: list[NDArray[np.float16]] = []
    for one in scan_rows(database, space, list(reports)):
        rows.append(Row(one.study_uid, (one.region, one.sequence)))
        parts.append(rows_of(one.vector, one.regions).astype(np.float16))
    held = list(dict.fromkeys(row.study_uid for row in rows))
    if len({pairs[uid] for uid in held}) < LEAST_PATIENTS:
        raise _too_few(len({pairs[uid] for uid in held}))
    number = {uid: n for n, uid in enumerate(held)}
    clauses = list(dict.fromkeys(clause for uid in held for clause in reports[uid].affirmed))
    names = sorted({name for uid in held for name in reports[uid].named | reports[uid].denied})
    place = {clause: n for n, clause in enumerate(clauses)}
    name_at = {name: len(clauses) + n for n, name in enumerate(names)}
    read = _read(sentences, [*clauses, *names], folder, tell)
    strata = {key: n for n, key in enumerate(dict.fromkeys(row.key for row in rows))}
    material = Material(
        np.stack(parts),
        np.array([number[row.study_uid] for row in rows], np.int64),
        np.array([strata[row.key] for row in rows], np.int64),
        read,
        [np.array([place[clause] for clause in reports[uid].affirmed], np.int64) for uid in held],
        [frozenset(name_at[name] for name in reports[uid].named) for uid in held],
        [frozenset(name_at[name] for name in reports[uid].denied) for uid in held],
    )
    texts = tuple(f"{'. '.join(reports[uid].affirmed)}." for uid in held)
    return Gathered(tuple(held), tuple(pairs[uid] for uid in held), texts, tuple(rows), material)


def adapted_heads(
    gathered: Gathered,
    before: tuple[Floats, Floats] | None,
    below: Callable[[Sequence[str]], Any] | None,
    folder: Path,
    *,
    fit: FitConfig,
    tell: Tell = lambda *_: None,
    resamples: int = 1000,
) -> Adaptation:
    """Train, and measure on held-out patients beside what answers now and a ridge.

    before: vectors of all scans, then of all studies' texts, of the encoder that answers; None where it puts no words
    beside scans. below: the aligned text tower of the encoder below. Raises `EvaluationError`.
    """
    material, config = gathered.material, _sizes(gathered.material, fit)
    held = gathered.part(is_held_out)
    rest = gathered.part(lambda patient: not is_held_out(patient))
    inner = gathered.part(
        lambda patient: not is_held_out(patient) and is_held_out(f"{patient}\x1fvalidation", _VALIDATION)
    )
    wrong = wrong_pairs(material, rest, [gathered.patients[one] for one in rest])
    share = None if wrong is None else wrong.share
    dropped = set() if wrong is None or wrong.share <= WRONG else set(rest[wrong.look_so].tolist())
    trained = np.array([one for one in rest.tolist() if one not in set(inner.tolist()) | dropped], np.int64)
    mine = _only(material, trained)

    def score(heads: Heads) -> float:
        return _score(heads, gathered, inner)

    identity = _identity(mine, gathered, (trained, inner), config_facts(fit, config))
    fitted = fit_heads(
        mine, config, score, folder, fit=fit, identity=identity,
        start=lambda heads: begin_linear(heads, mine, _STRENGTHS, score),
        tell=lambda done, of: tell("train", done, of),
    )  # fmt: skip
    tell("measure", 0, 1)
    base_words = None if below is None else _encoded(below, [gathered.texts[n] for n in (*inner, *held)])
    heads = _with_words(fitted.heads, gathered, inner, None if base_words is None else base_words[: len(inner)])
    after = _joined(heads, gathered, held, None if base_words is None else base_words[len(inner) :])
    ridge = _ridge(gathered, trained, inner, held)
    old = None if before is None else _only_rows(gathered, held, before[0], before[1][held])
    found = {name: _measured(gathered, held, both, resamples) for name, both in (("after", after), ("ridge", ridge))}
    first = {} if old is None else _measured(gathered, held, old, resamples)
    figures = {name: (first.get(name), found["ridge"][name], figure) for name, figure in found["after"].items()}
    main = MAIN if MAIN in figures else FULL
    gain = _gain(gathered, held, old, after, main, resamples)
    better, why = _judged(figures, gain, main)
    counts = {name: len({gathered.patients[one] for one in part}) for name, part in (
        ("trained", trained), ("validation", inner), ("held out", held),
    )}  # fmt: skip
    tell("measure", 1, 1)
    return Adaptation(heads, figures, gain, better, why, counts, share, fitted.steps, main, fitted.history)


def _require_enough(reports: Mapping[str, StudyClauses], pairs: Mapping[str, str]) -> None:
    patients = len({pairs[uid] for uid in reports})
    if patients < LEAST_PATIENTS:
        raise _too_few(patients)
    words = Counter(" ".join(one.affirmed).casefold() for one in reports.values())
    most = words.most_common(1)[0][1]
    if most > ONE_TEXT * len(reports):
        raise NotAdaptable(
            f"the reports of {most:,} of {len(reports):,} studies affirm the same, word for word: there is nothing to "
            "tell them apart by. Are they templates, or one report under many keys? 'spinecho failures' lists "
            "how reports found their studies"
        )


def _too_few(patients: int) -> NotAdaptable:
    return NotAdaptable(
        f"{patients:,} patients have a scan and a report that affirms something, and adapting takes "
        f"{LEAST_PATIENTS:,} at least; some thousand are worth more. Index more reports ('spinecho failures' "
        "lists those without a study)"
    )


def _read(sentences: Sentences, items: Sequence[str], folder: Path, tell: Tell) -> NDArray[np.float32]:
    """(n, width) of each sentence; kept by a digest of them all, block by block."""
    parts = [np.empty((0, sentences.width), np.float32)]
    for start in range(0, len(items), 16 * _BATCH):
        block = items[start : start + 16 * _BATCH]
        digest = hashlib.sha256(json.dumps([sentences.identity, *block]).encode("utf-8", "surrogatepass")).hexdigest()
        path = folder / f"sentences-{digest[:32]}.safetensors"
        rows = _kept_rows(path)
        if rows is None:
            rows = np.concatenate([sentences(block[at : at + _BATCH]) for at in range(0, len(block), _BATCH)])
            make_folder(folder)
            write_durably(path, with_digest(safetensors.numpy.save({"rows": rows})))
        parts.append(rows)
        tell("read sentences", min(start + len(block), len(items)), len(items))
    return np.concatenate(parts)


def _kept_rows(path: Path) -> NDArray[np.float32] | None:
    """What an earlier run read; None where there is none, or it is not what that run kept."""
    try:
        rows: NDArray[np.float32] = safetensors.numpy.load(content_of(path.read_bytes()))["rows"]
    except (FileNotFoundError, ValueError, SafetensorError, KeyError):
        return None
    return rows


def _sizes(material: Material, fit: FitConfig) -> HeadsConfig:
    return HeadsConfig(material.scans.shape[2], material.sentences.shape[1], width=fit.width, dim=fit.dim)


def _identity(mine: Material, gathered: Gathered, parts: Sequence[NDArray[np.int64]], facts: Mapping[str, Any]) -> str:
    """Of everything that training goes by: a state of anything else is begun anew.

    parts: the numbers of studies that are trained on, and chosen by. Patients belong to it: whose studies turn out to
    be of somebody who is held out must not have been learned from.
    """
    held: list[NDArray[Any]] = [mine.study, mine.stratum, mine.scans, mine.sentences, *mine.affirmed, *parts]
    named = [[sorted(one) for one in sets] for sets in (mine.named, mine.denied)]
    told = [facts, gathered.studies, gathered.patients, gathered.texts, named]
    sha = hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8", "surrogatepass"))
    for array in held:
        sha.update(f"{array.shape}{array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()


def _only(material: Material, studies: NDArray[np.int64]) -> Material:
    """The material of these studies, numbered anew."""
    number = np.full(len(material.affirmed), -1)
    number[studies] = np.arange(len(studies))
    kept = number[material.study] >= 0
    chosen = studies.tolist()
    return replace(
        material, scans=material.scans[kept], study=number[material.study[kept]], stratum=material.stratum[kept],
        affirmed=[material.affirmed[one] for one in chosen], named=[material.named[one] for one in chosen],
        denied=[material.denied[one] for one in chosen],
    )  # fmt: skip


def _scans_of(gathered: Gathered, studies: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(gathered.material.study, studies))


def _only_rows(gathered: Gathered, studies: NDArray[np.int64], scans: Floats, texts: Floats) -> Both:
    return scans[_scans_of(gathered, studies)], texts


def _learned(heads: Heads, gathered: Gathered, studies: NDArray[np.int64]) -> Both:
    material = gathered.material
    scans = image_rows(heads, material.scans[_scans_of(gathered, studies)])
    texts = text_rows(heads, [material.affirmed[one].tolist() for one in studies.tolist()], material.sentences)
    return scans.astype(np.float64), texts.astype(np.float64)


def _joined(heads: Heads, gathered: Gathered, studies: NDArray[np.int64], words: Floats | None) -> Both:
    """As the adapted encoder gives them."""
    scans, texts = _learned(heads, gathered, studies)
    config = heads.config
    below = gathered.material.scans[_scans_of(gathered, studies), 0].astype(np.float64)
    below /= np.maximum(np.linalg.norm(below, axis=1, keepdims=True), 1e-12)
    joined = np.concatenate([config.share**0.5 * scans, (1.0 - config.share) ** 0.5 * below], axis=1)
    if words is None:
        return joined, np.concatenate([texts, np.zeros((len(texts), below.shape[1]))], axis=1)
    return joined, np.concatenate([config.words**0.5 * texts, (1.0 - config.words) ** 0.5 * words], axis=1)


def _with_words(heads: Heads, gathered: Gathered, inner: NDArray[np.int64], words: Floats | None) -> Heads:
    """With the share of a text that is learned with which validation patients are found best."""
    if words is None:
        return heads
    state, best = heads.state_dict(), (-1.0, heads)
    for share in _WORDS:
        tried = Heads(replace(heads.config, words=share)).eval()
        tried.load_state_dict(state)
        score = _found(gathered, inner, _joined(tried, gathered, inner, words))
        if score > best[0]:
            best = score, tried
    return best[1]


def _score(heads: Heads, gathered: Gathered, studies: NDArray[np.int64]) -> float:
    return _found(gathered, studies, _learned(heads, gathered, studies))


def _found(gathered: Gathered, studies: NDArray[np.int64], both: Both) -> float:
    """How well texts find scans: the mean reciprocal rank in the full pool and within one region and sequence."""
    texts, rows = _asked(gathered, studies)
    return 0.5 * sum(
        float(
            np.mean([1.0 / rank for rank in hits_within(texts, both[1], rows, both[0], within=within).ranks] or [0.0])
        )
        for within in (False, True)
    )


def _asked(gathered: Gathered, studies: NDArray[np.int64]) -> tuple[list[PairText], list[Row]]:
    texts = [PairText(gathered.studies[one], gathered.patients[one], gathered.texts[one]) for one in studies.tolist()]
    return texts, [gathered.rows[one] for one in _scans_of(gathered, studies)]


def _measured(gathered: Gathered, studies: NDArray[np.int64], both: Both, resamples: int) -> dict[str, Figure]:
    texts, rows = _asked(gathered, studies)
    return measured(texts, both[1], rows, both[0], resamples=resamples)


def _gain(
    gathered: Gathered, studies: NDArray[np.int64], old: Both | None, new: Both, main: str, resamples: int
) -> tuple[float, float]:
    texts, rows = _asked(gathered, studies)
    within = main == MAIN
    after = hits_within(texts, new[1], rows, new[0], within=within)
    if old is None:  # what finds nothing by words
        return difference(after, None, resamples=resamples)
    return difference(after, hits_within(texts, old[1], rows, old[0], within=within), resamples=resamples)


def _judged(
    figures: Mapping[str, tuple[Figure | None, Figure, Figure]], gain: tuple[float, float], main: str
) -> tuple[bool, str]:
    _, ridge, after = figures[main]
    low = after.ci95[0] if after.ci95 is not None else after.value
    full_before, _, full = figures[FULL]
    rises = f"{main}: R@10 rises by {gain[0]:+.3f} to {gain[1]:+.3f} over what answers now (95 %)"
    takes = "more reports with findings in words of their own, or an encoder that sees more, may change that"
    if gain[0] <= 0.0:
        return False, f"{rises}, which is not certain: it is not offered. {takes}"
    if low <= after.chance:
        return (
            False,
            f"{main}: R@10 {after.value:.2f} is not above chance ({after.chance:.2f}): it is not offered. {takes}",
        )
    if full_before is not None and full.value < (full_before.ci95 or (full_before.value,))[0]:
        return False, f"{rises}, but reports find their scan less often in the full pool: it is not offered"
    if after.value < ridge.value:
        return False, f"{rises}, but a ridge from the same features finds more ({ridge.value:.2f}): it is not offered"
    return True, rises


def _pooled(gathered: Gathered, studies: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.asarray(gathered.material.scans[_scans_of(gathered, studies), 0], np.float32)


def _ridge(gathered: Gathered, trained: NDArray[np.int64], inner: NDArray[np.int64], held: NDArray[np.int64]) -> Both:
    """A linear map from scans' frozen vectors to the space of texts; its strength by validation patients."""
    best: tuple[float, Both] | None = None
    x = _pooled(gathered, trained)
    y = targets(gathered.material, trained)[_owner(gathered, trained)]
    for strength in _STRENGTHS:
        weights, mean_x, mean_y = fit_ridge(x, y, strength=strength)
        tried = [
            ((_pooled(gathered, part) - mean_x) @ weights, targets(gathered.material, part) - mean_y)
            for part in (inner, held)
        ]
        score = _found(gathered, inner, units(tried[0]))
        if best is None or score > best[0]:
            best = score, units(tried[1])
    assert best is not None  # noqa: S101  (there are strengths)
    return best[1]


def _owner(gathered: Gathered, studies: NDArray[np.int64]) -> NDArray[np.int64]:
    number = {one: n for n, one in enumerate(studies.tolist())}
    return np.array([number[int(one)] for one in gathered.material.study[_scans_of(gathered, studies)]], np.int64)


def _encoded(encode: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> Floats:
    return np.concatenate([np.asarray(encode(texts[at : at + 16]), np.float64) for at in range(0, len(texts), 16)])
