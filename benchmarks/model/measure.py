"""Measure an aligned encoder on held-out subjects, beside three baselines; every figure of the model card is made here.

python -m benchmarks.model.measure --work FOLDER --model FOLDER --out figures.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common import machine
from benchmarks.model.data import NOT_SHIPPED, folders, held_out
from spinecho.encoders.networks.image_tower import Tower, TowerEncoder, batch_of, described
from spinecho.encoders.networks.sentence_encoder import SentenceEncoder
from spinecho.encoders.networks.slices import SliceEncoder
from spinecho.encoders.networks.text_tower_encoder import TextTowerEncoder
from spinecho.encoders.preparing.preparation import resized
from spinecho.encoders.training.data.cell_cache import CellCache
from spinecho.encoders.training.data.examples import Example, Facts, examples
from spinecho.encoders.training.data.queries import KIND, REGION, SEQUENCE, family
from spinecho.encoders.training.data.vary import vary
from spinecho.search.evaluation import Measured, by_label, by_text, paired, text_groups

Rows = NDArray[np.float32]
_COPIES = (1, 2, 3)
"""Variants whose originals are looked for."""


def distinct(cache: CellCache, numbers: Sequence[int]) -> list[int]:
    """Volumes without copies: one scan stored in several transfer syntaxes is asked for once."""
    first = {(cache.facts[n].patient, cache.cells(n)[0].numpy().tobytes()): n for n in reversed(numbers)}
    return sorted(first.values())


def tower_rows(tower: Tower, cache: CellCache, numbers: Sequence[int], *, variant: int = 0) -> Rows:
    """(n, total) unit rows of cached volumes."""
    rows = []
    with torch.inference_mode():
        for number in numbers:
            cells = batch_of([cache.cells(number, variant)])
            boxes = np.zeros((cells.filled.shape[1], 6), np.float32)
            rows.append(described(tower, cells, tower.read(cells), 0, boxes).vector)
    return np.stack(rows)


def raw_rows(items: Iterable[Example]) -> Rows:
    """16 x 16 x 16 voxels, standardised: the least that an encoder must beat."""
    rows = []
    for item in items:
        grey = item.grey
        for axis in range(3):
            grey = resized(np.ascontiguousarray(grey), axis, 16)
        values = grey.astype(np.float32).ravel()
        values -= values.mean()
        rows.append(values / max(float(np.linalg.norm(values)), 1e-6))
    return np.stack(rows)


def image_to_image(rows: Rows, copies: Sequence[Rows], facts: Sequence[Facts]) -> dict[str, Measured]:
    """By region, by sequence within the brain, and a varied copy's original."""
    patients, regions = [each.patient for each in facts], [each.region for each in facts]
    brain = np.array([region == "brain" for region in regions])
    families = [family(each.sequence) for each in facts]
    keys = [str(number) for number in range(len(facts))]  # a fact's key is unique within its source alone
    return {
        "by body region": by_label(rows, regions, subjects=patients),
        "by sequence (brain)": by_label(
            rows[brain], [f for f, b in zip(families, brain, strict=True) if b],
            subjects=[p for p, b in zip(patients, brain, strict=True) if b],
        ),
        "original of a varied copy": paired(
            np.concatenate(copies), rows, query_uids=keys * len(copies), gallery_uids=keys,
            patients=patients * len(copies),
        ),
    }  # fmt: skip


def text_to_image(encode: Callable[[Sequence[str]], Rows], rows: Rows, facts: Sequence[Facts]) -> dict[str, Measured]:
    """Region and sequence in words, three wordings each, over real volumes; relevant is a volume of both."""
    classes = sorted({(each.region, family(each.sequence)) for each in facts if each.region and family(each.sequence)})
    made: dict[str, Measured] = {}
    for least in (1, 5):
        queries, relevance = [], []
        for region, sequence in classes:
            fits = np.array([each.region == region and family(each.sequence) == sequence for each in facts])
            if fits.sum() < least:
                continue
            first, last = SEQUENCE.get(sequence, (sequence,)), REGION.get(region, (region,))
            for words in (f"{first[0]} MRI of the {last[0]}", f"{last[-1]} {first[-1]}", f"{first[0]} {last[0]}"):
                queries.append(words)
                relevance.append(fits.astype(float))
        if queries:
            name = "region and sequence in words" + ("" if least == 1 else f", classes of {least} or more")
            made[name] = by_text(
                encode(queries), rows, np.stack(relevance), measures=("P@1", "P@5", "nDCG@10"),
                patients=[each.patient for each in facts],
            )  # fmt: skip
    return made


def lesions(
    encode: Callable[[Sequence[str]], Rows], rows: Rows, facts: Sequence[Facts], *, studies: int = 1000
) -> tuple[dict[str, Measured], dict[str, Any]]:
    """Planted lesions by kind, site and side: a study's own lesion in words, any study with the same one counts."""
    names = list(dict.fromkeys(each.study for each in facts))[:studies]
    kept = np.array([each.study in set(names) for each in facts])
    owners = [each.study for each in facts if each.study in set(names)]
    of = {each.study: each for each in facts}
    lesions_of = {name: {(x["kind"], x["site"], x["side"]) for x in of[name].labels["lesions"]} for name in names}
    asked = [name for name in names if lesions_of[name]]
    triples = {name: min(lesions_of[name]) for name in asked}
    texts = [
        f"{KIND[k][0]} in the {'bilateral' if side == 'both' else side} {site}" for k, site, side in triples.values()
    ]
    scores = encode(texts) @ rows[kept].T
    best = np.full((len(asked), len(names)), -np.inf)
    at = {name: number for number, name in enumerate(names)}
    for column, owner in enumerate(owners):
        best[:, at[owner]] = np.maximum(best[:, at[owner]], scores[:, column])
    order = np.argsort(-best, axis=1, kind="stable")
    hit, wrong, sided, found, right = [], 0, 0, [], 0
    for row, name in enumerate(asked):
        kind, site, side = triples[name]
        top = [names[n] for n in order[row, :10]]
        matches = [triples[name] in lesions_of[other] for other in top]
        hit.append(any(matches))
        found.append(sum(matches) / min(10, sum(triples[name] in lesions_of[other] for other in names)))
        if side in {"left", "right"}:
            opposite = (kind, site, "left" if side == "right" else "right")
            either = [other for other in top[:1] if triples[name] in lesions_of[other] or opposite in lesions_of[other]]
            sided += len(either)
            wrong += sum(opposite in lesions_of[other] and triples[name] not in lesions_of[other] for other in either)
        right += matches[0]
    rng = np.random.default_rng(0)
    patients = np.array([of[name].patient for name in asked])
    kinds = np.unique(patients)
    where = {name: np.flatnonzero(patients == name) for name in kinds}
    draws = [
        np.mean(np.array(hit)[np.concatenate([where[n] for n in rng.choice(kinds, len(kinds))])]) for _ in range(500)
    ]
    same = np.array([np.mean([triples[name] in lesions_of[other] for other in names]) for name in asked])
    chance = float(np.mean(1 - (1 - same) ** 10))
    return {}, {
        "R@10": round(float(np.mean(hit)), 4), "ci95": [round(float(v), 4) for v in np.percentile(draws, [2.5, 97.5])],
        "chance": round(chance, 4), "pool": len(names), "queries": len(asked), "P@1": round(right / len(asked), 4),
        "share of all that match in the first 10": round(float(np.mean(found)), 4),
        "first of the right kind and site on the wrong side": round(wrong / max(1, sided), 4), "of": sided,
    }  # fmt: skip


def reports(encode: Callable[[Sequence[str]], Rows], rows: Rows, facts: Sequence[Facts]) -> dict[str, Measured]:
    """A study's report to the study, among all of the held-out archive; both directions, and by sequence."""
    names = list(dict.fromkeys(each.study for each in facts))
    of = {each.study: each for each in facts}
    texts = [of[name].texts[0][1] for name in names]
    asked = encode(texts)
    at = {name: number for number, name in enumerate(names)}
    pooled = np.zeros((len(names), rows.shape[1]), np.float32)
    for row, each in zip(rows, facts, strict=True):
        pooled[at[each.study]] += row
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    patients = [of[name].patient for name in names]
    groups = text_groups(texts)
    both = {
        "query_uids": names,
        "gallery_uids": names,
        "patients": patients,
        "query_groups": groups,
        "gallery_groups": groups,
    }
    made = {
        "report to study": paired(asked, pooled, **both),  # type: ignore[arg-type]
        "study to report": paired(pooled, asked, **both),  # type: ignore[arg-type]
    }
    for sequence in ("FLAIR", "T2", "T1"):
        one: dict[str, int] = {}
        for number, each in enumerate(facts):
            if family(each.sequence) == sequence:
                one.setdefault(each.study, number)
        some = [name for name in names if name in one]
        group = [groups[at[name]] for name in some]
        made[f"report to study, one {sequence} volume each"] = paired(
            asked[[at[name] for name in some]], rows[[one[name] for name in some]], query_uids=some,
            gallery_uids=some,
            patients=[of[name].patient for name in some], query_groups=group, gallery_groups=group,
        )  # fmt: skip
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="folder with image/ and text/")
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--baselines", action="store_true", help="measure the three baselines too")
    parser.add_argument("--sources", nargs="*", default=[], help="measure on all of these sources, held out as a whole")
    given = parser.parse_args()
    torch.set_grad_enabled(False)
    cells, shards = folders(given.work, "cells"), folders(given.work, "shards")
    frozen = SentenceEncoder.default()
    image = TowerEncoder.load(given.model / "image")
    text = TextTowerEncoder.load(given.model / "text", frozen, space=image.space)
    encode = text.encode
    real = CellCache([cells["real"]])
    barred = held_out(real.facts) | {f.patient for f in real.facts if f.source in (*NOT_SHIPPED, *given.sources)}
    numbers = distinct(real, [n for n, f in enumerate(real.facts) if f.patient in barred])
    facts = [real.facts[n] for n in numbers]
    tower = image._tower
    rows = tower_rows(tower, real, numbers)
    copies = [tower_rows(tower, real, numbers, variant=v) for v in _COPIES]
    made: dict[str, Any] = {"machine": machine(), "held-out real": {"volumes": len(facts), "subjects": len(barred)}}
    made["shipped"] = _json(image_to_image(rows, copies, facts) | text_to_image(encode, rows, facts))
    if given.baselines:
        wanted = set(numbers)  # features were cached in the order of the shards
        items = [item for n, item in enumerate(examples(shards["real"])) if n in wanted]
        held = [item.facts for item in items]
        varied = [[vary(item, np.random.default_rng((*item.facts.key.encode(), v))) for item in items] for v in _COPIES]
        slices = SliceEncoder()

        def sliced(some: Sequence[Example]) -> Rows:
            return slices.encode([item.volume() for item in some])

        made["raw voxels 16^3"] = _json(image_to_image(raw_rows(items), [raw_rows(v) for v in varied], held))
        made["EfficientNet-Lite2 slices"] = _json(image_to_image(sliced(items), [sliced(v) for v in varied], held))
        torch.manual_seed(7)
        fresh = Tower(replace(tower.config, likeness=0.0))
        fresh.mean, fresh.components = tower.mean, tower.components
        made["same tower, random"] = _json(
            image_to_image(
                tower_rows(fresh.eval(), real, numbers),
                [tower_rows(fresh, real, numbers, variant=v) for v in _COPIES],
                facts,
            )
        )
    if not given.sources:
        test = CellCache([cells["phantom-test"]])
        rows = tower_rows(tower, test, range(len(test)))
        made["generator: lesions"] = lesions(encode, rows, test.facts)[1]
        made["generator: reports"] = _json(reports(encode, rows, test.facts))
        keep = np.random.default_rng(0).permutation(len(test))[:1000]
        made["generator: images"] = _json(
            {
                "by sequence": by_label(
                    rows[keep],
                    [family(test.facts[n].sequence) for n in keep],
                    subjects=[test.facts[n].patient for n in keep],
                )
            }
        )
    content = json.dumps(made, indent=1)
    if given.out:
        given.out.write_text(content + "\n")
    print(_table(made))


def _json(measured: dict[str, Measured]) -> dict[str, Any]:
    return {name: each.to_json() for name, each in measured.items()}


def _table(made: dict[str, Any]) -> str:
    """One line a figure: value [95 % interval], chance, queries, pool."""
    lines = []
    for who, questions in made.items():
        for question, result in questions.items() if isinstance(questions, dict) else ():
            if not isinstance(result, dict) or "figures" not in result:
                lines.append(f"{who} | {question}: {result}")
                continue
            for name, figure in result["figures"].items():
                bounds = "" if figure["ci95"] is None else f" [{figure['ci95'][0]:.2f}, {figure['ci95'][1]:.2f}]"
                reach = f", best {figure['best']:.2f}" if figure["best"] < 1 else ""
                lines.append(
                    f"{who} | {question} | {name} {figure['value']:.3f}{bounds}, chance {figure['chance']:.3f}{reach}, "
                    f"{figure['queries']} queries, pool {figure['pool']:.0f}"
                )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
