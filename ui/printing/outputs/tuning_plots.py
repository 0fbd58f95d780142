"""Recall against time of each kind of index as a picture, one PNG a space. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_MARKS = "osD^vP*"


def write_trade_offs(folder: Path, value: dict[str, Any]) -> list[Path]:
    """From lists of `TradeOff` as plain values by space: milliseconds across, what is missed (1 - recall) up."""
    written = []
    for role, rows in value.items():
        picture = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = picture.subplots()
        for mark, kind in zip(_MARKS, dict.fromkeys(row["kind"] for row in rows), strict=False):
            mine = sorted((row for row in rows if row["kind"] == kind), key=lambda row: row["p50_ms"])
            label = f"{kind}, {mine[0]['bytes_per_vector']:.0f} bytes a vector"
            axes.plot(
                [row["p50_ms"] for row in mine],
                [max(1 - row["recall"], 1e-4) for row in mine],
                marker=mark,
                linewidth=1,
                label=label,
            )
        axes.axhline(0.01, color="#b04a3a", linewidth=1, label="recall 0.99")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("median of single queries, ms")
        axes.set_ylabel("missed of the ten nearest (1e-4: none)")
        axes.set_title(f"{role} vectors", fontsize=10)
        axes.legend(frameon=False, fontsize=8)
        path = folder / f"tune-{role}.png"
        picture.savefig(path, dpi=120)
        written.append(path)
    return written
