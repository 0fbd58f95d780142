"""How well a concept is learned from few examples, beside a plain ridge on pooled slice features; how long it takes.

    SPINECHO_TESTDATA=FOLDER python -m benchmarks.teach [--seeds 8] [--features FILE]
    python -m benchmarks.teach --speed FOLDER [--studies 10000]

The first: 1,200 slices of four classes (paired/brain_tumour_slices: glioma, meningioma, pituitary tumour, none). They
have no patient numbers, so slices of one patient may lie on both sides and all figures are too good; near-duplicates
are kept on one side. From 5, 20 and 100 examples of a class and as many others: AUROC on the rest. The ridge reads the
pooled features of the frozen 2D network (`slices-minilm`), with the strength that did best of 0.01, 0.1 and 1 on the
same slices. FILE keeps the features. The second: made-up vectors with parts in a database in FOLDER.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.common import machine
from spinecho.encoders.heads.head_metrics import auroc
from spinecho.encoders.networks.parts_of_volumes import region_vectors
from spinecho.encoders.reading.volume import Volume
from spinecho.encoders.registry import open_encoder
from spinecho.search.concepts.learning import Examples, TooFew, grouped, learn

SIZES = (5, 20, 100)
_STRENGTH = 0.1
Rows = NDArray[np.float32]
Places = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--features", type=Path, help="an .npz that keeps what was computed")
    parser.add_argument("--speed", type=Path, help="a new folder")
    parser.add_argument("--studies", type=int, default=10_000)
    asked = parser.parse_args()
    print(machine())
    if asked.speed is not None:
        speed(asked.speed, asked.studies)
        return
    folder = Path(os.environ["SPINECHO_TESTDATA"]) / "paired" / "brain_tumour_slices"
    labels, parts, whole, slices = features_of(folder, asked.features)
    groups, joined = grouped(parts, np.arange(len(labels)))
    print(f"{len(labels)} slices, {joined} with near-duplicates, {groups.max() + 1} groups")
    classes = sorted(set(labels.tolist()))
    print("| examples | read by | " + " | ".join(classes) + " | mean |")
    for size in SIZES:
        ours, ridges = np.zeros((2, len(classes), asked.seeds))
        learnable = 0
        for place, name in enumerate(classes):
            for seed in range(asked.seeds):
                positive = labels == name
                train, test = drawn(positive, groups, size, seed)
                try:
                    learned = learn(Examples(parts[train], whole[train], positive[train], groups[train]), seed=seed)
                except TooFew:  # near-duplicates among so few
                    ours[place, seed] = ridges[place, seed] = np.nan
                    continue
                learnable += learned.known.learnable
                ours[place, seed] = auroc(learned.line.probabilities(parts[test]), positive[test])
                ridges[place, seed] = auroc(ridge(slices[train], positive[train], slices[test]), positive[test])
        print_rows(size, ours, ridges)
        print(f"  called learnable: {learnable} of {len(classes) * asked.seeds}", flush=True)


def features_of(folder: Path, kept: Path | None) -> tuple[NDArray[np.str_], Rows, Rows, Rows]:
    """(class, parts, whole, pooled slice features) of each slice."""
    if kept is not None and kept.is_file():
        with np.load(kept) as held:
            return held["labels"], held["parts"], held["whole"], held["slices"]
    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    tower, frozen = open_encoder(), open_encoder("slices-minilm")
    if tower.describer is None:
        raise SystemExit("the encoder tells no parts")
    parts, whole, slices = [], [], []
    for row in rows:
        with Image.open(folder / row["image"]) as image:
            grey = np.asarray(image.convert("L").resize((224, 224)), np.float32)
        volume = Volume(np.ascontiguousarray(grey.T[::-1, ::-1])[:, :, None], np.diag([1.0, 1.0, 5.0, 1.0]))
        described = tower.describer.describe([tower.image.preparation(volume)])[0]
        parts.append(region_vectors(described).ravel() / 27**0.5)
        whole.append(described.vector)
        slices.append(frozen.image.encode([volume])[0])
    made = (np.array([row["label"] for row in rows]), np.stack(parts), np.stack(whole), np.stack(slices))
    if kept is not None:
        np.savez(kept, labels=made[0], parts=made[1], whole=made[2], slices=made[3])
    return made


def drawn(positive: NDArray[np.bool_], groups: NDArray[np.int64], size: int, seed: int) -> tuple[Places, Places]:
    """(examples: so many of each, all others that are no near-duplicates of these)."""
    random = np.random.default_rng(seed)
    train = np.concatenate([random.permutation(np.flatnonzero(positive == side))[:size] for side in (True, False)])
    return train, np.flatnonzero(~np.isin(groups, groups[train]))


def ridge(train: Rows, positive: NDArray[np.bool_], test: Rows) -> NDArray[np.float64]:
    """Scores of a plain ridge with a fixed strength."""
    mean = train.mean(axis=0, dtype=np.float64)
    centred, y = train - mean, positive - positive.mean()
    gram = centred @ centred.T
    scaled = gram + _STRENGTH * np.mean(train.astype(np.float64) ** 2) * train.shape[1] * np.eye(len(train))
    weights: NDArray[np.float64] = centred.T @ np.linalg.solve(scaled, y)
    return np.asarray((test - mean) @ weights, np.float64)


def print_rows(size: int, ours: NDArray[np.float64], ridges: NDArray[np.float64]) -> None:
    for name, figures in (("taught", ours), ("ridge", ridges)):
        each = np.nanmean(figures, axis=1)
        print(f"| {size} | {name} | " + " | ".join(f"{one:.3f}" for one in each) + f" | {each.mean():.3f} |")
    gain = ours - ridges
    spread = 2.0 * np.nanstd(gain, axis=1, ddof=1) / np.sqrt(np.isfinite(gain).sum(axis=1))
    ranges = zip(np.nanmean(gain, axis=1), spread, strict=True)
    print("|  | gain | " + " | ".join(f"{one - half:+.3f} to {one + half:+.3f}" for one, half in ranges) + " |  |")


def speed(folder: Path, studies: int) -> None:
    """Made-up vectors of the shipped encoder's sizes, two scans a study, taught from a cohort against the rest."""
    import spinecho  # noqa: PLC0415
    from benchmarks.teach_archive import write_archive  # noqa: PLC0415

    positives = write_archive(folder, studies)
    with spinecho.open(folder, device="cpu") as archive:
        began = time.monotonic()
        taught = archive.teach("made up", positives=positives, against="rest")
        print(
            f"{studies:,} studies, {taught.card['auroc']['studies']:,} examples: learned in {taught.card['seconds']} s"
        )
        print(f"with predictions of all written: {time.monotonic() - began:.1f} s\n{taught.text}")


if __name__ == "__main__":
    main()
