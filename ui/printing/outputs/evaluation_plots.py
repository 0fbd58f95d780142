"""An evaluation as pictures: one PNG a question. Needs matplotlib."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_BAR, _CHANCE = "#3f7cac", "#b04a3a"


def write_plots(folder: Path, evaluation: dict[str, Any]) -> list[Path]:
    """From `Evaluation.to_json`: bars with their intervals, chance as a line across each; ranks have no picture."""
    written = []
    for result in evaluation["results"]:
        figures = {name: value for name, value in result["figures"].items() if name != "median rank"}
        if not figures:
            continue
        picture = Figure(figsize=(1.6 + 0.9 * len(figures), 3.6), layout="constrained")
        axes = picture.subplots()
        for place, value in enumerate(figures.values()):
            axes.bar(place, value["value"], color=_BAR, width=0.6)
            axes.hlines(value["chance"], place - 0.4, place + 0.4, color=_CHANCE, label="_" if place else "chance")
            if value["ci95"] is not None:
                axes.vlines(place, *value["ci95"], color="black", linewidth=1)
        first = next(iter(figures.values()))
        axes.set_xticks(range(len(figures)), list(figures), rotation=30, ha="right")
        axes.set_ylim(0, 1)
        axes.set_title(f"{result['name']}\n{first['queries']} queries, pool {first['pool']:.0f}", fontsize=9)
        axes.legend(frameon=False, fontsize=8)
        path = folder / f"{re.sub(r'[^a-z0-9]+', '-', result['name'].lower()).strip('-')}.png"
        picture.savefig(path, dpi=120)
        written.append(path)
    return written
