"""Which published encoders to try on an archive, from what is in it and what the machine can do."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spinecho.db.queries.learning.recommending import ArchiveContents, archive_contents
from spinecho.db.schema.database import Database
from spinecho.encoders.catalogue import PUBLISHED, Published, Sees
from spinecho.encoders.language.parts.languages import language_of
from spinecho.setup.settings import Settings

__all__ = ["Advice", "Machine", "Suggestion", "advice", "suggestions"]

_ADAPTABLE = 150
"""Patients with reports from which on `spinecho adapt` learns something."""
_ADAPTED_DIM, _ADAPTING_HOURS = 560, 0.7
"""Of an adapted encoder over the one that ships, and of its training at most."""
_LONG_HOURS = 24 * 7
_SENTENCES = 15
"""Of a report, about."""
_CELLS = 28
"""Rows of a volume: its own, and those of its regions."""
_ROWS = 1.3
"""Of rows and their indexes over what they hold."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to compute with. gigaflops: measured now, multiplying matrices; network: whether a hub answers."""

    cores: int
    memory_gb: float
    device: str
    device_gb: float
    gigaflops: float
    free_mb: float
    network: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to try. hours: of computing over the whole archive; megabytes: weights and rows."""

    name: str
    command: str
    why: str
    worth: str
    """now, later (something is missing first), or not here."""
    hours: float
    megabytes: float
    licence: str = ""

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Advice:
    """What was looked at, and what follows from it, the most promising first."""

    volumes: int
    studies: int
    patients_with_reports: int
    regions: Mapping[str, float]
    languages: Mapping[str, float]
    machine: Machine
    suggestions: tuple[Suggestion, ...]

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self) | {"suggestions": [one.to_json() for one in self.suggestions]}


def advice(settings: Settings, database: Database) -> Advice:
    """What to try on this archive, on this machine."""
    contents, machine = archive_contents(database), this_machine(settings)
    regions = {region: count / max(1, contents.volumes) for region, count in contents.regions.items()}
    told = Counter(str(language_of(text)) for text in contents.reports)
    languages = {language: count / len(contents.reports) for language, count in told.most_common()}
    made = suggestions(contents, regions, languages, machine)
    return Advice(contents.volumes, contents.studies, contents.patients, regions, languages, machine, made)


def suggestions(
    contents: ArchiveContents, regions: Mapping[str, float], languages: Mapping[str, float], machine: Machine
) -> tuple[Suggestion, ...]:
    """In the order in which they are worth a try."""
    order = ("now", "later", "not here")
    found = [_adapt(contents)]
    found += [_of(one, contents, regions, languages, machine) for one in PUBLISHED]
    return tuple(sorted(found, key=lambda one: order.index(one.worth)))


def _adapt(contents: ArchiveContents) -> Suggestion:
    enough = contents.patients >= _ADAPTABLE
    why = (
        f"reports of {contents.patients:,} patients: it learns from them which words go with which scans, reads no "
        "scan again, and proves itself on held-out patients"
        if enough
        else f"reports of {contents.patients:,} patients, and it takes {_ADAPTABLE}"
    )
    megabytes = contents.volumes * 2 * _ADAPTED_DIM * _CELLS * _ROWS / 1e6
    return Suggestion("adapt", "spinecho adapt", why, "now" if enough else "later", _ADAPTING_HOURS, megabytes)


def _of(
    one: Published,
    contents: ArchiveContents,
    regions: Mapping[str, float],
    languages: Mapping[str, float],
    machine: Machine,
) -> Suggestion:
    items = contents.volumes if one.kind else contents.reported_studies * _SENTENCES
    hours = items * one.size.gigaflops / max(1e-9, machine.gigaflops) / 3600
    rows = items * 2 * one.dim * (_CELLS if one.sees is Sees.SLABS else 1) * _ROWS / 1e6
    megabytes = one.megabytes + rows
    worth, why = _worth(one, contents, regions, languages)
    hindered = _hindered(one, hours, megabytes, machine)
    if worth != "not here" and hindered:
        worth, why = ("later" if "network" in hindered else "not here"), f"{why}; {hindered}"
    return Suggestion(one.name, f"spinecho encoders try {one.name}", why, worth, hours, megabytes, one.licence)


def _worth(
    one: Published, contents: ArchiveContents, regions: Mapping[str, float], languages: Mapping[str, float]
) -> tuple[str, str]:
    if one.sees is Sees.SENTENCES:
        foreign = sum(share for language, share in languages.items() if language not in {"en", "unknown"})
        if "de" in one.languages:
            if foreign >= 0.1:
                return "now", f"{foreign:.0%} of the reports are not in English, which its sentences cover"
            return "not here", "the reports are in English"
        if foreign > 0.5:
            return "not here", "it reads English, and most reports are in other languages"
        if not contents.reported_studies:
            return "not here", "there is no report"
        return "later", "made for the English of medicine; takes an index of its own (--home, --text-model)"
    if not contents.volumes:
        return "later", "nothing is indexed yet"
    if one.regions:
        share = sum(regions.get(region, 0.0) for region in one.regions)
        if share < 0.3:
            return "not here", f"{share:.0%} of the scans are of what it was made for ({', '.join(one.regions)})"
        return "now", f"{share:.0%} of the scans are of what it was made for ({', '.join(one.regions)})"
    if one.aligned:
        without = contents.reported_studies < 0.2 * max(1, contents.studies)
        few = "few studies have reports: words would find the others by their pictures" if without else (
            "compares words with pictures from the start; measure it against the present encoder"
        )  # fmt: skip
        return "now", few
    if contents.patients >= _ADAPTABLE:
        return "later", "scans that look alike; 'spinecho adapt' over it learns the words"
    return "later", "scans that look alike alone: too few reports to learn words from"


def _hindered(one: Published, hours: float, megabytes: float, machine: Machine) -> str:
    if megabytes > machine.free_mb:
        return f"it takes {megabytes:,.0f} MB, and {machine.free_mb:,.0f} MB are free"
    if (needed := one.megabytes * 1.5 / 1000) > max(machine.memory_gb, machine.device_gb):
        return f"it takes about {needed:.0f} GB of memory"
    if one.kind and hours > _LONG_HOURS:
        return f"it computes {hours / 24:,.0f} days on this {'card' if machine.device != 'cpu' else 'CPU'}"
    if not machine.network:
        return (
            f"no network here: 'hf download {one.repository} --local-dir FOLDER' where there is one, then --from FOLDER"
        )
    return ""


def this_machine(settings: Settings) -> Machine:
    """Cores, memory, a card, how quickly it multiplies, free disk, and whether a hub answers."""
    import psutil  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from spinecho.encoders.registry import pick_device  # noqa: PLC0415

    device = pick_device(settings.device)
    card = torch.cuda.get_device_properties(device).total_memory / 1e9 if device != "cpu" else 0.0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        cores=cores,
        memory_gb=psutil.virtual_memory().total / 1e9,
        device=device,
        device_gb=card,
        gigaflops=_gigaflops(device),
        free_mb=shutil.disk_usage(settings.home).free / 1e6,
        network=_reaches_hub(),
    )


def _gigaflops(device: str, *, seconds: float = 0.2) -> float:
    """What a product of matrices is worth here, at the precision in which networks are computed."""
    import torch  # noqa: PLC0415

    side = 1024 if device == "cpu" else 8192
    kind = torch.float32 if device == "cpu" else torch.bfloat16
    left, right = (torch.ones(side, side, dtype=kind, device=device) for _ in range(2))
    done, began = 0, time.perf_counter()
    while done < 2 or time.perf_counter() - began < seconds:
        (left @ right).sum().item()  # waits for a card
        done += 1
    return float(done * 2 * side**3 / (time.perf_counter() - began) / 1e9)


def _reaches_hub(*, seconds: float = 3.0) -> bool:
    """Whether the hub, or the mirror that HF_ENDPOINT names, answers at all; nothing of the archive is told it."""
    import httpx  # noqa: PLC0415

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return False
    try:
        httpx.head(os.environ.get("HF_ENDPOINT") or "https://huggingface.co", timeout=seconds)
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return False
    return True
