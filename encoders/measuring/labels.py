"""Image to image by a label: does a scan's neighbourhood share its body region, its sequence, its pathology?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.measuring.candidates import Names, blocks, identities, mask, numbers, same_length, unit_rows
from spinecho.encoders.measuring.figures import EmptyPool, Figure, Measured
from spinecho.encoders.measuring.metrics import Floats, Ints, average_precision, random_average_precision, ranked_grades
from spinecho.encoders.measuring.resampling import RESAMPLES, Resamples

UNKNOWN = frozenset({"", "unknown", None})
Exclude = Literal["patient", "study"]


def by_label(
    vectors: NDArray[Any],
    labels: Names,
    *,
    subjects: Names,
    studies: Names | None = None,
    exclude: Exclude = "patient",
    queries: NDArray[Any] | Sequence[int] | None = None,
    gallery: NDArray[Any] | Sequence[int] | None = None,
    within: Names | None = None,
    ks: Sequence[int] = (1, 5, 10),
    unknown: frozenset[Any] = UNKNOWN,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measured:
    """P@k and mAP of "the same label", every labelled row asking in turn.

    vectors: (n, d) unit rows; labels, subjects, studies, within: one value a row. A query is compared with the rows of
    `gallery` (a mask or row numbers; all by default) without itself, without its study and, unless `exclude` is
    "study", without its patient; with `within`, only with rows that have its value there. An empty subject is nobody's:
    such a scan's study stands in for it. Rows whose label is in `unknown` neither ask nor are found.

    Left out and counted are queries with no partner of their class in that pool, or with nothing else in it. Figures:
    P@k for each k, mAP, and "macro P@1", in which every class counts the same; `parts` has P@k and mAP by class. P@k
    divides by k, so `best` is below 1 for small classes. Raises `EmptyPool` where no query is left.
    """
    n = same_length(vectors=vectors, labels=labels, subjects=subjects, studies=studies, within=within)
    if exclude == "study" and studies is None:
        raise ValueError("exclude='study' needs the study of each row")
    rows = unit_rows(vectors, "vectors")
    patient = identities(subjects, studies)
    study = identities(studies) if studies is not None else np.arange(n)
    label = numbers(labels)[0]
    key = numbers(within)[0] if within is not None else np.zeros(n, dtype=np.int64)
    labelled = np.array([value not in unknown for value in labels], dtype=np.bool_)
    found = mask(gallery, n) & labelled
    chosen = mask(queries, n)
    asking = np.flatnonzero(chosen & labelled)
    left_out = {"no label": int((chosen & ~labelled).sum()), "no partner": 0, "nothing else in the pool": 0}

    kept, pools, rights, hits, precisions = [], [], [], [], []
    targets = np.flatnonzero(found)
    for start, stop in blocks(len(asking), len(targets)):
        mine = asking[start:stop]
        own = mine[:, None]
        allowed = (study[targets] != study[own]) & (key[targets] == key[own])
        if exclude == "patient":
            allowed &= patient[targets] != patient[own]
        same = allowed & (label[targets] == label[own])
        pool, right = allowed.sum(axis=1), same.sum(axis=1)
        ask = (right > 0) & (right < pool)
        left_out["no partner"] += int((right == 0).sum())
        left_out["nothing else in the pool"] += int(((right > 0) & (right == pool)).sum())
        if not ask.any():
            continue
        scores = rows[mine[ask]] @ rows[targets].T
        ordered = ranked_grades(scores, same[ask].astype(np.int64), allowed[ask]) > 0
        kept.append(mine[ask])
        pools.append(pool[ask])
        rights.append(right[ask])
        hits.append(np.stack([ordered[:, :k].sum(axis=1) / k for k in ks]))
        precisions.append(average_precision(ordered, right[ask]))
    if not kept:
        raise EmptyPool(
            f"none of {int(chosen.sum())} scans has both a scan of its class and one of another class to be compared "
            f"with ({', '.join(f'{reason}: {number}' for reason, number in left_out.items())}); take in more patients"
        )

    asked = _Asked(
        np.concatenate(kept),
        np.concatenate(pools),
        np.concatenate(rights),
        dict(zip(ks, np.concatenate(hits, axis=1), strict=True)),
        np.concatenate(precisions),
    )
    draws = Resamples(numbers(patient[asked.who].tolist())[0], resamples=resamples, seed=seed)
    figures = asked.figures(np.arange(len(asked.who)), draws)
    classes = label[asked.who]
    members = {str(labels[asked.who[of[0]]]): of for of in (np.flatnonzero(classes == one) for one in set(classes))}
    parts = {name: asked.figures(members[name], draws) for name in sorted(members)}
    if 1 in asked.precision:
        firsts = [part["P@1"] for part in parts.values()]
        figures["macro P@1"] = Figure(
            float(np.mean([first.value for first in firsts])),
            float(np.mean([first.chance for first in firsts])),
            draws.macro(asked.precision[1], classes),
            figures["P@1"].pool,
            figures["P@1"].queries,
        )
    return Measured(figures, draws.n_units, parts=parts, left_out={k: v for k, v in left_out.items() if v})


@dataclass(frozen=True, slots=True)
class _Asked:
    """Queries by row, with the size of their pool, the partners in it, P@k by k and average precision; all (q,)."""

    who: Ints
    pool: Ints
    right: Ints
    precision: Mapping[int, Floats]
    average: Floats

    def figures(self, of: Ints, draws: Resamples) -> dict[str, Figure]:
        """Over the queries `of`."""
        pool, right = self.pool[of], self.right[of]
        share, size, count = right / pool, float(pool.mean()), len(of)
        made = {
            f"P@{k}": Figure(
                float(values[of].mean()),
                float((share * np.minimum(k, pool) / k).mean()),
                draws.mean(values, of),
                size,
                count,
                best=float((np.minimum(k, right) / k).mean()),
            )
            for k, values in self.precision.items()
        }
        chance = float(random_average_precision(pool, right).mean())
        made["mAP"] = Figure(float(self.average[of].mean()), chance, draws.mean(self.average, of), size, count)
        return made
