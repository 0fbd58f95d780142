"""Does the hottest part for some words lie in the lesion's box? Against chance, and three tests that have to fail.

    python -m benchmarks.pointing [--studies 120] [--seed 9203] [--keep FOLDER]

Over lesions of the demonstration's generator, whose masks are exact: made-up data, as the encoder that ships was
trained on (other seeds). Where SPINECHO_TESTDATA names a folder, the few real scans with a mask too. A hit: the hottest
place of the map, which has 15 places along each axis, lies in the box of the lesion, or within half a place of it.
Chance: of the places where there is tissue, the share that would be a hit.

Tests that an honest map fails (after Adebayo et al. 2018, arXiv 1810.03292): the encoder with random weights (the
frozen network below stays); the words of another lesion; the scan of another study, with the box where it was. A map
that still points is read off the words, the average head or the network's habits, and not off this scan.

Beside these, what the archive's own test of sides (`search.evidence.sides`) says of the same scans, and how often
something stands out: for a lesion that is there, for the same words on scans without any, and for unrelated words that
the scale was not measured with. FOLDER keeps what the encoders said of each scan.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import machine
from benchmarks.pointing_hits import Box, Floats, Pointed, boxes_of, direction, hit_of, of_parts, shares, tissue_of
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.laterality import without_sides
from spinecho.encoders.measuring.figures import Figure
from spinecho.encoders.measuring.resampling import Resamples
from spinecho.encoders.networks.parts_of_volumes import GRID, Described, added_by
from spinecho.encoders.reading.volume import Volume, to_ras
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.phantom import plan_case, render_series
from spinecho.indexer.phantom.model import Case, SeriesPlan
from spinecho.search.channels.background import UNRELATED
from spinecho.search.evidence import sides
from spinecho.search.evidence.heat import Heat, heat_map
from spinecho.search.evidence.scale import Scale, measured

SERIES = 2
FURTHER = (
    "the bus stops at the corner", "a cake with cherries", "the court dismissed the appeal", "rain on Sunday evening",
    "a ticket for the opera", "the shop sells used furniture", "how to train a puppy", "the river froze in January",
    "an invoice for office paper", "the team lost the final", "a guide to the city's markets", "plant tulips in autumn",
)  # fmt: skip
"""Unrelated words that the scale was not measured with."""
Encode = Callable[[Sequence[str]], Floats]
Draw = Callable[[Described, Floats], Floats]


@dataclass(frozen=True)
class Scan:
    """A scan and where its lesions lie, as fractions; the largest first. kind, named: of the largest, in words."""

    study: str
    kind_of_scan: str
    kind: str
    named: str
    side: str
    boxes: tuple[Box, ...]
    tissue: NDArray[np.bool_]
    shipped: Described
    random: Described | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=120)
    parser.add_argument("--seed", type=int, default=9203, help="neither the training's (4001) nor the demonstration's")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    dual = open_encoder()
    print(machine())
    scans = drawn(asked.studies, asked.seed, dual, asked.keep)
    ill, well = [scan for scan in scans if scan.boxes], [scan for scan in scans if not scan.kind]
    encode = encoder_of(dual)
    scale = measured([added_by(scan.shipped) for scan in scans], encode(UNRELATED))
    if scale is None:
        raise SystemExit("the encoder tells the parts of these scans apart by nothing")
    print(f"{len(ill)} scans of {len({one.study for one in ill})} studies with a lesion, {len(well)} scans without")
    print(f"floor {scale.floor:.2f}, measured on {scale.parts:,} parts and {scale.questions} unrelated texts")
    pointing(ill, encode, scale)
    side_tests(ill, encode, scale)
    standing(ill, well, encode, scale)
    if "SPINECHO_TESTDATA" in os.environ:
        real(Path(os.environ["SPINECHO_TESTDATA"]), dual, encode, scale)


def pointing(ill: Sequence[Scan], encode: Encode, scale: Scale) -> None:
    """The table: by wording, the map, other ways to draw it, and the three tests."""
    print("| Words | Map | Hits (95 %) | Chance | Queries | Studies |\n|---|---|---|---|---|---|")
    other, elsewhere = another_kind(ill), another_study(ill)
    for title, words, boxes in (
        ("kind, side and site", [scan.named for scan in ill], [scan.boxes[:1] for scan in ill]),
        ("kind alone", [scan.kind for scan in ill], [scan.boxes for scan in ill]),
    ):
        rows = encode(words)

        def mapped(one: Described, row: Floats) -> Floats:
            return heat_map(one, row, scale).cells

        def parts(one: Described, row: Floats) -> Floats:
            return of_parts(one, row, scale)

        every = range(len(ill))
        lines: dict[str, tuple[Draw, list[Described], list[int]]] = {
            "this scan": (mapped, [scan.shipped for scan in ill], [*every]),
            "by the 27 stored parts alone": (parts, [scan.shipped for scan in ill], [*every]),
            "by the direction of these parts": (direction, [scan.shipped for scan in ill], [*every]),
            "by single cells, as before": (shares, [scan.shipped for scan in ill], [*every]),
            "random weights": (mapped, [scan.random for scan in ill if scan.random is not None], [*every]),
            "words of another lesion": (mapped, [scan.shipped for scan in ill], other),
            "scan of another study": (mapped, [ill[at].shipped for at in elsewhere], [*every]),
        }
        for name, (draw, said, of_words) in lines.items():
            if len(said) == len(ill):
                found = [
                    hit_of(scan.study, draw(said[at], rows[of_words[at]]), boxes[at], scan.tissue)
                    for at, scan in enumerate(ill)
                ]
                print(f"| {title} | {name} | {told(found)} |", flush=True)


def side_tests(ill: Sequence[Scan], encode: Encode, scale: Scale) -> None:
    """What the archive's own test says of these scans, one study a unit."""
    with_side = [scan for scan in ill if scan.side in {"left", "right"}]
    rows = encode([without_sides(scan.named) for scan in with_side])
    elsewhere = another_study(with_side)
    tests: dict[str, Callable[[int], Described | None]] = {
        "this scan": lambda at: with_side[at].shipped,
        "random weights": lambda at: with_side[at].random,
        "scan of another study": lambda at: with_side[elsewhere[at]].shipped,
    }
    print("The hotter side is the one with the lesion, words without the side (chance 0.50):")
    for name, of in tests.items():
        by_study: dict[str, list[float]] = {}
        for at, scan in enumerate(with_side):
            described = of(at)
            if described is not None:
                scores = scale.scores(added_by(described), rows[at]).reshape(GRID)
                by_study.setdefault(f"{scan.study} {scan.side}", []).append(sides.on_its_side(scores, scan.side))
        if by_study:
            figure = sides.figure(
                [float(np.mean(one)) for one in by_study.values()], [key.split()[1] for key in by_study]
            )
            passed = figure.ci95 is not None and figure.ci95[0] >= sides.PASSED
            print(f"  {name}: {in_words(figure)}, {figure.queries} studies: {'passes' if passed else 'does not pass'}")


def standing(ill: Sequence[Scan], well: Sequence[Scan], encode: Encode, scale: Scale) -> None:
    """How often something stands out."""

    added = {id(scan): added_by(scan.shipped) for scan in (*ill, *well)}

    def rate(name: str, pairs: Sequence[tuple[Scan, Floats]]) -> None:
        if not pairs:
            return
        hot = [float(scale.scores(added[id(scan)], row).max()) >= scale.floor for scan, row in pairs]
        out = share(hot, [scan.study for scan, _ in pairs])
        drawn_on = [pair for pair, one in zip(pairs, hot, strict=True) if one][:40]
        wide = [np.mean(heat_map(scan.shipped, row, scale).cells >= scale.floor) for scan, row in drawn_on]
        held = f"; the line then holds {np.mean(wide):.2f} of the volume" if wide else ""
        print(f"  {name}: {in_words(out)}, {out.queries} queries{held}", flush=True)

    kinds = sorted({scan.kind for scan in ill})
    own, of_kinds, further = encode([scan.kind for scan in ill]), encode(kinds), encode(FURTHER)
    print("Something stands out:")
    rate("a lesion that is there, by its kind", list(zip(ill, own, strict=True)))
    absent = [(scan, row) for scan in ill for kind, row in zip(kinds, of_kinds, strict=True) if kind != scan.kind]
    rate("kinds of lesion that are not there, scans with another", absent)
    rate("kinds of lesion, scans without any", [(scan, row) for scan in well for row in of_kinds])
    rate("unrelated words", [(scan, row) for scan in (*ill, *well) for row in further])


def real(folder: Path, dual: DualEncoder, encode: Encode, scale: Scale) -> None:
    """The real scans that come with a mask: crops at a sarcoma, a brain tumour, a breast lesion."""
    import nibabel  # noqa: PLC0415

    found: list[tuple[Path, Path, str]] = [
        (image, image.with_name(image.name.replace("_T1", "_mask")), "soft tissue sarcoma of the thigh")
        for image in sorted((folder / "nifti" / "ibsi_sts_mr_t1").glob("*_T1.nii.gz"))
    ]
    for name, words in (("brain1", "enhancing brain tumour"), ("breast1", "breast lesion")):
        image = folder / "nifti" / "pyradiomics" / f"{name}_image.nii.gz"
        found.append((image, image.with_name(f"{name}_label.nii.gz"), words))
    hits: list[Pointed] = []
    out = 0
    for image, mask, words in found:
        if not (image.is_file() and mask.is_file()):
            continue
        voxels, where = (nibabel.load(path) for path in (image, mask))
        volume = to_ras(np.asarray(voxels.dataobj, np.float32), voxels.affine)
        seen = to_ras(np.asarray(where.dataobj, np.float32), where.affine).voxels > 0
        if seen.shape != volume.voxels.shape or not seen.any():
            continue
        described = described_by(dual, volume)
        heat: Heat = heat_map(described, encode([words])[0], scale)
        hits.append(hit_of(image.name, heat.cells, boxes_of(seen), tissue_of(volume)))
        out += heat.stands_out
    print(f"Real scans with a mask (too few to conclude from): {told(hits)}; something stands out on {out}")


def drawn(studies: int, seed: int, dual: DualEncoder, keep: Path | None) -> list[Scan]:
    """Scans of the generator's studies, at most `SERIES` of each, those on which its lesion can be seen first."""
    blind = random_weights(dual)
    found: list[Scan] = []
    for number in range(studies):
        case = plan_case(number, seed=seed)
        plans = [plan for plan in case.series if plan.sequence not in {"localizer", "ADC"} and plan.part == 0]
        chosen = np.random.default_rng((seed, number, 31)).permutation(len(plans))[:SERIES]
        for place in sorted(chosen.tolist()):
            found.append(scan_of(case, plans[place], dual, blind, keep))
        if number % 20 == 19:
            print(f"drawn: {number + 1} of {studies} studies", flush=True)
    return found


def scan_of(case: Case, plan: SeriesPlan, dual: DualEncoder, blind: DualEncoder | None, keep: Path | None) -> Scan:
    path = None if keep is None else keep / f"{case.seed}-{case.index}-{plan.number}.npz"
    if path is not None and path.is_file():
        with np.load(path) as held:
            boxes, tissue = tuple(map(tuple, held["boxes"].tolist())), held["tissue"]
            said = [loaded(held, name) for name in ("shipped", "random")]
    else:
        voxels, affine, mask = render_series(case, plan)
        volume = to_ras(voxels, affine)
        boxes = boxes_of(to_ras(mask.astype(np.float32), affine).voxels > 0.5)
        tissue = tissue_of(volume)
        said = [described_by(dual, volume), None if blind is None else described_by(blind, volume)]
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            arrays = {
                f"{name} {part}": getattr(one, part)
                for name, one in zip(("shipped", "random"), said, strict=True)
                if one is not None
                for part in ("vector", "aligned", "weights", "boxes")
            }
            np.savez(path, boxes=np.array(boxes, np.float32).reshape(-1, 6), tissue=tissue, **arrays)
    lesion = case.lesions[0] if case.lesions else None
    named = ""
    if lesion is not None:
        side = f"{lesion.side} " if lesion.side in {"left", "right"} else ""
        named = f"{lesion.kind} in the {side}{lesion.site}"
    assert said[0] is not None  # noqa: S101
    return Scan(
        f"{case.index}", f"{plan.sequence} {plan.plane}", "" if lesion is None else lesion.kind, named,
        "" if lesion is None or len({one.side for one in case.lesions}) > 1 else lesion.side, boxes, tissue, *said,
    )  # fmt: skip


def loaded(held: Any, name: str) -> Described | None:
    if f"{name} vector" not in held:
        return None
    vector, aligned, weights, boxes = (held[f"{name} {part}"] for part in ("vector", "aligned", "weights", "boxes"))
    nothing = np.zeros((len(weights), 1), np.float32)
    return Described(vector, nothing, nothing[0], aligned, weights, boxes)


def described_by(dual: DualEncoder, volume: Volume) -> Described:
    if dual.describer is None:
        raise SystemExit("the encoder tells no parts of a scan apart")
    return dual.describer.describe([dual.image.preparation(volume)])[0]


def random_weights(dual: DualEncoder) -> DualEncoder | None:
    """The same tower before any training; None for an encoder of another kind."""
    import torch  # noqa: PLC0415

    from spinecho.encoders.checkpoint import load_checkpoint  # noqa: PLC0415
    from spinecho.encoders.networks.image_tower import Tower, TowerEncoder  # noqa: PLC0415
    from spinecho.encoders.networks.tower_config import KIND, tower_parts  # noqa: PLC0415
    from spinecho.encoders.registry import WEIGHTS  # noqa: PLC0415

    checkpoint = load_checkpoint(WEIGHTS / "image", kind=KIND)
    config, preparation = tower_parts(WEIGHTS / "image", checkpoint.card)
    torch.manual_seed(0)
    trained, fresh = Tower(config), Tower(config)
    checkpoint.put_into(trained)
    for name, values in trained.named_buffers():  # the fixed basis of the frozen network's features is no training
        fresh.get_buffer(name).copy_(values)
    if dual.image.space.dim != config.total:
        return None
    return DualEncoder("random", TowerEncoder(fresh, preparation, revision="random"), dual.text)


def encoder_of(dual: DualEncoder) -> Encode:
    aligned = dual.aligned_text
    if aligned is None:
        raise SystemExit("the encoder does not compare words with scans")
    return lambda texts: np.concatenate([aligned.encode([text]) for text in texts]).astype(np.float32)


def another_kind(scans: Sequence[Scan]) -> list[int]:
    """For each scan one of another kind of lesion, drawn."""
    random = np.random.default_rng(0)
    return [int(random.choice([other for other, one in enumerate(scans) if one.kind != scan.kind])) for scan in scans]


def another_study(scans: Sequence[Scan]) -> list[int]:
    """For each scan one of another study, of the same sequence and plane where there is one."""
    random = np.random.default_rng(1)
    found = []
    for scan in scans:
        others = [at for at, one in enumerate(scans) if one.study != scan.study]
        alike = [at for at in others if scans[at].kind_of_scan == scan.kind_of_scan]
        found.append(int(random.choice(alike or others)))
    return found


def share(values: Sequence[float | bool], studies: Sequence[str], chance: float = 0.0) -> Figure:
    """The mean; studies are drawn for the interval."""
    units = np.unique(np.asarray(studies), return_inverse=True)[1].astype(np.int64)
    numbers = np.asarray(values, np.float64)
    return Figure(float(numbers.mean()), chance, Resamples(units).mean(numbers), float(units.max() + 1), len(numbers))


def told(found: Sequence[Pointed]) -> str:
    figure = share([one.hit for one in found], [one.study for one in found])
    chance = float(np.mean([one.chance for one in found]))
    return f"{in_words(figure)} | {chance:.3f} | {figure.queries} | {figure.pool:.0f}"


def in_words(figure: Figure) -> str:
    low, high = figure.ci95 or (float("nan"), float("nan"))
    return f"{figure.value:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
