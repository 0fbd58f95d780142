"""A small test of the channels on the archive itself: do its scans know what their own reports say?

What reports affirm is put into words, one report a patient, and compared with the scans of the studies in the sample. A
report's own scan should lie before those of other patients; by chance it lies before half of them. The same within one
body region and sequence tells whether findings are known, beyond what was imaged and how. What would be circular is
left out: indication, technique and comparison do not ask, two reports that say the same are not compared with one
another, and no patient is in the sample twice.

An encoder that was adapted here is asked about patients that it did not learn from (`held_out`).

The result is kept by space and moves the weights of scans, see `search.channel_weights`. It is measured again when the
archive has grown or shrunk by a fifth, when another space serves, and when the test or the rules of reading change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.db.errors import StoreError
from spinecho.db.filters.algebra import ALL, visible
from spinecho.db.queries.learning import evaluating
from spinecho.db.queries.learning.evaluating import VolumeFacts
from spinecho.db.queries.learning.self_tests import (
    Holdings,
    KeptTest,
    PairText,
    affirmed_texts,
    get_self_test,
    holdings,
    paired_studies,
    put_self_test,
)
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import SpaceRecord
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import EncoderError
from spinecho.encoders.language.findings import RULES
from spinecho.encoders.measuring.candidates import Candidates, text_groups, unit_rows
from spinecho.encoders.measuring.figures import Figure
from spinecho.encoders.measuring.held_out import learned_here, measured_on
from spinecho.encoders.measuring.metrics import Floats, steps
from spinecho.encoders.measuring.resampling import RESAMPLES, percentiles
from spinecho.encoders.space import Encoder, require_stored
from spinecho.search.channel_weights import FINDINGS, LEAST, SCANS, Weighing, moved
from spinecho.search.fusion import Weights

MOST = 400
"""Pairs at most that are compared: the interval of a figure near chance is then 3 points to each side."""
SECONDS = 60.0
"""After which no further report is put into the test; 400 take the encoder that ships a few seconds."""
LONGEST = 600
"""Characters at most of what a report affirms."""
VERSION = 2
TOO_FEW, NOT_ALIGNED = "TOO_FEW", "NOT_ALIGNED"
"""Why there are no figures: fewer than `LEAST` pairs; an encoder that does not compare words with scans."""
_CHANGED = 0.2
_BATCH = 16
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of looking after the self-test. fresh: whether it was measured now. warning: '' where all is well."""

    test: KeptTest | None
    fresh: bool = False
    warning: str = ""


def look_after(
    database: Database, open_dual: Callable[[], DualEncoder], *, again: bool = False, seconds: float = SECONDS
) -> Outcome:
    """Test the space that serves where that is due, or `again`; never raises for what goes wrong within.

    The encoder is opened only where there are pairs enough. Nothing is kept of a test that was stopped or failed: what
    was kept before stands, and the next run tries again.
    """
    kept: KeptTest | None = None
    try:
        space = storing.serving(database, "image")
        if space is None or database.read_only:
            return Outcome(None)
        kept = get_self_test(database, space.id)
        held = holdings(database, space)
        if not again and kept is not None and not _due(kept, held):
            return Outcome(kept)
        test = _tested(database, space, held, open_dual, seconds)
        put_self_test(database, space, test)
        return Outcome(get_self_test(database, space.id), fresh=True)
    except (EncoderError, StoreError) as error:
        return Outcome(kept, warning=_failed(str(error)))
    except Exception as error:
        return Outcome(kept, warning=_failed(type(error).__name__))


def weighing(database: Database, space: SpaceRecord, own: Weights | None = None) -> Weighing:
    """The weights in force for a space. own: those of the home's own file, which nothing moves."""
    if own is not None:
        return Weighing(own, "home", "the weights of this home's fusion.json")
    shipped, kept = Weights.load(), get_self_test(database, space.id)
    figures = figures_of(kept)
    weights = moved(shipped, figures)
    return Weighing(
        weights, "shipped" if weights == shipped else "self-test", _why(kept, figures, shipped, weights, space.encoder)
    )


def figures_of(kept: KeptTest | None) -> dict[str, Figure]:
    """The figures of a kept test by name; none where there are none, or none that can be read."""
    found: dict[str, Figure] = {}
    for name, figure in (kept.figures if kept is not None else {}).items():
        try:
            low, high = figure["ci95"]
            found[name] = Figure(
                float(figure["value"]), float(figure["chance"]), (float(low), float(high)), float(figure["pool"]),
                int(figure["queries"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            continue
    return found


def self_test_json(kept: KeptTest | None, weighed: Weighing) -> dict[str, Any]:
    """For scripts: what was measured, when, and what follows for the weights."""
    return {
        "measured_at": kept.measured_at.isoformat() if kept is not None and kept.measured_at else None,
        "reason": kept.reason if kept is not None else "NOT_TESTED",
        "pairs": kept.pairs if kept is not None else 0,
        "needed": LEAST,
        "figures": dict(kept.figures) if kept is not None else {},
        "digest": kept.digest if kept is not None else "",
        "weights": {
            "from": weighed.source,
            "scans": round(weighed.scans(finding=False), 4),
            "scans where a finding is asked for": round(weighed.scans(finding=True), 4),
        },
        "why": weighed.why,
    }


def compared(
    rows: Floats, texts: Sequence[PairText], volumes: Sequence[VolumeFacts], volume_rows: Floats
) -> dict[str, Figure]:
    """The figures of a test: (n, d) rows of texts against (m, d) of volumes, unit rows of one space."""
    place = {one.study_uid: number for number, one in enumerate(texts)}
    kept = [row for row, volume in enumerate(volumes) if volume.study_uid in place]
    owner = np.array([place[volumes[row].study_uid] for row in kept], np.int64)
    scores = steps(unit_rows(rows, "texts") @ unit_rows(volume_rows, "volumes")[kept].T)
    groups = text_groups([one.text for one in texts])
    apart = groups[:, None] != groups[None, :]
    everything = _wins(scores, owner, apart)
    kinds: dict[tuple[str, str], list[int]] = {}
    for column, row in enumerate(kept):
        kind = (volumes[row].body_region, volumes[row].sequence)
        if "unknown" not in kind:
            kinds.setdefault(kind, []).append(column)
    within = np.zeros((2, len(texts), len(texts)))
    for columns in kinds.values():
        within += _wins(scores[:, columns], owner[columns], apart)
    found = {SCANS: _figure(*everything), FINDINGS: _figure(*within)}
    return {name: figure for name, figure in found.items() if figure is not None}


def _wins(scores: Floats, owner: NDArray[np.int64], apart: NDArray[np.bool_]) -> Matrix:
    """(2, n, n): how often i's own scan lies before j's for the words of i, and how often they were compared.

    Only studies that own one of these volumes take part, each with its best; equals count half.
    """
    n = len(apart)
    out = np.zeros((2, n, n))
    if not len(owner):
        return out
    candidates = Candidates(owner)
    some = owner[candidates.first]
    best = candidates.best(scores[some])
    own = np.diagonal(best)[:, None]
    asked = apart[np.ix_(some, some)].astype(np.float64)
    out[0][np.ix_(some, some)] = ((own > best) + 0.5 * (own == best)) * asked
    out[1][np.ix_(some, some)] = asked
    return out


def _figure(wins: Floats, asked: Floats) -> Figure | None:
    """The share of comparisons won. For the interval patients are drawn, both who ask and who are found."""
    asking = asked.sum(axis=1)
    n, queries = len(asked), int((asking > 0).sum())
    if not queries:
        return None
    random = np.random.default_rng(0)
    drawn = np.stack([np.bincount(random.integers(0, n, n), minlength=n) for _ in range(RESAMPLES)]).astype(np.float64)
    with np.errstate(invalid="ignore"):
        shares: Floats = ((drawn @ wins) * drawn).sum(axis=1) / ((drawn @ asked) * drawn).sum(axis=1)
    interval = percentiles(shares)
    return Figure(float(wins.sum() / asked.sum()), 0.5, interval, float(asking[asking > 0].mean()) + 1.0, queries)


def _tested(
    database: Database, space: SpaceRecord, held: Holdings, open_dual: Callable[[], DualEncoder], seconds: float
) -> KeptTest:
    may_ask = measured_on(space.encoder)
    studies = tuple(one for one in paired_studies(database, space) if may_ask(one[1])) if held.reports else ()
    none = KeptTest(_version(), TOO_FEW, len(studies), held)
    if len(studies) < LEAST:
        return none
    dual = open_dual()
    require_stored(space, dual.image.space, role="image")
    if dual.aligned_text is None:
        return replace(none, reason=NOT_ALIGNED)
    texts, rows = _encoded(dual.aligned_text, affirmed_texts(database, studies[:MOST], longest=LONGEST), seconds)
    uids = [one.study_uid for one in texts]
    volumes, volume_rows = evaluating.volume_facts(database, space, visible(ALL), uids)
    figures = compared(rows, texts, volumes, volume_rows.astype(np.float64))
    plain = {name: figure.to_json() for name, figure in figures.items()}
    return replace(none, reason="", digest=_digest(texts, volumes), figures=plain)


def _encoded(encoder: Encoder[str], texts: Sequence[PairText], seconds: float) -> tuple[Sequence[PairText], Floats]:
    """The texts that the time was enough for, with their rows."""
    start, parts = monotonic(), [np.empty((0, encoder.space.dim), np.float64)]
    done = 0
    while done < len(texts) and (not done or monotonic() - start < seconds):
        parts.append(np.asarray(encoder.encode([one.text for one in texts[done : done + _BATCH]]), np.float64))
        done += len(parts[-1])
    return texts[:done], np.concatenate(parts)


def _due(kept: KeptTest, held: Holdings) -> bool:
    if kept.version != _version():
        return True
    if kept.reason == NOT_ALIGNED:
        return False
    if kept.reason == TOO_FEW:  # counting costs little
        return kept.held != held
    before = ((kept.held.reports, held.reports), (kept.held.vectors, held.vectors))
    return any(abs(now - then) > _CHANGED * max(then, 1) for then, now in before)


def _version() -> str:
    return f"{VERSION}.{RULES}"


def _digest(texts: Sequence[PairText], volumes: Sequence[VolumeFacts]) -> str:
    sha = hashlib.sha256()
    for one in texts:
        sha.update(f"{one.study_uid}\0{one.text}\0".encode("utf-8", "surrogatepass"))
    for volume in volumes:
        sha.update(f"{volume.vector_id}\0".encode())
    return sha.hexdigest()


def _failed(why: str) -> str:
    return f"SELF_TEST_FAILED: {why}; the weights of channels stay as they were, and the next run tries again"


def _why(kept: KeptTest | None, figures: Mapping[str, Figure], shipped: Weights, weights: Weights, encoder: str) -> str:
    if kept is None:
        return "the weights that ship: this archive was not tested yet, which the next 'spinecho index' does"
    if kept.reason == NOT_ALIGNED:
        return "the weights that ship: the encoder does not compare words with scans"
    if kept.reason == TOO_FEW or not figures:
        unseen = "that the encoder did not learn from " if learned_here(encoder) else ""
        return (
            f"the weights that ship: {kept.pairs:,} patients {unseen}have a scan and a report that affirms something, "
            f"and a self-test takes {LEAST}"
        )
    measured = "; ".join(f"{_NAMES[name]} {_in_words(figure)}" for name, figure in figures.items() if name in _NAMES)
    if weights == shipped:
        return (
            f"the weights that ship: by the self-test a report's own scan lies before {measured}, which is not certain"
        )
    times = weights.scans / shipped.scans if shipped.scans else 1.0
    return (
        f"scans count {times:.2f} times what ships, and {weights.finding_scans:.2f} of that where a finding is asked "
        f"for (ships: {shipped.finding_scans:.2f}): by the self-test a report's own scan lies before {measured}"
    )


_NAMES = {SCANS: "others in", FINDINGS: "others of its region and sequence in"}


def _in_words(figure: Figure) -> str:
    low, high = figure.ci95 or (0.0, 1.0)
    few = f", fewer than {LEAST}" if figure.queries < LEAST else ""
    return (
        f"{100 * figure.value:.0f} % of comparisons ({100 * low:.0f} to {100 * high:.0f}; chance "
        f"{100 * figure.chance:.0f}; {figure.queries:,} pairs{few}, pool {figure.pool:.0f})"
    )
