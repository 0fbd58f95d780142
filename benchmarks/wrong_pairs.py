"""How well `spinecho adapt` tells that reports lie with the wrong scans, on the made-up hospital of `benchmarks.adapt`.

    python -m benchmarks.wrong_pairs FOLDER [--studies 250] [--draws 20] [--no-index]

Reports of so many of the training patients are exchanged among them, so often with other draws, and the estimator is
asked, which reads vectors that are stored: no scan is read, nothing is trained. Prints for each share the pool, what is
told on the average with the range that 19 of 20 draws lie in, and of those that look wrong how many are, beside chance:
that of as many pairs taken at random. A draw of which nothing can be told counts as one in which it does not speak, and
for nothing else. Draws share the patients: ranges tell of exchanges, not of other hospitals.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import spinecho
from benchmarks.adapt import write
from benchmarks.common import machine
from spinecho.encoders.adapted import Sentences
from spinecho.encoders.measuring.held_out import is_held_out
from spinecho.encoders.training.wrong_pairs import WRONG, wrong_pairs
from spinecho.learning.adapting import _below, _held
from spinecho.search.adaptation import Gathered, gather

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--studies", type=int, default=250)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--no-index", action="store_true", help="Measure on what is indexed already.")
    options = parser.parse_args()
    print(machine(), flush=True)
    with spinecho.open(options.folder / "home", create=True, device="cpu") as archive:
        if not options.no_index:
            began = time.monotonic()
            write(options.folder / "archive", options.studies)
            archive.index(options.folder / "archive", workers=options.workers)
            print(f"{options.studies:,} studies drawn and indexed in {time.monotonic() - began:.0f} s", flush=True)
        for line in told(gathered(archive, options.folder / "read"), options.draws):
            print(line, flush=True)


def gathered(archive: spinecho.Archive, read: Path) -> Gathered:
    """What the command would learn from. read: a folder in which what sentences say is kept."""
    database = archive._database()
    _, base, _ = _below(archive._settings, database)
    return gather(database, _held(database, base), Sentences(base.text, base.aligned_text), read)


def told(found: Gathered, draws: int) -> Iterator[str]:
    """A line a share."""
    pool = found.part(lambda patient: not is_held_out(patient))
    names = [found.patients[one] for one in pool]
    yield f"pool: {len(pool)} pairs of {len(set(names))} patients; it speaks from {WRONG:.0%}"
    yield "exchanged | truly wrong | told (range of 95 % of draws) | speaks | look wrong | of these wrong | chance"
    for share in SHARES:
        tries = draws if share else 1
        rows = [row for draw in range(tries) if (row := _one(found, pool, names, share, draw))]
        if not rows:
            yield f"{share:.0%} | cannot be told in any of {tries} draws"
            continue
        truly, said, look, right = (np.array(one, float) for one in zip(*rows, strict=True))
        low, high = np.percentile(said, [2.5, 97.5])
        hits = right.sum() / max(look.sum(), 1)
        yield (
            f"{share:.0%} | {truly.mean() / len(pool):.3f} | {said.mean():.3f} ({low:.3f} to {high:.3f}) | "
            f"{(said > WRONG).sum()} of {tries} | {look.mean():.1f} | {hits:.2f} | {truly.mean() / len(pool):.2f}"
        )


def _one(
    found: Gathered, pool: np.ndarray, names: list[str], share: float, draw: int
) -> tuple[int, float, int, int] | None:
    """(truly wrong, share told, look wrong, of these truly wrong), None where it cannot be told."""
    rng = np.random.default_rng((20261201, round(1000 * share), draw))
    some = rng.permutation(pool)[: round(share * len(pool))]
    affirmed = list(found.material.affirmed)
    for to, of in zip(some, np.roll(some, 1), strict=True):
        affirmed[to] = found.material.affirmed[of]
    wrong = np.array([set(affirmed[one]) != set(found.material.affirmed[one]) for one in pool])
    made = wrong_pairs(replace(found.material, affirmed=affirmed), pool, names)
    if made is None:
        return None
    return int(wrong.sum()), made.share, int(made.look_so.sum()), int((made.look_so & wrong).sum())


if __name__ == "__main__":
    main()
