"""What is recommended, and what came of trying an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.table import Table

from spinecho.ui.printing.console import out
from spinecho.ui.printing.outputs.figures_compared import print_compared
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.learning.encoder_advice import Advice
    from spinecho.learning.encoder_spaces import Trial


def print_advice(found: Advice) -> None:
    """What was looked at, then a row for each, the most promising first."""
    machine = found.machine
    card = "no card" if machine.device == "cpu" else f"a card with {machine.device_gb:,.0f} GB"
    out.print(
        f"{found.volumes:,} scans of {found.studies:,} studies, {found.patients_with_reports:,} patients with reports; "
        f"{_shares(found.regions) or 'no region known'}; reports: {_shares(found.languages) or 'none'}",
        soft_wrap=True, highlight=False,
    )  # fmt: skip
    out.print(
        f"{machine.cores} cores, {machine.memory_gb:,.0f} GB, {card}, {machine.free_mb / 1000:,.0f} GB of disk free, "
        f"{'a hub answers' if machine.network else 'no hub answers'}",
        soft_wrap=True, highlight=False,
    )  # fmt: skip
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "encoder", "hours", "GB", "licence", "why"):
        table.add_column(column, justify="right" if column in {"hours", "GB"} else "left", overflow="fold")
    for one in found.suggestions:
        hours = "<0.1" if one.hours < 0.1 else f"{one.hours:,.1f}" if one.hours < 10 else f"{one.hours:,.0f}"
        row = (one.worth, one.name, hours, f"{one.megabytes / 1000:,.1f}", plain(one.licence), plain(one.why))
        table.add_row(*row)
    out.print(table, highlight=False)
    first = next((one for one in found.suggestions if one.worth == "now"), None)
    if first is not None:
        out.print(f"Begin with: {first.command}", highlight=False)


def print_trial(done: Trial) -> None:
    """Digests, figures, and whether it is offered."""
    if done.fetched is not None:
        out.print(f"{done.fetched.repository} lies in {plain(done.folder)}", soft_wrap=True, highlight=False)
        for name in done.fetched.unchecked:
            digest = done.fetched.digests.get(name, "")
            out.print(f"{plain(name)}: no digest was known to hold it against; sha256 {digest}", soft_wrap=True)
        if (made := done.fetched.converted) is not None:
            said = f"{plain(made.source)} (sha256 {made.before}) became {made.file} (sha256 {made.after})"
            out.print(said, soft_wrap=True, highlight=False)
    if done.comparison is not None:
        one = done.comparison
        print_compared(one.figures, one.serves, one.other, patients=one.patients)
    out.print(plain(done.why), soft_wrap=True, highlight=False)
    if done.switched:
        out.print("It answers now; 'spinecho encoders rollback' goes back", highlight=False)
    elif done.added is not None and done.better:
        out.print(f"'spinecho encoders switch {done.added.encoder.number}' lets it answer", highlight=False)


def _shares(shares: Mapping[str, float]) -> str:
    known = sorted(shares.items(), key=lambda one: -one[1])[:4]
    return ", ".join(f"{share:.0%} {plain(name)}" for name, share in known)
