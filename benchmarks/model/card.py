"""Measure the shipped encoder and write docs/model-card.md: every figure in it comes from here.

python -m benchmarks.model.card --work FOLDER --model encoders/weights --log WORK/model/run/log.jsonl
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import machine
from spinecho.encoders.networks.image_tower import TowerEncoder
from spinecho.encoders.networks.slices import SliceEncoder
from spinecho.encoders.reading.volume import Volume

PAGE = Path(__file__).parents[2] / "docs" / "model-card.md"
WHO = {
    "shipped": "**shipped: 2.5D tower, aligned**",
    "raw voxels 16^3": "raw voxels, 16 x 16 x 16",
    "EfficientNet-Lite2 slices": "EfficientNet-Lite2 slices (ImageNet, frozen)",
    "same tower, random": "the same tower, not trained",
}


def speed(model: Path) -> dict[str, float]:
    """Seconds to prepare and embed a 256 x 256 x 180 volume on two threads, the best of five; and the stand-in's."""
    torch.set_num_threads(2)
    random = np.random.default_rng(0)
    smooth = np.kron(random.random((32, 32, 18)), np.ones((8, 8, 10))).astype(np.float32) * 900
    volume = Volume(smooth, np.diag([1.0, 1.0, 1.0, 1.0]))
    found = {}
    for name, encoder in (("shipped", TowerEncoder.load(model / "image")), ("slices-minilm", SliceEncoder())):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            encoder.encode([volume])
            times.append(time.perf_counter() - began)
        found[name] = round(min(times), 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--log", type=Path, nargs="+", required=True)
    parser.add_argument("--page-only", action="store_true", help="from the figures of the last time")
    given = parser.parse_args()
    figures, heads = given.work / "figures.json", given.work / "heads.json"
    if not given.page_only:
        common = ["--work", str(given.work), "--model", str(given.model)]
        for module, out, more in (("measure", figures, ["--baselines"]), ("heads", heads, [])):
            subprocess.run(
                [sys.executable, "-m", f"benchmarks.model.{module}", *common, "--out", str(out), *more], check=True
            )
        (given.work / "speed.json").write_text(json.dumps(speed(given.model) | {"machine": machine()}))
    made = json.loads(figures.read_text())
    page = (Path(__file__).parent / "card.md").read_text()
    timed = given.work / "speed.json"
    for name, lines in {
        "IMAGES": _images(made),
        "TEXTS": _questions(made["shipped"], only="words"),
        "GENERATED": [
            *_lesions(made["generator: lesions"]),
            *_questions(made["generator: reports"])[2:],
            *_questions(made["generator: images"])[2:],
        ],
        "HEADS": _heads(json.loads(heads.read_text())) if heads.exists() else ["not measured"],
        "UNSEEN": _unseen(given.work / "sources.json"),
        "LOG": _log(given.log),
        "SPEED": [timed.read_text()] if timed.exists() else [],
        "MACHINE": [made["machine"]],
        "POOL": [f"{made['held-out real']['volumes']} volumes of {made['held-out real']['subjects']} subjects"],
    }.items():
        page = page.replace(f"<!-- {name} -->", "\n".join(lines))
    PAGE.write_text(page)


def _unseen(path: Path) -> list[str]:
    """Of a tower that was trained anew without some sources: what it does on them."""
    if not path.exists():
        return ["Not measured: `benchmarks.model.train --without SOURCES`, then `.measure --sources SOURCES`."]
    made = json.loads(path.read_text())
    pool = made["held-out real"]
    about = f"{pool['volumes']} volumes of {pool['subjects']} subjects, {made['machine']}."
    images = [line.replace(WHO["shipped"], "the same tower, trained without them") for line in _images(made)]
    return [about, "", *images, "", *_questions(made["shipped"], only="words")]


def _figure(figure: dict[str, Any]) -> str:
    bounds = "" if figure["ci95"] is None else f" ({figure['ci95'][0]:.2f} to {figure['ci95'][1]:.2f})"
    return f"{figure['value']:.2f}{bounds}"


def _images(made: dict[str, Any]) -> list[str]:
    asked = {"by body region": "P@1", "by sequence (brain)": "P@1", "original of a varied copy": "Recall@1"}
    one = made["shipped"]
    head = [
        f"{question}: {name} (chance {one[question]['figures'][name]['chance']:.2f}, "
        f"{one[question]['figures'][name]['queries']} queries, pool {one[question]['figures'][name]['pool']:.0f})"
        for question, name in asked.items()
    ]
    lines = ["| Encoder | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for who, title in WHO.items():
        if who in made:
            cells = [_figure(made[who][question]["figures"][name]) for question, name in asked.items()]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def _questions(made: dict[str, Any], *, only: str = "") -> list[str]:
    lines = ["| Question | Figure | Chance | Best possible | Queries | Pool |", "|---|---|---|---|---|---|"]
    for question, result in made.items():
        if only in question:
            for name, figure in result["figures"].items():
                if name in {"P@1", "P@5", "nDCG@10", "Recall@1", "Recall@10", "median rank", "mAP"}:
                    lines.append(
                        f"| {question} | {name} {_figure(figure)} | {figure['chance']:.3f} | {figure['best']:.2f} | "
                        f"{figure['queries']} | {figure['pool']:.0f} |"
                    )
    return lines


def _lesions(found: dict[str, Any]) -> list[str]:
    return [
        "| Question | Figure | Chance | Best possible | Queries | Pool |",
        "|---|---|---|---|---|---|",
        f"| planted lesion by kind, side and site in words | R@10 {found['R@10']:.2f} ({found['ci95'][0]:.2f} to "
        f"{found['ci95'][1]:.2f}) | {found['chance']:.3f} | 1.00 | {found['queries']} | {found['pool']} |",
        f"| the same, first answer | P@1 {found['P@1']:.2f} | | 1.00 | {found['queries']} | {found['pool']} |",
        f"| first answers of the right kind and site that lie on the wrong side | "
        f"{found['first of the right kind and site on the wrong side']:.3f} of {found['of']} | 0.5 | 0 | | |",
    ]


def _heads(made: dict[str, Any]) -> list[str]:
    lines = ["| Task | Figures on patients that the head was not trained on |", "|---|---|"]
    for task, found in made.items():
        if isinstance(found, dict):
            figures_shown = []
            for figure in found["figures"][:4]:
                bounds = "" if figure["low"] is None else f" ({figure['low']:.2f} to {figure['high']:.2f})"
                chance = "" if figure["chance"] is None else f", chance {figure['chance']:.2f}"
                figures_shown.append(
                    f"{figure['name']} {figure['value']:.2f}{bounds}{chance}, {figure['volumes']} volumes"
                )
            lines.append(f"| {task} | {'; '.join(figures_shown)} |")
    return lines


def _log(paths: Sequence[Path]) -> list[str]:
    def kept() -> Iterator[dict[str, Any]]:
        for path in paths:
            for line in path.read_text().splitlines():
                row = json.loads(line)
                if "loss" in row and (row["step"] % 100 == 0 or row["step"] == 20):
                    yield row

    lines = ["| Step | Loss | Queries | Reports | Variants | Studies/s |", "|---|---|---|---|---|---|"]
    for row in kept():
        values = [f"{row.get(name, float('nan')):.3f}" for name in ("loss", "queries", "reports", "variants")]
        lines.append(f"| {row['step']} | {' | '.join(values)} | {row.get('examples_per_s', 0):.1f} |")
    return lines


if __name__ == "__main__":
    main()
